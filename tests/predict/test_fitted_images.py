"""A model that fits images: of any size and spacing, its masks lie on the pixels of the image itself."""

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch

from atfm.data.geometry.masks import masks_back
from atfm.data.geometry.rule import Fit
from atfm.errors import InputError
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model
from atfm.predict import prepare_array, prepare_file, sample, sample_file
from atfm.predict.memory import needed_bytes, samples_at_a_time
from atfm.seeding import Noise


def fitted(sides: dict[str, list[float]], size=(16, 16), slides: bool = False, **card: object) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = GTRConfig(widths=(4,), rank=2).build(Frame(1, 1, size, slides=slides)).eval()
    network = method.get_submodule("network")
    with torch.no_grad():  # masks of a third of the image in place of nearly empty ones
        network.get_parameter("mean.bias").fill_(-0.5)
        network.get_parameter("factor.bias").fill_(1.0)
    return Model(method, "small", frozenset(), {"config": {"fit": sides}, **card})


CANVAS = fitted({"canvas": [16, 16]})
STEP = fitted({"step": [3.0, 2.0]}, slides=True)
SPACING = fitted({"spacing": [2.0, 2.0]}, slides=True, usual_spacing=[1.0, 0.5])


def image(*size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)


@pytest.mark.parametrize("model", [CANVAS, STEP, SPACING])
@pytest.mark.parametrize("size", [(90, 61), (33, 70)])
def test_masks_are_as_large_as_the_image_and_those_that_the_method_draws(model: Model, size: tuple[int, int]) -> None:
    pixels = image(*size)
    drawn = sample(model, pixels, 5, seed=3)
    assert drawn.masks.shape == (5, 1, *size) and drawn.masks.any()
    assert drawn.mean_probability.shape == (1, *size) and drawn.entropy.shape == size
    assert np.array_equal(drawn.prepared.shown, pixels[None] / np.float32(255))
    fields = model.card["config"]["fit"]
    usual = {"usual": (1.0, 0.5)} if model is SPACING else {}
    grid = Fit(**{key: tuple(sides) for key, sides in fields.items()}, **usual).grid(size)
    seen = torch.from_numpy(grid.bring(pixels[None] / np.float32(255)).clip(0, 1))[None]
    samples = model.method.sample(seen, 5, noise=Noise(3, ["image-0"]))
    assert np.array_equal(drawn.masks, np.stack(list(masks_back(grid, samples.probabilities[0].numpy()))))


def test_it_does_not_depend_on_the_chunks() -> None:
    whole, chunks = (sample(CANVAS, image(40, 50), 6, chunk=chunk).masks for chunk in (None, 1))
    assert (whole != chunks).mean() < 1e-3


def test_an_image_as_the_model_sees_it_is_drawn_as_without_a_fit() -> None:
    plain = Model(CANVAS.method, "small", frozenset(), {})
    assert np.array_equal(sample(CANVAS, image(16, 16), 4).masks, sample(plain, image(16, 16), 4).masks)


def test_a_spacing_that_is_not_known_is_taken_for_usual_and_that_is_said() -> None:
    said = prepare_array(SPACING, image(40, 40))
    assert said.grid is not None and said.grid.step == (2.0, 4.0)
    assert any("taken to have pixels of 1 x 0.5 mm" in warning for warning in said.warnings)
    known = prepare_array(SPACING, image(40, 40), spacing=(0.5, 0.5))
    assert known.grid is not None and known.grid.step == (4.0, 4.0)
    assert not any("taken to have" in warning for warning in known.warnings)
    assert said.digest != known.digest


def test_slices_of_a_volume_are_scaled_one_by_one(tmp_path) -> None:
    volume = image(5, 30, 40)
    np.save(tmp_path / "v.npy", volume)
    (prepared,) = prepare_file(CANVAS, tmp_path / "v.npy", slices="all")
    drawn = sample(CANVAS, prepared, 3)
    assert drawn.masks.shape == (3, 1, 5, 30, 40)
    (alone,) = prepare_file(CANVAS, tmp_path / "v.npy", slices=(3, 3), key=prepared.key)
    assert np.array_equal(sample(CANVAS, alone, 3).masks[:, :, 0], drawn.masks[:, :, 3])


def test_a_volume_and_its_files_keep_their_geometry(tmp_path) -> None:
    model = fitted({"spacing": [4.0, 2.0, 2.0]}, (8, 16, 16), slides=True)
    voxels = np.random.default_rng(1).random((40, 50, 20)).astype(np.float32)
    affine = np.diag([1.0, 1.0, 2.5, 1.0])
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "v.nii.gz")
    list(sample_file(model, tmp_path / "v.nii.gz", tmp_path / "out", 2, form="nifti"))
    (prepared,) = prepare_file(model, tmp_path / "v.nii.gz")
    assert prepared.grid is not None and prepared.image.shape == (1, 13, 25, 20)  # of 50, 50 and 40 mm
    files = [file for file in (tmp_path / "out").rglob("*.nii.gz")]
    assert len(files) >= 3
    for file in files:
        written = nib.load(file)
        assert written.shape[:3] == (40, 50, 20)
        np.testing.assert_allclose(written.affine, affine)


