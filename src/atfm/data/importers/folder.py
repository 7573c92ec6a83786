"""Any folder of images with one or several masks each, found by patterns of their names."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from atfm.data.case import Case
from atfm.data.importers.naming import natural
from atfm.data.importers.patterns import Pattern
from atfm.data.layout import StoreInfo, on_grid
from atfm.data.splits import FRACTIONS, random_splits
from atfm.data.store import StoreWriter
from atfm.errors import InputError
from atfm.io.images import read_image, read_mask

__all__ = ["Form", "Found", "find_cases", "import_folder"]


@dataclass(frozen=True)
class Form:
    """How the files become cases.

    Args:
        classes: 1 for binary masks, else the number of labels, background included.
        size: `(H, W)` to resize to, antialiased for images and nearest for masks; None keeps every size.
        grey: turn colours into grey, 0.299 R + 0.587 G + 0.114 B.
        window: the two values of the files that become black and white; None for 8-bit, 16-bit and [0, 1].
        spatial_dims: 2 or 3; None to tell from the files.
    """

    classes: int = 1
    size: tuple[int, int] | None = None
    grey: bool = False
    window: tuple[float, float] | None = None
    spatial_dims: int | None = None


@dataclass
class Found:
    """The files of one case.

    Args:
        image: path of the image.
        patient_id: whose it is.
        masks: path of each annotator's mask.
    """

    image: Path
    patient_id: str
    masks: dict[str, Path] = field(default_factory=dict)


def import_folder(
    folder: Path,
    out: Path,
    *,
    images: str,
    masks: str,
    form: Form = Form(),
    patient: str | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int = 0,
    skip_incomplete: bool = False,
    name: str | None = None,
    licence: str = "unknown",
    source: str = "unknown",
    modality: str = "unknown",
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> StoreInfo:
    """Build a store from a folder, one case in memory at a time.

    Args:
        folder: where the patterns begin.
        out: the store to make.
        images: pattern of the images, such as `images/{case}.png` or `{patient}/{case}/image.nii.gz`.
        masks: pattern of the masks, such as `masks/{case}_{annotator}.png`. A file that is an image is never a mask.
        form: how the files become cases.
        patient: regular expression whose first group in the case's name is the patient; without it and without
            `{patient}` in the pattern every case is a patient of its own.
        splits: patient ids of each split; None deals them out at random.
        fractions: share of the patients for each split then.
        seed: of the deal.
        skip_incomplete: leave out images without masks and masks without an image, instead of refusing them.
        name: of the data set; the folder's if not given.
        licence: on which terms it may be used.
        source: where it comes from.
        modality: such as CT.
        progress: called with the cases done and their total after each of them.

    Raises:
        InputError: patterns that find nothing, an incomplete case, or a file that cannot be used, by name.
        DiskError: the store cannot be written.
    """
    found = find_cases(folder, Pattern(images), Pattern(masks), patient, skip_incomplete=skip_incomplete)
    if splits is None:
        splits = random_splits((case.patient_id for case in found.values()), seed, fractions)
    about = {"licence": licence, "source": source, "modality": modality}
    with StoreWriter(out, name=name or folder.resolve().name, classes=form.classes, splits=splits, **about) as writer:
        for done, (case_id, files) in enumerate(found.items(), start=1):
            writer.add(read_case(case_id, files, form))
            progress(done, len(found))
    return writer.info


def find_cases(
    folder: Path, images: Pattern, masks: Pattern, patient: str | None = None, *, skip_incomplete: bool = False
) -> dict[str, Found]:
    """Find the files of every case, in natural order of the cases.

    Raises:
        InputError: no such folder, nothing found, two files for one image or mask, or an incomplete case.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    names = sorted((file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()), key=natural)
    if "{annotator}" in images.parts:
        raise InputError(
            f"pattern {images.text!r}: an image has no {{annotator}}; put it into the pattern of the masks"
        )
    # Two patients may both have a case `visit-1`; the patient tells them apart where both patterns name it.
    by_patient = "{patient}" in images.parts and "{patient}" in masks.parts
    cases: dict[str, Found] = {}
    rest = []
    for name in names:
        match = next(images.matches(name), None)
        case_id = named(match, by_patient) if match else ""
        if match is None:
            rest.append(name)
        elif case_id in cases:
            raise InputError(f"{folder / name}: case {case_id} has an image already: {cases[case_id].image}")
        else:
            cases[case_id] = Found(folder / name, match.get("patient") or patient_of(match["case"], patient))
    if not cases:
        raise InputError(f"{folder}: no file fits the pattern {images.text!r} of the images; {examples(names)}")
    orphans = [name for name in rest if not place(name, masks, cases, folder, by_patient)]
    return complete(cases, orphans, folder, masks, skip=skip_incomplete)


