"""An image becomes what the model wants: slices, intensities, channels; and what is unlike is said."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from atfm.data.intensity import Intensity
from atfm.data.ood.recorder import Recorder
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import InputError
from atfm.models import Model
from atfm.predict import Prepared, prepare_file


def prepared(model: Model, path: Path, **options: object) -> Prepared:
    (prepared,) = prepare_file(model, path, **options)
    return prepared


RNG = np.random.default_rng(0)


def nifti(path: Path, volume: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """`[D, H, W]` as NIfTI `[X, Y, Z]`."""
    nibabel.save(nibabel.Nifti1Image(volume.T, np.eye(4) if affine is None else affine), path)
    return path


@pytest.fixture
def volume() -> np.ndarray:
    return RNG.integers(0, 256, (6, 16, 16), np.uint8)


def test_slices_of_a_volume_for_a_model_of_slices(model: Model, tmp_path: Path, volume: np.ndarray) -> None:
    path = nifti(tmp_path / "a.nii.gz", volume, np.diag([0.7, 0.6, 2.5, 1]))
    found = prepared(model, path, slices=[4, 1])
    assert (found.place.slices, found.place.whole[0], found.key) == ((1, 4), 6, "a")
    np.testing.assert_allclose(found.image[0], volume[[1, 4]] / 255, rtol=1e-6)
    assert found.place.spacing == pytest.approx((2.5, 0.6, 0.7))
    with pytest.raises(InputError, match="a volume of 6 slices"):
        prepared(model, path)


def test_a_volume_for_a_model_of_volumes(volumes: Model, tmp_path: Path, volume: np.ndarray) -> None:
    path = nifti(tmp_path / "a.nii", volume[:4])
    found = prepared(volumes, path)
    assert found.place.slices == (0, 1, 2, 3) and found.image.shape == (1, 4, 16, 16)
    with pytest.raises(InputError, match="takes a volume as a whole"):
        prepared(volumes, path, slices="all")
    with pytest.raises(
        InputError, match="expected an image of 4 x 16 x 16 pixels for the model small, got 6 x 16 x 16"
    ):
        prepared(volumes, nifti(tmp_path / "b.nii", volume))


def test_arrays_of_slices(model: Model, tmp_path: Path, volume: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", volume)
    assert prepared(model, tmp_path / "a.npy", slices="all").image.shape == (1, 6, 16, 16)
    np.save(tmp_path / "b.npy", volume[:3])  # without a word about slices these are colours
    assert prepared(model, tmp_path / "b.npy").place.slices == ()
    assert prepared(model, tmp_path / "b.npy", slices=[2]).place.slices == (2,)


def test_colour_becomes_grey_and_is_told_if_it_is_colour(make_model, tmp_path: Path) -> None:
    reference = seen_phantom()
    model = make_model(size=(32, 32), training_images=reference)
    (case,) = phantom_cases(9, 1)
    grey = np.rint(case.image[0] * 255).astype(np.uint8)
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "grey.png")
    found = prepared(model, tmp_path / "grey.png")
    np.testing.assert_allclose(found.image[0], grey / 255, atol=1e-6)
    assert found.warnings == ()
    Image.fromarray(np.stack([grey, grey // 2, grey], -1)).save(tmp_path / "colour.png")
    assert "the image is in colour" in prepared(model, tmp_path / "colour.png").warnings[0]


def seen_phantom() -> dict[str, object]:
    recorder = Recorder()
    for _ in recorder.watch(phantom_cases(0, 100)):
        pass
    return recorder.training_images("simulated").model_dump(mode="json")


def test_the_rule_of_the_card_and_a_window_in_its_place(make_model, tmp_path: Path) -> None:
    units = np.linspace(-1000, 1000, 256).reshape(1, 16, 16).astype(np.int16)
    path = nifti(tmp_path / "ct.nii", units)
    with pytest.raises(InputError, match="give --window LO HI"):
        prepared(make_model(), path)
    model = make_model(intensity=Intensity(kind="window", low=-1000, high=1000).model_dump(), orientation="RAS")
    np.testing.assert_allclose(prepared(model, path).image[0], (units[0] + 1000) / 2000, rtol=1e-5)
    found = prepared(model, path, window=(0, 500))
    np.testing.assert_allclose(found.image[0], np.clip(units[0] / 500, 0, 1), rtol=1e-5)
    assert (found.how, found.warnings) == ("window 0 to 500", ())
    for wrong in ((3, 3), (4, 3), (np.nan, 3), (0, np.inf)):
        with pytest.raises(InputError, match="--window: expected a lower and a higher value"):
            prepared(model, path, window=wrong)


def test_each_slice_is_stretched_by_itself(make_model, tmp_path: Path) -> None:
    volume = np.stack([np.linspace(0, top, 256).reshape(16, 16) for top in (300, 900)]).astype(np.int16)
    model = make_model(intensity=Intensity(kind="byte", stretched=True).model_dump(), orientation="RAS")
    found = prepared(model, nifti(tmp_path / "ct.nii", volume - 100), slices="all")
    assert found.image.min((0, 2, 3)).tolist() == [0, 0]
    assert found.image.max((0, 2, 3)).tolist() == [1, 1]
    assert len(found.warnings) == 1 and "stretched" in found.warnings[0]


def test_a_dicom_series(make_model, tmp_path: Path, write_series) -> None:
    model = make_model(orientation="LPS")
    files = write_series(tmp_path / "s", WindowCenter=-300, WindowWidth=1400)
    found = prepared(model, tmp_path / "s", slices=[1, 3])
    assert found.place.files == (files[1], files[3])
    assert "were shown as the file asks" in found.warnings[0]
    assert 0 <= found.image.min() <= found.image.max() <= 1
    assert prepared(model, tmp_path / "s", slices="all", window=(-1000, 400)).warnings == ()
    single = prepared(model, files[2], window=(-1000, 400))
    assert (single.place.slices, single.place.files, single.key) == ((0,), (files[2],), "3")
