"""A point in a scan: the model's own field is looked at, and everything lies where the scan lies."""

import io
import json
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from PIL import Image

from atfm.data.intensity import Intensity
from atfm.errors import InputError
from atfm.methods.samples import Samples
from atfm.models import Model, load
from atfm.predict import prepare_file, sample_file

RNG = np.random.default_rng(0)
AFFINE = np.array([[0.0, -0.6, 0, 5], [0.7, 0, 0, -3], [0, 0, 2.5, 40], [0, 0, 0, 1]])
STRETCH = Intensity(kind="stretch").model_dump()


@pytest.fixture
def stretching(make_model) -> Model:
    return make_model(intensity=STRETCH)


@pytest.fixture
def volume() -> np.ndarray:
    return RNG.integers(-1000, 500, (6, 40, 50), np.int16)  # [Z, Y, X]


@pytest.fixture
def nifti(tmp_path: Path, volume: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(volume.T, AFFINE), tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


def stretched(crop: np.ndarray) -> np.ndarray:
    low, high = int(crop.min()), int(crop.max())
    return np.floor(255 * (crop.astype(float) - low) / (high - low) + 0.5) / 255


def test_the_field_is_cut_and_stretched_by_itself(stretching: Model, nifti: Path, volume: np.ndarray) -> None:
    (found,) = prepare_file(stretching, nifti, at=[(30, 20, 4)])
    np.testing.assert_allclose(found.image[0], stretched(volume[4, 12:28, 22:38]), atol=1e-6)
    assert (found.at, found.key, found.place.slices, found.place.whole) == (
        (30, 20, 4),
        "ct at 30 20 4",
        (4,),
        (6, 40, 50),
    )
    same = stretching.prepare(volume, at=(30, 20, 4))
    np.testing.assert_array_equal(same.image, found.image)
    np.testing.assert_array_equal(found.shown[:, 0], found.image)


def test_a_point_in_millimetres(stretching: Model, nifti: Path, tmp_path: Path, write_series) -> None:
    ras = AFFINE @ [30, 20, 4, 1]
    (found,) = prepare_file(stretching, nifti, at_mm=[ras[:3] + np.array([0.2, -0.2, 1])])
    assert found.at == (30, 20, 4)
    write_series(tmp_path / "s")  # the first pixel at (10, -20, 30), 0.75 mm along x, 0.5 along y, 2.5 along z, LPS
    (found,) = prepare_file(stretching, tmp_path / "s", at_mm=[(10 + 0.75 * 8, -20 + 0.5 * 5, 30 + 2.5 * 3)])
    assert found.at == (8, 5, 3)


def test_files_lie_in_the_whole_scan(stretching: Model, nifti: Path, tmp_path: Path) -> None:
    result, _ = sample_file(stretching, nifti, tmp_path / "out", 3, at=[(30, 20, 4), (10, 10, 0)])
    folder = tmp_path / "out" / "at-30-20-4"
    assert result["out"] == str(folder) and (tmp_path / "out" / "at-10-10-0" / "sample.json").exists()
    samples = nibabel.load(folder / result["files"]["samples"])
    assert samples.shape == (50, 40, 6, 3)
    np.testing.assert_allclose(samples.affine, AFFINE, atol=1e-5)
    (found,) = prepare_file(stretching, nifti, at=[(30, 20, 4)])
    masks = stretching.sample(found, 3).masks  # [S, 1, 1, 16, 16]
    marked = np.asarray(samples.dataobj)
    np.testing.assert_array_equal(marked[22:38, 12:28, 4].transpose(2, 1, 0), masks[:, 0, 0])
    assert int(marked.sum()) == int(masks.sum())
    probability = nibabel.load(folder / result["files"]["probability"]).get_fdata()
    np.testing.assert_allclose(probability, marked.mean(-1), atol=1e-6)


def test_a_segmentation_lies_on_the_series(stretching: Model, make_model, tmp_path: Path, write_series) -> None:
    small = make_model(size=(8, 8), intensity=STRETCH)
    files = write_series(tmp_path / "s")
    (result,) = sample_file(small, tmp_path / "s", tmp_path / "out", 4, at=[(9, 6, 2)])
    dataset = pydicom.dcmread(tmp_path / "out" / "at-9-6-2" / result["files"]["segmentation"])
    assert (dataset.Rows, dataset.Columns) == (16, 16)
    referenced = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert [item.ReferencedSOPInstanceUID for item in referenced] == [pydicom.dcmread(files[2]).SOPInstanceUID]
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    volume = sitk.ReadImage(tmp_path / "out" / "at-9-6-2" / result["files"]["samples"])
    first = sitk.GetArrayFromImage(volume)[0]  # [Z, Y, X] of sample 0
    assert first.shape == sitk.GetArrayFromImage(reader.Execute()).shape
    assert first.sum() == first[2, 2:10, 5:13].sum() == result["areas"][0]


def test_large_pictures(stretching: Model, tmp_path: Path) -> None:
    pixels = RNG.integers(40, 200, (60, 80), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for point in ((30, 20), (30, 20, 0)):
        (found,) = prepare_file(stretching, tmp_path / "a.png", at=[point])
        np.testing.assert_allclose(found.image[0], stretched(pixels[12:28, 22:38]), atol=1e-6)
    (result,) = sample_file(stretching, tmp_path / "a.png", tmp_path / "out", 2, at=[(30, 20)])
    mask = np.asarray(Image.open(tmp_path / "out" / "at-30-20" / result["files"]["masks"][0]))
    assert mask.shape == (60, 80) and (mask > 0).sum() == (mask[12:28, 22:38] > 0).sum() == result["areas"][0]


def test_a_model_of_volumes_takes_a_box(make_model, nifti: Path, volume: np.ndarray) -> None:
    model = make_model(size=(4, 16, 16), intensity=STRETCH)
    (found,) = prepare_file(model, nifti, at=[(30, 20, 3)])
    np.testing.assert_allclose(found.image[0], stretched(volume[1:5, 12:28, 22:38]), atol=1e-6)
    prediction = model.sample(found, 2)
    assert prediction.masks.shape == (2, 1, 4, 16, 16) and prediction.place.slices == (1, 2, 3, 4)


def test_the_border_is_reflected_and_said(stretching: Model, nifti: Path, volume: np.ndarray) -> None:
    (found,) = prepare_file(stretching, nifti, at=[(0, 39, 0)])
    assert any("the field round 0 39 0 reaches beyond the image" in warning for warning in found.warnings)
    assert found.image.shape == (1, 16, 16) and found.place.size == (1, 9, 8)
    assert stretching.sample(found, 2).masks.shape == (2, 1, 1, 9, 8)


def test_the_size_of_a_pixel_is_that_of_the_training(
    make_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan of half the spacing shows the same field as one at the training's, of an image that is smooth."""
    reference = {"modality": "CT", "channels": 1, "size": [16, 16], "images": 1, "histogram": None, "sharpness": None}
    model = make_model(
        intensity=STRETCH, training_images=reference | {"spacing": [[0.8, 1.0], [0.8, 1.0]]}, orientation="RAS"
    )
    fine, coarse = (
        np.rint(1000 * np.sin(np.arange(n)[:, None] * mm / 9) * np.cos(np.arange(n) * mm / 7)).astype(np.int16)[None]
        for n, mm in ((200, 0.4), (100, 0.8))
    )
    seen = []
    for name, image, mm, at in (("fine", fine, 0.4, (100, 90, 0)), ("coarse", coarse, 0.8, (50, 45, 0))):
        nibabel.save(nibabel.Nifti1Image(image.T, np.diag([mm, mm, 2, 1])), tmp_path / f"{name}.nii")
        (found,) = prepare_file(model, tmp_path / f"{name}.nii", at=[at])
        assert found.warnings == ()
        seen.append(found)
    np.testing.assert_allclose(seen[0].image, seen[1].image, atol=0.03)
    assert seen[0].place.size[1] in (31, 32) and seen[1].place.size[1] == 16  # twice, but for rounding

    def disc(image: torch.Tensor, n: int, **_: object) -> Samples:
        axis = torch.arange(16) - 8
        masks = (axis.square() + axis.square()[:, None] < 5.2**2).expand(1, n, 1, 16, 16)
        return Samples(masks, masks.float())

    monkeypatch.setattr(model.method, "sample", disc)
    for one in seen:  # 5.2 pixels of 0.8 mm, on the pixels of either scan
        (area,) = model.sample(one, 1).areas
        assert area * one.place.mm2 == pytest.approx(np.pi * (5.2 * 0.8) ** 2, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": [(50, 20, 4)]}, "point 50 20 4: expected a pixel of the image, 0 to 49 x 0 to 39 x 0 to 5"),
        ({"at": [(30, 20, -1)]}, "point 30 20 -1: expected a pixel"),
        ({"at": [(30, 20)]}, "--at: expected X Y Z, whole numbers of a pixel, got 30 20"),
        ({"at": [(30.5, 20, 1)]}, "whole numbers of a pixel, got 30.5 20 1"),
        ({"at": [(30, 20, 1), (30, 20, 1)]}, "the point 30 20 1 is given twice"),
        ({"at": [(30, 20, 1)], "slices": [1]}, "--at chooses the slice itself"),
        ({"at_mm": [(1e9, 0, 0)]}, "expected a pixel of the image"),
        ({"at_mm": [(np.nan, 0, 0)]}, "expected three finite numbers"),
    ],
)
def test_points_that_are_not_there(stretching: Model, nifti: Path, options, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_file(stretching, nifti, **options)


def test_millimetres_of_an_image_that_lies_nowhere(stretching: Model, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="--at-mm: it does not say where it lies"):
        prepare_file(stretching, tmp_path / "a.png", at_mm=[(1, 2, 3)])


def test_two_runs_of_one_seed_are_equal_and_a_folder_can_be_moved(
    stretching: Model, nifti: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        list(sample_file(stretching, nifti, tmp_path / name, 3, seed=4, at=[(30, 20, 4)]))
    one, two = (sorted((tmp_path / name / "at-30-20-4").iterdir()) for name in ("one", "two"))
    assert [file.name for file in one] == [file.name for file in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))
    moved = (tmp_path / "two").rename(tmp_path / "three") / "at-30-20-4"
    told = json.loads((moved / "sample.json").read_text())
    assert all((moved / name).exists() for name in told["files"].values())
    assert str(tmp_path / "two") not in (moved / "sample.json").read_text()


@pytest.mark.real
@pytest.mark.parametrize("number", [3, 4, 5, 6])
def test_raw_slices_draw_what_their_pictures_draw(shared_data: Path, tmp_path: Path, number: int) -> None:
    """LIDC-IDRI-0001: slices 3 to 6 of nodule 0 are the raw slices from z = -117.5 on."""
    with zipfile.ZipFile(shared_data / "lidc_dicom" / "LIDC-IDRI-0001-part.zip") as packed:
        packed.extractall(tmp_path)
    with zipfile.ZipFile(shared_data / "lidc" / "train-1.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith(f"LIDC-IDRI-0001/nodule-0/images/slice-{number}.png"))
        picture = np.asarray(Image.open(io.BytesIO(packed.read(name))))
    model = load("lidc")
    (raw,) = prepare_file(model, tmp_path / "LIDC-IDRI-0001", at=[(316, 366, number - 3)], key="nodule")
    wanted = model.prepare(picture, key="nodule")
    np.testing.assert_array_equal(raw.image, wanted.image)
    assert raw.warnings == wanted.warnings == ()
    np.testing.assert_array_equal(model.sample(raw, 8).masks[:, :, 0], model.sample(wanted, 8).masks)