def named(match: Mapping[str, str], by_patient: bool) -> str:
    """The id of the case that a name was read as."""
    return f"{match['patient']}/{match['case']}" if by_patient else match["case"]


def place(name: str, masks: Pattern, cases: Mapping[str, Found], folder: Path, by_patient: bool) -> bool:
    """Give a mask to its case; False for a mask of a case that has no image."""
    readings = list(masks.matches(name))
    for match in readings:
        case_id = named(match, by_patient)
        if case_id not in cases:
            continue
        masks_of, annotator = cases[case_id].masks, match.get("annotator", "")
        if annotator in masks_of:
            who = f"of annotator {annotator}" if annotator else "and the pattern has no {annotator}"
            raise InputError(f"{folder / name}: case {case_id} has a mask already {who}: {masks_of[annotator]}")
        masks_of[annotator] = folder / name
        return True
    return not readings


def complete(
    cases: Mapping[str, Found], orphans: Sequence[str], folder: Path, masks: Pattern, *, skip: bool
) -> dict[str, Found]:
    """The cases that have masks; the others are an error or left out."""
    whole = {case_id: files for case_id, files in cases.items() if files.masks}
    if not whole:
        raise InputError(f"{folder}: no mask fits the pattern {masks.text!r} and a case; {examples(orphans)}")
    if not skip:
        for case_id in sorted(cases.keys() - whole.keys(), key=natural):
            raise InputError(
                f"{cases[case_id].image}: no mask of this image fits {masks.text!r}; --skip-incomplete leaves it out"
            )
        if orphans:
            raise InputError(f"{folder / orphans[0]}: a mask without an image; --skip-incomplete leaves it out")
    return {case_id: whole[case_id] for case_id in sorted(whole, key=natural)}


def patient_of(case_id: str, pattern: str | None) -> str:
    """The first group of a regular expression in the name of a case."""
    if pattern is None:
        return case_id
    try:
        match = re.search(pattern, case_id)
    except re.error as error:
        raise InputError(f"patient {pattern!r}: not a regular expression: {error}") from error
    if match is None or not match.groups() or not match[1]:
        raise InputError(f"patient {pattern!r}: no group of it fits case {case_id!r}; an example is '^([^_]+)_'")
    return match[1]


def examples(names: Sequence[str]) -> str:
    """A few of the names that are there, for an error."""
    return f"it holds {', '.join(names[:3])} ..." if names else "it holds no other file"


def read_case(case_id: str, files: Found, form: Form) -> Case:
    """Read the image and the masks of one case."""
    image, spacing, _ = read_image(files.image, window=form.window, spatial_dims=form.spatial_dims)
    dims = image.ndim - 1
    annotators = sorted(files.masks, key=natural)
    masks = [read_mask(files.masks[who], classes=form.classes, spatial_dims=dims) for who in annotators]
    for who, mask in zip(annotators, masks, strict=True):
        if mask.shape != image.shape[1:]:
            raise InputError(
                f"{files.masks[who]}: a mask of {list(mask.shape)} pixels beside an image of {list(image.shape[1:])}"
            )
    before = image.shape[1:]
    image, stack = reformed(image, np.stack(masks), form, case_id)
    if form.size is not None:
        spacing = tuple(mm * old / new for mm, old, new in zip(spacing, before, form.size, strict=True))
    return Case(image, stack, case_id, files.patient_id, spacing)


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
