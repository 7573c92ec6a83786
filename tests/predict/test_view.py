"""What a page shows of an image: its slices as the file stores them, its windows, letters and millimetres."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image

from atfm.errors import InputError
from atfm.predict.source import Source, read_source
from atfm.predict.view import View, view_of

RNG = np.random.default_rng(0)


def seen(path: Path) -> View:
    return view_of(read_source(path, spatial_dims=None))


def nifti(path: Path, volume: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nibabel.save(nibabel.Nifti1Image(volume.T, affine), path)
    return path


def test_a_ct_series(tmp_path: Path, write_series) -> None:
    write_series(tmp_path / "ct", WindowCenter=-600, WindowWidth=1600)
    view = seen(tmp_path / "ct")
    assert (view.width, view.height, view.slices, view.channels, view.flat) == (16, 16, 5, 1, False)
    assert view.spacing == pytest.approx((0.75, 0.5, 2.5))  # x, y, z
    assert view.letters == ("R", "L", "A", "P")
    assert view.windows.units == "HU" and view.windows.usual == ("of the file", -1400, 199)
    presets = {name: (low, high) for name, low, high in view.windows.presets}
    assert presets["lung"] == (-1350, 150) and presets["brain"] == (0, 80)
    assert {"mediastinum", "bone", "full", "percentile", "of the file"} < presets.keys()
    assert view.dtype == np.dtype("<i2")  # the reader has floats, but all of them whole
    np.testing.assert_array_equal(view.plane(3)[..., 0], view.source.picture.pixels[0, 3])


def test_slices_and_axes_are_those_of_a_point(model, tmp_path: Path) -> None:
    """`--at X Y Z` names the pixel that `plane(Z)[Y, X]` shows."""
    from atfm.predict import prepare_file

    volume = RNG.integers(0, 256, (6, 24, 20), np.uint8)
    path = nifti(tmp_path / "a.nii.gz", volume, np.diag([-0.7, -0.6, 2.5, 1]))
    (found,) = prepare_file(model, path, at=[(9, 13, 4)])
    view = seen(path)
    plane = view.plane(4)[..., 0]
    assert plane.shape == (24, 20) == volume[4].shape and plane[13, 9] == volume[4, 13, 9]
    np.testing.assert_array_equal(found.shown[0, 0], plane[5:21, 1:17] / np.float32(255))


def test_a_volume_that_looks_like_a_ct_is_said_to(tmp_path: Path) -> None:
    volume = RNG.integers(-1024, 1500, (3, 8, 9), np.int16)
    view = seen(nifti(tmp_path / "ct.nii", volume, np.diag([0.7, 0.6, 2.5, 1])))
    assert view.windows.units == "grey" and "lung" in [preset.name for preset in view.windows.presets]
    assert any("look like Hounsfield units" in warning for warning in view.warnings)
    assert view.windows.usual.name == "percentile"
    brain = seen(nifti(tmp_path / "mr.nii", volume.clip(0), np.diag([0.7, 0.6, 2.5, 1])))
    assert [preset.name for preset in brain.windows.presets] == ["full", "percentile"] and brain.warnings == ()


def test_pictures_lie_nowhere(tmp_path: Path) -> None:
    Image.fromarray(RNG.integers(0, 99, (8, 9), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(RNG.integers(0, 99, (8, 9, 3), np.uint8)).save(tmp_path / "b.png")
    grey, colour = seen(tmp_path / "a.png"), seen(tmp_path / "b.png")
    for view in (grey, colour):
        assert view.flat and view.slices == 1 and view.letters is None and view.spacing is None
        assert view.windows.usual == ("full", 0, 255)
    assert (grey.windows.units, colour.windows.units) == ("grey", "colour")
    assert colour.plane().shape == (8, 9, 3) and colour.windows.presets == ()
    np.testing.assert_array_equal(colour.plane(), np.asarray(Image.open(tmp_path / "b.png")))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (["L", "F"], ("R", "L", "S", "I")),  # a chest from the front, as it hangs
        (["P", "FR"], ("A", "P", "SL", "IR")),
        (["L", ""], None),
        (["L", "Q"], None),
        (["LR", "F"], None),
        ("L", None),
        (None, None),
    ],
)
def test_an_x_ray_says_its_directions_in_letters(
    tmp_path: Path, write_series, said: object, wanted: tuple[str, ...] | None
) -> None:
    (file,) = write_series(tmp_path / "dx", depth=1, Modality="DX", PatientOrientation=said)
    dataset = pydicom.dcmread(file)
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    dataset.save_as(file)
    view = seen(tmp_path / "dx")
    assert view.letters == wanted and view.windows.units == "grey"


def test_a_film_knows_its_directions_without_a_place(tmp_path: Path, write_series) -> None:
    (file,) = write_series(tmp_path / "s", depth=1, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    dataset = pydicom.dcmread(file)
    del dataset.ImagePositionPatient
    dataset.save_as(file)
    view = seen(tmp_path / "s")
    assert view.source.picture.geometry is None and view.letters == ("A", "P", "S", "I")


def test_a_flat_volume_has_two_sides_of_a_pixel_and_its_letters(tmp_path: Path) -> None:
    view = seen(nifti(tmp_path / "a.nii", RNG.integers(0, 9, (1, 8, 9), np.uint8), np.diag([-0.7, -0.6, 2.5, 1])))
    assert view.flat and view.spacing == pytest.approx((0.7, 0.6)) and view.letters == ("R", "L", "A", "P")


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[0, 1]], bool), "u1"),
        (np.array([[0, 255]], np.int64), "u1"),
        (np.array([[-5, 3]], np.int8), "<i2"),
        (np.array([[-5, 3]], ">i4"), "<i2"),
        (np.array([[0, 40000]], np.int32), "<u2"),
        (np.array([[0, 70000]], np.int32), "<f4"),
        (np.array([[-1, 40000]], np.int32), "<f4"),
        (np.array([[0.5, 1]], np.float64), "<f4"),
        (np.array([[-1000, 1]], np.float32), "<i2"),
        (np.array([[np.nan, 1]], np.float32), "<f4"),
    ],
)
def test_values_are_sent_in_the_smallest_type_that_holds_them(values: np.ndarray, wanted: str) -> None:
    from atfm.io.picture import Picture

    view = view_of(Source(Picture(values[None], (1.0, 1.0), {"format": "npy"})))
    plane = view.plane()
    assert view.dtype == np.dtype(wanted) == plane.dtype
    np.testing.assert_array_equal(plane[..., 0], values.astype(np.float32))
    low, high = view.windows.usual[1:]
    assert np.isfinite([low, high]).all() and low < high


@pytest.mark.parametrize("fill", [0.25, np.nan, np.inf])
def test_windows_of_nothing_have_two_ends(fill: float) -> None:
    from atfm.io.picture import Picture

    view = view_of(Source(Picture(np.full((1, 4, 4), fill, np.float32), (1.0, 1.0), {"format": "npy"})))
    for _, low, high in (view.windows.usual, *view.windows.presets):
        assert np.isfinite([low, high]).all() and low < high


def test_a_slice_beyond_the_last(tmp_path: Path) -> None:
    view = seen(nifti(tmp_path / "a.nii", RNG.integers(0, 9, (3, 8, 9), np.uint8)))
    with pytest.raises(InputError, match="slice 3: expected 0 to 2"):
        view.plane(3)
