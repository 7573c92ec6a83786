"""The letters at the edges of a slice are those of the patient, as SimpleITK and nibabel name them."""

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.letters import Letters, letters_of

OPPOSITE = {"L": "R", "R": "L", "P": "A", "A": "P", "S": "I", "I": "S"}
TURNS = [
    np.eye(3)[list(order)] * signs for order in [(0, 1, 2), (1, 0, 2), (2, 1, 0)] for signs in [(1, 1, 1), (-1, 1, -1)]
]


def of_dicom(orientation: list[float]) -> Letters | None:
    """The letters of a slice by its Image Orientation (Patient), in LPS."""
    rows, columns = np.array(orientation[:3]), np.array(orientation[3:])
    axes = np.stack([rows, columns, np.cross(rows, columns)], 1)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ axes
    return letters_of(Geometry(affine, (1, 16, 16)))


@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        ([1, 0, 0, 0, 1, 0], ("R", "L", "A", "P")),  # axial, as radiologists look at it: from the feet
        ([0, 1, 0, 0, 0, -1], ("A", "P", "S", "I")),  # sagittal
        ([1, 0, 0, 0, 0, -1], ("R", "L", "S", "I")),  # coronal
        ([-1, 0, 0, 0, -1, 0], ("L", "R", "P", "A")),  # prone, or turned by half
    ],
)
def test_the_planes_of_dicom(orientation: list[float], wanted: tuple[str, ...]) -> None:
    assert of_dicom(orientation) == wanted


@pytest.mark.parametrize("axes", TURNS, ids=lambda axes: str(axes.astype(int).tolist()))
def test_other_libraries_name_the_same_directions(axes: np.ndarray) -> None:
    affine = np.eye(4)
    affine[:3, :3] = axes * [0.7, 0.6, 2.5]
    found = letters_of(Geometry(affine, (6, 24, 20)))
    assert found is not None
    right, bottom, _ = nibabel.aff2axcodes(affine)
    assert (found.right, found.bottom) == (right, bottom)
    lps = np.diag([-1.0, -1.0, 1.0]) @ axes
    # SimpleITK names an orientation by where its axes come from in older releases, by where they go in newer ones
    named = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(lps.ravel().tolist())
    assert named[:2] in (right + bottom, OPPOSITE[right] + OPPOSITE[bottom])
    assert (found.left, found.top) == (OPPOSITE[right], OPPOSITE[bottom])


@pytest.mark.parametrize(("degrees", "right"), [(10, "L"), (40, "LP"), (50, "PL"), (80, "P")])
def test_an_oblique_slice_has_two_letters(degrees: float, right: str) -> None:
    along = [np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0]
    found = of_dicom([*along, -along[1], along[0], 0])
    assert found is not None and found.right == right
    assert found.left == "".join(OPPOSITE[letter] for letter in right)


def test_where_nobody_said_how_it_lies_there_are_none() -> None:
    assert letters_of(None) is None
