"""`Form`: how other people's images become cases: grey or in colour, of one size, in which window."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from atfm.data.case import Case
from atfm.data.labels import highest
from atfm.data.layout import on_grid
from atfm.errors import InputError, UnsupportedError
from atfm.importers.naming import natural
from atfm.importers.placing import laid_on, turned_to
from atfm.importers.series import is_series, read_drawn, read_volume
from atfm.io.images import Picture, read_image, read_labels
from atfm.io.pictures.brightness import unit_range
from atfm.io.pictures.marking import MaskRule

__all__ = ["Form", "read_formed"]

NO_RULE = MaskRule()


@dataclass(frozen=True)
class Form:
    """How the files become cases.

    Args:
        classes: 1 for binary masks, else the number of labels, background included.
        size: `(H, W)` to resize to, antialiased for images and nearest for masks; None keeps every size.
        grey: turn colours into grey, 0.299 R + 0.587 G + 0.114 B.
        window: the two values of the files that become black and white; None for 8-bit, 16-bit and [0, 1].
        spatial_dims: 2 or 3; None to tell from the files.
        ignore_label: a label of the masks that says nothing, for several classes; None for none.
        rule: what values and colours of the masks mean, where the files do not say it themselves.
        roi: regular expression for the structure that is meant in a DICOM Segmentation or RT Structure Set of several;
            its group, if it has one, is the observer.
        orientation: three letters to which images that say how they lie are turned with their masks; None for none.

    Raises:
        InputError: a rule of binary masks beside several classes, or a table of more labels than there are classes.
    """

    classes: int = 1
    size: tuple[int, int] | None = None
    grey: bool = False
    window: tuple[float, float] | None = None
    spatial_dims: int | None = None
    ignore_label: int | None = None
    rule: MaskRule = NO_RULE
    roi: str | None = None
    orientation: str | None = None

    def __post_init__(self) -> None:
        if self.rule.binary and self.classes > 1:
            raise InputError("--threshold and --foreground make binary masks; leave --classes out, or give --labels")
        labels = [label for _, label in self.rule.labels if label != self.ignore_label]
        if max(labels, default=0) >= max(self.classes, 2):
            raise InputError(
                f"--labels: a table up to label {max(labels)} needs as many --classes and one, got {self.classes}"
            )


def read_formed(case_id: str, patient_id: str, image: Path, masks: Mapping[str, Path], form: Form) -> Case:
    """Read the image and the masks of one case, the annotators in natural order of their names.

    Raises:
        InputError: a file that cannot be read, or a mask of another size than its image, by name.
    """
    picture, stack = (read_on_series if is_series(image) else read_plain)(image, masks, form)
    picture, stack = turned_to(form.orientation, picture, stack, image)
    pixels, spacing = picture.pixels, picture.spacing
    before = pixels.shape[1:]
    pixels, labels = reformed(pixels, np.stack(stack), form, case_id)
    if form.size is not None:
        spacing = tuple(mm * old / new for mm, old, new in zip(spacing, before, form.size, strict=True))
    return Case(pixels, labels, case_id, patient_id, spacing, tuple(dict.fromkeys(picture.warnings)))


def read_plain(image: Path, masks: Mapping[str, Path], form: Form) -> tuple[Picture, list[np.ndarray]]:
    """An image and its masks from a file each, matched by where they lie, or by their size."""
    picture = read_image(image, window=form.window, spatial_dims=form.spatial_dims)
    stack: list[np.ndarray] = []
    for who in sorted(masks, key=natural):
        if is_series(masks[who]):
            raise UnsupportedError(f"{masks[who]}: a DICOM is read as a mask on a DICOM image, but {image} is none")
        marks = read_marks(masks[who], form, picture.pixels.ndim - 1)
        picture = with_mask(stack, marks, masks[who], picture, image)
    return picture, stack


def read_on_series(image: Path, masks: Mapping[str, Path], form: Form) -> tuple[Picture, list[np.ndarray]]:
    """A DICOM series and its masks, matched by where they lie."""
    volume, grid = read_volume(image, masks, form.spatial_dims)
    picture = volume._replace(pixels=unit_range(volume.pixels, form.window, image))
    stack: list[np.ndarray] = []
    for who in sorted(masks, key=natural):
        drawn = read_drawn(who, masks[who], grid, picture, classes=form.classes, roi=form.roi)
        if drawn is None:
            marks = read_marks(masks[who], form, picture.pixels.ndim - 1)
            picture = with_mask(stack, marks, masks[who], picture, image)
        else:
            stack += drawn.masks.values()
            picture = picture._replace(warnings=(*picture.warnings, *drawn.warnings))
    return picture, stack


def with_mask(stack: list[np.ndarray], marks: Picture, file: Path, picture: Picture, image: Path) -> Picture:
    """Lay one mask on its image and add it to the others; the image comes back with what was said of it."""
    mask, told = laid_on(marks, file, picture, image)
    stack.append(mask)
    return picture._replace(warnings=(*picture.warnings, *(f"masks: {said}" for said in marks.warnings), *told))


def read_marks(file: Path, form: Form, spatial_dims: int) -> Picture:
    """One mask, `[1, *spatial]` uint8 labels below the number of classes, or the label that says nothing."""
    if form.ignore_label is None:
        return read_labels(file, classes=form.classes, spatial_dims=spatial_dims, rule=form.rule)
    marks = read_labels(file, classes=256, spatial_dims=spatial_dims, rule=form.rule)
    top = highest(marks.pixels, form.ignore_label)
    if top >= form.classes:
        raise InputError(f"{file}: expected labels 0 to {form.classes - 1} or {form.ignore_label}, got {top}")
    return marks


def reformed(image: np.ndarray, masks: np.ndarray, form: Form, case_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Grey and resized as wanted; an 8-bit image stays on the 8-bit grid, so that the store stays small."""
    eight_bits = on_grid(image) is not None
    before = image
    if form.grey and len(image) == 3:
        image = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), image, axes=1)[None]
    if form.size is not None:
        if image.ndim != 3:
            raise InputError(f"case {case_id}: only 2-D images can be resized; leave the size out for volumes")
        image = np.stack([resized(channel, form.size, Image.Resampling.BILINEAR) for channel in image])
        masks = np.stack([resized(mask, form.size, Image.Resampling.NEAREST) for mask in masks])
    if image is before:
        return image, masks
    image = np.clip(image, 0, 1)
    return (np.rint(image * 255) / np.float32(255) if eight_bits else image), masks


def resized(plane: np.ndarray, size: tuple[int, int], filter: Image.Resampling) -> np.ndarray:
    """`[H, W]` at another size; PIL widens the bilinear kernel when it shrinks, which is what antialiases."""
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), filter))
