"""Turns and places against nibabel, in all 48 orientations."""

import itertools

import nibabel
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform

from atfm.errors import InputError
from atfm.io.volumes.geometry import Geometry, apart, check_same_place, onto, same_place
from atfm.io.volumes.turn import Turn, check_letters, turn

AFFINE = np.array([[-1.0, 0, 0, 4], [0, -2, 0, 5], [0, 0, 3, 6], [0, 0, 0, 1]])
ALL = ["".join(way) for pairs in itertools.permutations(["LR", "PA", "SI"]) for way in itertools.product(*pairs)]
VOLUME = np.arange(24).reshape(2, 3, 4)
LPS = Geometry(AFFINE, (2, 3, 4))


def rotated(degrees: float) -> np.ndarray:
    """The affine with its axes turned round z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ AFFINE


def test_there_are_48() -> None:
    assert len(set(ALL)) == 48


@pytest.mark.parametrize("letters", ALL)
def test_a_turn_is_nibabels(letters: str) -> None:
    by = turn("LPS", letters)
    volume, geometry = by.array(VOLUME), LPS.turned(by)
    image = nibabel.Nifti1Image(VOLUME.T.astype(np.int16), AFFINE)
    other = image.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt(letters)))
    np.testing.assert_array_equal(volume, np.asanyarray(other.dataobj).T)
    np.testing.assert_allclose(geometry.affine, other.affine)
    assert geometry.orientation == letters and geometry.shape == volume.shape
    assert by.numbers(LPS.spacing) == geometry.spacing


@pytest.mark.parametrize("letters", ALL)
def test_and_back(letters: str) -> None:
    by = turn("LPS", letters)
    volume, geometry = by.array(VOLUME), LPS.turned(by)
    np.testing.assert_array_equal(by.inverse.array(volume), VOLUME)
    assert onto(geometry, LPS) == by.inverse == turn(letters, "LPS") == check_same_place(LPS, geometry, "a", "b")
    assert all(volume[by.index(at, VOLUME.shape)] == VOLUME[at] for at in np.ndindex(VOLUME.shape))
    assert same_place(LPS, geometry) and by.nothing == (letters == "LPS")


def test_a_slice_turns_in_its_plane_only() -> None:
    plane = VOLUME[0]
    np.testing.assert_array_equal(turn("LPS", "RAS").array(plane, 2), plane[::-1, ::-1])
    np.testing.assert_array_equal(turn("LPS", "PLS").array(plane[None], 2), plane.T[None])
    assert turn("LPS", "PLI").index((1, 3), plane.shape) == (3, 1)
    with pytest.raises(InputError, match="out of its plane"):
        turn("LPS", "LIP").array(plane, 2)


@pytest.mark.parametrize("degrees", [0, 10, 44.9, 45.1, 80])
def test_tilted_volumes_find_each_other(degrees: float) -> None:
    """Near 45 degrees letters change from one volume to the next, but what lies on what does not."""
    tilted = Geometry(rotated(degrees), (2, 3, 4))
    for letters in ALL:
        by = turn("LPS", letters)
        assert onto(tilted.turned(by), tilted) == by.inverse
        assert apart(tilted, tilted.turned(by)) < 1e-9


def test_other_places_are_named() -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 0.09
    assert same_place(LPS, Geometry(moved, (2, 3, 4)))
    moved[0, 3] += 0.02
    assert not same_place(LPS, Geometry(moved, (2, 3, 4))) and same_place(LPS, Geometry(moved, (2, 3, 4)), 0.2)
    with pytest.raises(
        InputError, match=r"mask: does not lie where image does, 0.11 mm apart: it is LPS, 4 x 3 x 2 .*"
    ):
        check_same_place(LPS, Geometry(moved, (2, 3, 4)), "mask", "image")
    with pytest.raises(InputError, match="of another size"):
        check_same_place(LPS, Geometry(AFFINE, (2, 3, 5)), "mask", "image")
    mirrored = Geometry(np.diag([-1.0, 1, 1, 1]) @ AFFINE, (2, 3, 4))
    with pytest.raises(InputError, match=r"it is RPS.*the image is LPS"):
        check_same_place(LPS, mirrored, "mask", "image")


@pytest.mark.parametrize("letters", ["", "LP", "LPSS", "LRS", "LPX", "AAL"])
def test_no_orientation(letters: str) -> None:
    with pytest.raises(InputError, match="three letters, one each of"):
        check_letters(letters)


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1, 0, 1])])
def test_no_volume(affine: np.ndarray) -> None:
    with pytest.raises(InputError, match="spans a volume"):
        Geometry(affine, (2, 3, 4))
    assert Geometry.of(None, (3, 4)) is None and Geometry.of(AFFINE, (3, 4)).shape == (1, 3, 4)
    assert Turn().nothing
