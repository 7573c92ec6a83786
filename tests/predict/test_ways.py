"""In which ways a model can be asked about an image, and what of it it looks at."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from atfm.data.examples import example
from atfm.models import load
from atfm.predict import open_image, prepare_opened
from atfm.predict.ways import ways_of

RNG = np.random.default_rng(0)
STRETCH = {"kind": "stretch"}


def picture(path: Path, *size: int) -> Path:
    Image.fromarray(RNG.integers(0, 256, size, np.uint8)).save(path)
    return path


def nifti(path: Path, shape: tuple[int, ...], affine: np.ndarray | None = None) -> Path:
    volume = RNG.integers(-1000, 1500, shape, np.int16)
    nibabel.save(nibabel.Nifti1Image(volume.T, np.diag([-1, -1, 2, 1]) if affine is None else affine), path)
    return path


def test_a_picture_of_the_models_size_is_looked_at_whole() -> None:
    ways = ways_of(load("lidc"), open_image(example().path))
    assert (ways.whole, ways.slices, ways.spot, ways.none) == (True, False, True, False)
    assert ways.sees == (32, 32, 64, 64) and ways.field == (64, 64)  # of 128 it looks at the central 64
    assert ways.why == {} and ways.warnings == ()


def test_where_all_of_it_is_looked_at_anyway_no_spot_is_offered(make_model, tmp_path: Path) -> None:
    ways = ways_of(make_model(), open_image(picture(tmp_path / "a.png", 16, 16)))
    assert (ways.whole, ways.spot, ways.sees, ways.field) == (True, False, None, (16, 16))


def test_a_larger_picture_has_spots(make_model, tmp_path: Path) -> None:
    ways = ways_of(make_model(), open_image(picture(tmp_path / "a.png", 40, 50), name="the image"))
    assert (ways.whole, ways.slices, ways.spot, ways.sees, ways.field) == (False, False, True, None, (16, 16))
    assert "the image: expected an image of 16 x 16 pixels" in ways.why["whole"]


def test_volumes_for_models_of_slices(make_model, tmp_path: Path) -> None:
    model = make_model(intensity=STRETCH, orientation="LPS")
    fitting = ways_of(model, open_image(nifti(tmp_path / "a.nii", (6, 16, 16))))
    assert (fitting.whole, fitting.slices, fitting.spot) == (False, True, True)
    larger = ways_of(model, open_image(nifti(tmp_path / "b.nii", (6, 40, 50))))
    assert (larger.whole, larger.slices, larger.spot) == (False, False, True) and "slices" in larger.why
    single = ways_of(model, open_image(nifti(tmp_path / "c.nii", (1, 16, 16))))
    assert (single.whole, single.slices, single.spot) == (True, False, False)


def test_a_volume_for_a_model_of_volumes(make_model, tmp_path: Path) -> None:
    model = make_model(size=(4, 16, 16), intensity=STRETCH, orientation="LPS")
    assert ways_of(model, open_image(nifti(tmp_path / "a.nii", (4, 16, 16)))).whole
    larger = ways_of(model, open_image(nifti(tmp_path / "b.nii", (9, 40, 50))))
    assert (larger.whole, larger.slices, larger.spot, larger.field) == (False, False, True, (16, 16))
    flat = ways_of(model, open_image(picture(tmp_path / "a.png", 16, 16)))
    assert flat.none and "takes volumes" in flat.why["whole"]


def test_slices_across_those_that_are_shown_are_spots_alone(make_model, tmp_path: Path) -> None:
    """The model's axial slices are rows of a file that is stored sagittally."""
    model = make_model(size=(16, 24), intensity=STRETCH, orientation="LPS")
    affine = np.array([[0.0, 0, 2, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    ways = ways_of(model, open_image(nifti(tmp_path / "a.nii", (24, 20, 16), affine)))
    assert (ways.whole, ways.slices, ways.spot) == (False, False, True)
    assert ways.field == (16, 1)  # of a shown slice it looks at one row, and at its columns
    assert "slices of the model are rows of the file" in ways.warnings[0]


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_what_it_sees_is_what_it_draws_on(tmp_path: Path, signs: tuple[int, int]) -> None:
    """Also where the image is turned: outside `sees` nothing that is drawn ever lies."""
    model = load("lidc")
    affine = np.array([[0.0, signs[0], 0, 0], [signs[1], 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])  # rows and columns too
    opened = open_image(nifti(tmp_path / "a.nii", (2, 128, 128), affine))
    ways = ways_of(model, opened)
    prepared = prepare_opened(model, opened, slices=[1])
    window = np.zeros((1, 128, 128), bool)
    window[:, 32:96, 32:96] = True
    rows, columns = np.nonzero(prepared.place.put(window, planes=True)[0])
    assert ways.sees == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)


def test_values_without_a_place_in_the_models_rule_get_a_window(make_model, tmp_path: Path) -> None:
    ways = ways_of(make_model(orientation="LPS"), open_image(nifti(tmp_path / "a.nii", (3, 16, 16))))
    assert ways.slices and ways.window is not None and ways.window[0] < ways.window[1]
    assert "no place for values from" in ways.warnings[0] and "or give a window" in ways.warnings[0]


def test_what_a_fitting_model_sees_is_told_in_pixels_of_the_image(make_model, tmp_path: Path) -> None:
    """A canvas takes any image whole, so no spot is offered; its central window is as much larger as the image is."""
    model = make_model(config={"fit": {"canvas": [16, 16]}})
    opened = open_image(picture(tmp_path / "a.png", 80, 80))
    ways = ways_of(model, opened)
    assert (ways.whole, ways.spot, ways.sees) == (True, False, None)
    model.method.window = (8, 8)
    try:
        assert ways_of(model, opened).sees == (20, 20, 40, 40)
    finally:
        model.method.window = (16, 16)
