"""The real images that come with the package, each with the outlines of its readers and its attribution.

found = example()                # a nodule on CT, four readers: two count a shadow in, one does not, one slot is empty
found.case.image, found.case.masks, found.attribution, found.path
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from atfm.data.case import Case
from atfm.errors import InputError
from atfm.io.decoding import brief

__all__ = ["Example", "example", "example_names"]

# name -> its patient and its case there
_SOURCES = {"nodule": ("LIDC-IDRI-0775", "LIDC-IDRI-0775/nodule-1/slice-24")}


@dataclass(frozen=True)
class Example:
    """One image with its readers.

    Args:
        name: by which `example` finds it.
        case: the image and a mask for each reader; the size of a pixel is not known.
        attribution: whose it is, on which terms and what was changed, as has to be shown with it; a few lines.
        path: of the picture, for what reads files.
    """

    name: str
    case: Case
    attribution: str
    path: Path


def example_names() -> list[str]:
    """Return the names of all examples, the first to be shown first."""
    return list(_SOURCES)


def example(name: str = "nodule") -> Example:
    """Return an image that comes with the package.

    Raises:
        InputError: no example of that name.
    """
    if name not in _SOURCES:
        raise InputError(f"example {brief(name)!r}: expected one of {', '.join(_SOURCES)}")
    folder = Path(str(resources.files("atfm") / "examples"))
    path, (patient, case_id) = folder / f"{name}.png", _SOURCES[name]
    masks = [_grey(file) > 0 for file in sorted(folder.glob(f"{name}-reader-*.png"))]
    case = Case(
        image=(_grey(path)[None] / np.float32(255)),
        masks=np.stack(masks).astype(np.uint8),
        case_id=case_id,
        patient_id=patient,
    )
    return Example(name, case, (folder / f"{name}.txt").read_text("utf-8").strip(), path)


def _grey(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)
