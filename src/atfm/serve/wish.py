"""`Wish`: what a caller wants drawn, and how it is drawn: exactly as by `model.sample`."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from atfm.models import Model
from atfm.predict import Chunk, Origin, Prediction, Prepared, gather, prepare_opened
from atfm.predict.prediction import UNKNOWN
from atfm.predict.sampling import stream
from atfm.serve.image import Image
from atfm.serve.refusal import Refusal

__all__ = ["Wish", "draw", "prepare"]

MOST_SAMPLES = 1024
HIGHEST = 1e30  # of an image, far within the numbers that float32 has
LARGEST = 2**53 - 1  # the whole numbers that JavaScript has


def whole(value: Any) -> Any:
    """A whole number as JSON has them: 3 and 3.0, but neither "3" nor true."""
    if isinstance(value, bool | str) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("expected a whole number")
    return value


Count = Annotated[int, Field(ge=1, le=MOST_SAMPLES), BeforeValidator(whole)]
Seed = Annotated[int, Field(ge=0, le=LARGEST), BeforeValidator(whole)]
Value = Annotated[float, Field(ge=-HIGHEST, le=HIGHEST)]
Steps = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)]
Pixel = Annotated[int, Field(ge=0, le=2**31), BeforeValidator(whole)]


class Wish(BaseModel):
    """What is to be drawn.

    Args:
        image: id of the image.
        model: name of the model; None: the first.
        n: masks.
        seed: of the noise.
        steps: of the solver, in place of the model's own.
        slices: of a volume, for a model of slices.
        point: `[x, y]` or `[x, y, z]`, the pixel round which the model looks.
        window: values that become 0 and 1, in place of the model's own rule.
        key: what the noise belongs to; None: `image-0`, of a case its name.
        chunk: masks at a time, so that progress is heard of more often; None: as many as fit. But for the last bits
            of a sum, what is drawn depends not on it.
    """

    model_config = ConfigDict(extra="forbid")

    image: str = Field(min_length=1, max_length=64)
    model: str | None = Field(None, max_length=200)
    n: Count = 16
    seed: Seed = 0
    steps: Steps | None = None
    slices: list[Pixel] | None = Field(None, min_length=1, max_length=4096)
    point: list[Pixel] | None = Field(None, min_length=2, max_length=3)
    window: list[Value] | None = Field(None, min_length=2, max_length=2)
    key: str | None = Field(None, min_length=1, max_length=200)
    chunk: Count | None = None


def prepare(model: Model, image: Image, wish: Wish) -> Prepared:
    """The part of the image that is meant, as the model wants it.

    Raises:
        AtfmError: it does not fit the model.
        Refusal: a window that does not ascend.
    """
    if wish.window is not None and not wish.window[0] < wish.window[1]:
        raise Refusal(400, f"window: expected a lower and a higher value, got {wish.window}")
    window = None if wish.window is None else (wish.window[0], wish.window[1])
    key = wish.key or image.opened.key
    point = wish.point
    if (
        point is not None
        and len(point) == 2
        and image.opened.source.picture.pixels.ndim == 4
        and image.view.slices == 1
    ):
        point = [*point, 0]  # a volume of one slice is flat to who looks at it
    return prepare_opened(model, image.opened, key=key, slices=wish.slices, at=point, window=window)


def draw(
    model: Model, prepared: Prepared, wish: Wish, heard: Callable[[Chunk], Any] = lambda chunk: None
) -> Prediction:
    """Draw it.

    Args:
        model: what draws.
        prepared: what `prepare` returned.
        wish: what is wanted.
        heard: called with every chunk; what it raises ends the drawing.

    Raises:
        AtfmError: steps that the model has not, or more memory than there is.
    """

    def told() -> Any:
        for chunk in stream(model, prepared, wish.n, seed=wish.seed, steps=wish.steps, chunk=wish.chunk):
            heard(chunk)
            yield chunk

    weights = str(model.card.get("sha256", UNKNOWN))
    return gather(prepared, told(), Origin(model.name, weights, wish.seed, wish.steps))
