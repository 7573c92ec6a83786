"""What the answers hold, field by field, for `openapi.json`; sequences are lists, which its readers understand."""

from typing import Literal

from pydantic import BaseModel

__all__ = ["CaseList", "Error", "ImageTold", "ModelList", "ModelTold", "Packed", "ResultTold"]


class Fault(BaseModel):
    """What went wrong: a word for programs, a line for people."""

    code: str
    message: str


class Error(BaseModel):
    """The one shape of every error."""

    error: Fault


class ModelTold(BaseModel):
    """A model: what it takes and what it was trained on; `steps` are its solver's, null where it has none."""

    name: str
    method: str
    channels: int
    size: list[int]
    sees: list[int] | None
    dims: int
    classes: int
    patients_trained_on: int
    steps: int | None
    modality: str | None
    needs: Literal["whole", "sliding"]
    card: dict[str, object]


class ModelList(BaseModel):
    """All models, the usual one first."""

    models: list[ModelTold]


class CaseTold(BaseModel):
    """A case that can be opened by its number."""

    number: int
    name: str
    kind: Literal["case", "example"]
    readers: int
    split: str | None


class CaseList(BaseModel):
    """A page of the cases."""

    total: int
    cases: list[CaseTold]


class Size(BaseModel):
    """Pixels of an image."""

    width: int
    height: int
    slices: int


class Spacing(BaseModel):
    """Millimetres from pixel to pixel."""

    x: float
    y: float
    z: float | None


class Letters(BaseModel):
    """What lies at each border: L or R, A or P, S or I."""

    left: str
    right: str
    top: str
    bottom: str


class Ends(BaseModel):
    """The values that are black and white."""

    low: float
    high: float


class Preset(Ends):
    """A window with a name."""

    name: str


class Rectangle(BaseModel):
    """A part of an image, in its pixels."""

    x: int
    y: int
    width: int
    height: int


class Extent(BaseModel):
    """Of what a model looks at round a spot, in pixels of the image."""

    width: float
    height: float


class Way(BaseModel):
    """How an image can be given to a model, and why not; with `window`, if it has no place for the image's values."""

    whole: bool
    slices: bool
    spot: bool
    sees: Rectangle | None
    field: Extent | None
    window: Ends | None
    why: dict[str, str]
    warnings: list[str]


class ImageTold(BaseModel):
    """An image that is kept for a while."""

    id: str
    size: Size
    channels: int
    kind: Literal["flat", "volume"]
    spacing: Spacing | None
    letters: Letters | None
    window: Ends
    presets: list[Preset]
    units: str
    ways: dict[str, Way]
    readers: list[str]
    attribution: str | None
    warnings: list[str]
    expires_in: int


class Packed(BaseModel):
    """Masks `[n, C, D, H, W]`, each packed to bits from a byte of its own on, in base64."""

    shape: list[int]
    bits: str


class Readers(Packed):
    """The annotators' masks, and what to call them."""

    names: list[str]


class Map(BaseModel):
    """Values `[D, H, W]`, each `byte * scale`, in base64."""

    shape: list[int]
    dtype: Literal["uint8"]
    scale: float
    data: str


class Place(Rectangle):
    """Where masks lie in their image."""

    slices: list[int]
    scale: list[float]


class Areas(BaseModel):
    """Of each sample: pixels, and what is known besides."""

    px: list[int]
    mm2: list[float] | None
    ml: list[float] | None


class Area(BaseModel):
    """Of one mask."""

    px: int
    mm2: float | None
    ml: float | None


class HypothesisTold(BaseModel):
    """One reading: its share with the 95 % interval, the sample that shows it, and all that belong to it."""

    name: str
    probability: float
    low: float
    high: float
    area: Area
    sample: int
    samples: list[int]
    empty: bool


class ResultTold(BaseModel):
    """What was drawn."""

    id: str
    image: str
    model: str
    n: int
    seed: int
    steps: int | None
    key: str
    seconds: float
    place: Place
    masks: Packed
    weights: list[float]
    areas: Areas
    hypothesis_of: list[int]
    hypotheses: list[HypothesisTold]
    empty: float
    empty_exact: bool
    probability: Map
    ambiguity: Map
    sentence: str
    warnings: list[str]
    files: list[str]
