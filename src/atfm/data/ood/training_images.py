"""`TrainingImages`: how they were, kept with the model, so that an image out of their distribution is recognised.

Of each image its histogram and its sharpness are looked at (`features`), and compared with those of the training
images (`coreset`); besides, what the file says of itself: modality, colour and the size of a pixel. A warning
is no verdict: it says what is unlike and by how much, and leaves the rest to who knows the image.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from atfm.data.ood.coreset import Coreset
from atfm.data.ood.features import GRADES, LEVELS, features, tiles
from atfm.errors import CheckpointError
from atfm.io.images import Picture

__all__ = ["TrainingImages", "out_of_distribution", "training_images_of"]

SLACK = 1.25  # times the training's spacing, either way
# Words for one modality, by DICOM's code of it; a modality of another name is not compared.
MODALITIES = {
    "CT": ("ct",),
    "MR": ("mr", "mri"),
    "US": ("us", "ultrasound", "sonography"),
    "DX": ("dx", "cr", "rg", "x-ray", "xray", "radiography"),
    "MG": ("mg", "mammography"),
    "PT": ("pt", "pet"),
    "OP": ("op", "fundus"),
    "XC": ("xc", "dermoscopy", "photograph", "photography"),
    "SM": ("sm", "gm", "microscopy", "histology"),
    "simulated": ("simulated",),
}


class TrainingImages(BaseModel):
    """The training images of a model.

    Args:
        modality: as the store calls it.
        channels: of the images.
        size: the spatial size that the model was trained on.
        spacing: least and greatest millimetres along each axis; None where the files did not say.
        images: how many there were.
        histogram, sharpness: None where there were too few images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str
    channels: int
    size: tuple[int, ...]
    spacing: tuple[tuple[float, float], ...] | None
    images: int
    histogram: Coreset | None
    sharpness: Coreset | None


def training_images_of(card: Mapping[str, Any], name: str) -> TrainingImages | None:
    """What a model's card tells of them; None in cards from before there was one.

    Raises:
        CheckpointError: one that is none.
    """
    if card.get("training_images") is None:
        return None
    try:
        return TrainingImages.model_validate(card["training_images"])
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CheckpointError(
            f"{name}: field training_images of its JSON: {reason}; take the JSON of its training"
        ) from error


def out_of_distribution(known: TrainingImages, picture: Picture) -> list[str]:
    """Say in what an image is unlike those of the training; an empty list where nothing is.

    Args:
        known: the training images of the model.
        picture: in [0, 1], with the channels of the model. A larger one is looked at in parts of the training's size,
            a volume for a 2-D model slice by slice, and more than half of the parts must be unlike. `meta` may hold
            `modality` and `file_channels`, the channels that the file had.

    Returns:
        Sentences that name one property each: modality, colour, pixel size, histogram, sharpness.
    """
    found = [*_modality(known, picture), *_colour(known, picture), *_spacing(known, picture)]
    if known.histogram is None or known.sharpness is None or len(picture.pixels) != known.channels:
        return found
    by_slice = picture.pixels.ndim == len(known.size) + 2
    planes = np.moveaxis(picture.pixels, 1, 0) if by_slice else picture.pixels[None]  # [planes, C_in, *spatial]
    seen = [features(tile) for plane in planes for tile in tiles(plane, known.size)]
    histogram, sharpness = (np.stack([one[part] for one in seen]) for part in (0, 1))
    return [
        *found,
        *_looks("the intensity histogram", known.histogram, histogram, _level),
        *_looks("the sharpness (steps between neighbouring pixels)", known.sharpness, sharpness, _grade),
    ]


def _modality(known: TrainingImages, picture: Picture) -> Iterator[str]:
    wanted, got = _code(known.modality), _code(str(picture.meta.get("modality", "")))
    if wanted and got and wanted != got:
        yield f"the modality is {picture.meta['modality']}; the model was trained on {known.modality}"


def _code(words: str) -> str | None:
    """DICOM's code of a modality in words; None where it is not known."""
    parts = set(words.lower().replace(",", " ").split())
    return next((code for code, names in MODALITIES.items() if parts & set(names)), None)


def _colour(known: TrainingImages, picture: Picture) -> Iterator[str]:
    channels = picture.meta.get("file_channels", len(picture.pixels))
    if channels != known.channels:
        names = {1: "grey", 3: "in colour"}
        got, wanted = (names.get(n, f"of {n} channels") for n in (channels, known.channels))
        yield f"the image is {got}; the training images were {wanted}"


def _spacing(known: TrainingImages, picture: Picture) -> Iterator[str]:
    """A spacing of 1.0 along every axis is what a file has that says nothing."""
    spacing = picture.spacing[-len(known.size) :]
    if known.spacing is None or all(mm == 1.0 for mm in spacing):
        return
    if any(not low / SLACK <= mm <= high * SLACK for mm, (low, high) in zip(spacing, known.spacing, strict=True)):
        got = " x ".join(f"{mm:.3g}" for mm in spacing)
        wanted = " x ".join(f"{low:.3g} to {high:.3g}" for low, high in known.spacing)
        yield f"the pixels measure {got} mm; those of the training measured {wanted} mm"


def _looks(what: str, coreset: Coreset, values: np.ndarray, told: Callable[[int, float], str]) -> Iterator[str]:
    """One sentence if more than half of the parts `[N, width]` lie beyond the limit."""
    excess = coreset.excess(values)
    if (excess > 1).mean() <= 0.5:
        return
    typical = np.median(values[excess > 1], axis=0)
    beyond = np.maximum(np.subtract(coreset.low, typical), np.subtract(typical, coreset.high))
    worst = int(beyond.argmax())
    detail = ""
    if beyond[worst] > 0:
        low, high = (told(worst, ends[worst]).rpartition(" ")[2] for ends in (coreset.low, coreset.high))
        detail = f"; {told(worst, float(typical[worst]))}, in 99 % of the training images {low} to {high}"
    share = f" in {np.mean(excess > 1):.0%} of its parts" if len(values) > 1 else ""
    distance = float(np.median(excess[excess > 1]))
    yield f"{what} is {distance:.1f} times as far from the nearest training image as is usual{share}{detail}"


def _level(number: int, value: float) -> str:
    channel, level = divmod(number, len(LEVELS))
    of = f" of channel {channel}" if channel else ""
    names = {0.0: "the darkest value", 0.5: "the median", 1.0: "the brightest value"}
    return f"{names.get(LEVELS[level], f'the {LEVELS[level]:.0%} quantile')}{of} is {value:.2f}"


def _grade(number: int, value: float) -> str:
    return f"the {GRADES[number]:.0%} quantile of the steps is {(256**value - 1) / 255:.3f}"