def test_a_turned_volume_is_fitted_as_the_model_sees_it(tmp_path) -> None:
    model = fitted({"spacing": [4.0, 2.0, 3.0]}, (8, 16, 16), slides=True, orientation="LPS")
    voxels = np.random.default_rng(1).random((40, 20, 50)).astype(np.float32)  # left, slices, rows
    affine = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 2.5, 0, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "turned.nii.gz")
    (prepared,) = prepare_file(model, tmp_path / "turned.nii.gz")
    assert prepared.grid is not None and prepared.grid.whole == (20, 50, 40)
    assert prepared.grid.step == (1.6, 2.0, 3.0)
    drawn = sample(model, prepared, 1)
    assert drawn.masks.shape == (1, 1, 20, 50, 40)
    assert drawn.place.put(drawn.masks).shape == (1, 1, 50, 20, 40)  # as the file has it, slices first


def test_a_dicom_segmentation_has_the_series_own_pixels(tmp_path, write_series) -> None:
    write_series(tmp_path / "series")
    model = fitted({"spacing": [2.5, 1.0, 1.0]}, (4, 16, 16), slides=True)
    list(sample_file(model, tmp_path / "series", tmp_path / "out", 2, form="dicom-seg", window=(-1000, 500)))
    (prepared,) = prepare_file(model, tmp_path / "series", window=(-1000, 500))
    assert prepared.image.shape == (1, 5, 8, 12)  # 16 rows of .5 mm and columns of .75
    (file,) = [file for file in (tmp_path / "out").rglob("*.dcm") if "SEG" in str(pydicom.dcmread(file).Modality)][:1]
    written = pydicom.dcmread(file)
    assert (written.Rows, written.Columns) == (16, 16)
    assert prepared.place.size == (5, 16, 16)


def test_round_a_point_the_field_has_the_fit_s_pixels(tmp_path) -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[32:40, 20:28] = 255
    prepared = prepare_array(STEP, pixels, at=(24, 36))
    assert prepared.field is not None and prepared.field.step == (3.0, 2.0)
    assert prepared.image.shape == (1, 16, 16)
    assert prepared.place.size == (48, 32)
    assert prepared.image[0, 8, 8] == 1 and prepared.image[0, 0, 0] == 0
    drawn = sample(STEP, pixels, 3, at=(24, 36))
    assert drawn.masks.shape == (3, 1, 48, 32)


def test_the_field_is_smoothed_as_whole_images_are() -> None:
    fine = fitted({"step": [3.0, 3.0]}, slides=True)
    odd = image(63, 63)
    at = prepare_array(fine, odd, at=(31, 31)).image
    np.testing.assert_allclose(at[0], prepare_array(fine, odd).image[0, 2:18, 2:18], atol=0.501 / 255)


def test_a_model_of_whole_images_takes_the_slice_of_a_point() -> None:
    volume = image(4, 30, 40)
    drawn = sample(CANVAS, volume, 2, at=(5, 6, 2))
    assert drawn.masks.shape == (2, 1, 1, 30, 40)
    assert drawn.place.slices == (2,)
    assert any("takes images as a whole" in warning for warning in drawn.warnings)


def test_areas_are_those_of_the_image(tmp_path) -> None:
    drawn = sample(SPACING, image(40, 40), 8, spacing=(0.5, 0.25))
    assert drawn.place.mm2 == 0.125
    assert drawn.areas.max() <= 1600


def test_what_is_too_small_for_a_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"got 6 x 6, which are 2 x 3 of its pixels"):
        prepare_array(STEP, image(6, 6))
    with pytest.raises(InputError, match="state its spacing"):
        prepare_array(SPACING, image(40, 40), spacing=(1e9, 1e9))


def test_memory_counts_the_image_as_it_is() -> None:
    prepared = prepare_array(CANVAS, image(2000, 1500))
    taken = needed_bytes(CANVAS.method, prepared, 64, 8)
    assert taken > 2**26 + 2000 * 1500 * (4 + 8 + 20) + 2000 * 1500 * 64 // 8
    assert samples_at_a_time(CANVAS.method, prepared, 64, available=2**40) == 2**26 // (2000 * 1500)
    least = needed_bytes(CANVAS.method, prepared, 64, 1)
    assert samples_at_a_time(CANVAS.method, prepared, 64, available=int(least / 0.9) + 2) == 1
    with pytest.raises(InputError, match="are free"):
        samples_at_a_time(CANVAS.method, prepared, 64, available=least // 2)
