"""Where the rows and the columns of a picture run to, of images that do not say where they lie: X-rays, films.

CT and MR say it by directions in the patient (Image Orientation), most others in letters (Patient Orientation, DICOM
PS3.3, C.7.6.1.1.1): `["L", "F"]` runs to the left and to the feet.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from atfm.io.dicom.file import shared
from atfm.io.dicom.placing import first
from atfm.io.volumes.letters import Letters, letter_of

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

__all__ = ["towards"]

OURS = str.maketrans("HF", "SI")  # head and feet are superior and inferior here
OPPOSITE = str.maketrans("LRAPSI", "RLPAIS")
LPS = np.array([-1.0, -1.0, 1.0])  # to RAS


def towards(ds: "Dataset", path: "Path") -> Letters | None:
    """The letters at the edges of its picture; None where it says nothing, or something that is no direction.

    Raises:
        InputError: directions that are no six numbers.
    """
    found = first([*shared(ds), ds], "ImageOrientationPatient", path, 6)
    if found is not None:
        return _letters(*(letter_of(LPS * np.array(way)) for way in (found[:3], found[3:])))
    said = ds.get("PatientOrientation")
    ways = [str(way).strip().translate(OURS) for way in said] if isinstance(said, Sequence) else []
    if len(ways) != 2 or not all(map(_is_direction, ways)):
        return None
    return _letters(*ways)


def _is_direction(way: str) -> bool:
    """One to three letters, of each axis of the body one at most."""
    axes = [min(letter, letter.translate(OPPOSITE)) for letter in way]
    return 1 <= len(way) <= 3 and set(way) <= set("LRAPSI") and len(set(axes)) == len(way)


def _letters(right: str, bottom: str) -> Letters:
    return Letters(right.translate(OPPOSITE), right, bottom.translate(OPPOSITE), bottom)
