"""Every format holds what was drawn, where it lies."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from PIL import Image

from atfm.errors import InputError
from atfm.methods.samples import Samples
from atfm.models import Model

AFFINE = np.array([[0.0, -0.6, 0, 5], [0.7, 0, 0, -3], [0, 0, 2.5, 40], [0, 0, 0, 1]])


@pytest.fixture
def nifti(tmp_path: Path) -> Path:
    volume = np.random.default_rng(0).integers(0, 256, (16, 16, 5), np.uint8)  # [X, Y, Z]
    nibabel.save(nibabel.Nifti1Image(volume, AFFINE), tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def test_nifti_lies_on_the_volume_with_the_samples_along_the_fourth_axis(
    draw, model: Model, tmp_path: Path, nifti: Path
) -> None:
    result = draw(model, nifti, tmp_path / "out", 3, slices=[1, 3])
    samples = nibabel.load(result["files"]["samples"])
    assert samples.shape == (16, 16, 5, 3)
    np.testing.assert_allclose(samples.affine, AFFINE, atol=1e-5)
    marked = samples.get_fdata()
    assert marked[:, :, [1, 3]].any() and not marked[:, :, [0, 2, 4]].any()
    assert [int((marked[..., s] > 0).sum()) for s in range(3)] == result["areas"]
    probability = nibabel.load(result["files"]["probability"])
    assert probability.shape == (16, 16, 5)
    np.testing.assert_allclose(probability.get_fdata(), marked.mean(-1), atol=1e-6)
    for one in result["hypotheses"]:
        volume = nibabel.load(one["file"]).get_fdata()
        assert volume.shape == (16, 16, 5) and int((volume > 0).sum()) == one["area"]
        assert any(np.array_equal(volume, marked[..., s]) for s in range(3))


def test_all_slices_share_the_noise_of_a_sample(draw, model: Model, tmp_path: Path) -> None:
    plane = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    np.save(tmp_path / "a.npy", np.stack([plane] * 4))
    result = draw(model, tmp_path / "a.npy", tmp_path / "out", 3, slices="all")
    samples = np.load(result["files"]["samples"])  # [S, D, H, W]
    assert samples.shape == (3, 4, 16, 16)
    assert (samples == samples[:, :1]).all()
    (tmp_path / "b").mkdir()
    np.save(tmp_path / "b" / "a.npy", plane)  # one name, so one noise
    flat = np.load(draw(model, tmp_path / "b" / "a.npy", tmp_path / "flat", 3, form="npy")["files"]["samples"])
    np.testing.assert_array_equal(flat, samples[:, 0])


def test_png_of_several_slices_has_a_folder_for_each(draw, model: Model, tmp_path: Path, nifti: Path) -> None:
    result = draw(model, nifti, tmp_path / "out", 2, slices=[0, 4], form="png")
    assert [Path(file).parent.name for file in result["files"]["masks"]] == ["slice-0000"] * 2 + ["slice-0004"] * 2
    areas = [
        sum(int((np.asarray(Image.open(file)) > 0).sum()) for file in result["files"]["masks"][s::2]) for s in (0, 1)
    ]
    assert areas == result["areas"]
    assert len(result["hypotheses"][0]["file"]) == 2


def test_a_model_of_volumes_writes_volumes(draw, volumes: Model, tmp_path: Path) -> None:
    volume = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume, AFFINE), tmp_path / "a.nii")
    result = draw(volumes, tmp_path / "a.nii", tmp_path / "out", 2)
    assert nibabel.load(result["files"]["samples"]).shape == (16, 16, 4, 2)
    assert "voxels" in "".join(one["name"] for one in result["hypotheses"]) or result["empty"] == 1


def test_classes(draw, make_model, tmp_path: Path, nifti: Path, write_series) -> None:
    model = make_model(channels=3)
    result = draw(model, nifti, tmp_path / "out", 2, slices=[1, 2])
    assert nibabel.load(result["files"]["probability"]).shape == (16, 16, 5, 3)
    assert set(np.unique(nibabel.load(result["files"]["samples"]).get_fdata())) <= {0, 1, 2}
    write_series(tmp_path / "s")
    drawn = draw(model, tmp_path / "s", tmp_path / "seg", 2, slices=[1, 2], window=(-1000, 400))
    dataset = pydicom.dcmread(drawn["files"]["segmentation"])
    names = [segment.SegmentLabel for segment in dataset.SegmentSequence]
    assert any(name.endswith("class 1") for name in names)
    assert sorted(number for one in drawn["hypotheses"] for number in one["segments"]) == list(range(1, len(names) + 1))


def placed(segmentation: str, files: list[Path]) -> np.ndarray:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    read = sitk.ReadImage(segmentation)
    return sitk.GetArrayFromImage(
        sitk.Resample(read, reader.Execute(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    )


def segment_of(dataset: pydicom.Dataset, group: pydicom.Dataset) -> int:
    """The segment of a frame; a single one is told once, for all frames."""
    where = group if "SegmentIdentificationSequence" in group else dataset.SharedFunctionalGroupsSequence[0]
    return int(where.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def test_a_series_becomes_a_segmentation_of_hypotheses(draw, model: Model, tmp_path: Path, write_series) -> None:
    files = write_series(tmp_path / "s")
    options = {"slices": "all", "window": (-1000, 400)}
    result = draw(model, tmp_path / "s", tmp_path / "seg", 6, **options)
    arrays = draw(model, tmp_path / "s", tmp_path / "npy", 6, form="npy", **options)
    assert result["areas"] == arrays["areas"]
    dataset = pydicom.dcmread(result["files"]["segmentation"])
    assert len(dataset.SegmentSequence) == sum(one["area"] > 0 for one in result["hypotheses"])
    sources = {pydicom.dcmread(file).SOPInstanceUID for file in files}
    referenced = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert {item.ReferencedSOPInstanceUID for item in referenced} == sources
    for one, array in zip(result["hypotheses"], arrays["hypotheses"], strict=True):
        mask = np.load(array["file"]) > 0
        for number in one["segments"]:
            assert dataset.SegmentSequence[number - 1].SegmentLabel == one["name"]
            assert f"probability {one['probability']:.1%}" in dataset.SegmentSequence[number - 1].SegmentDescription
            at = [segment_of(dataset, group) == number for group in dataset.PerFrameFunctionalGroupsSequence]
            frames = dataset.pixel_array.reshape(-1, 16, 16)[at]
            assert frames.sum() == mask.sum() == one["area"]


def test_fractional_probabilities_lie_on_the_series(draw, model: Model, tmp_path: Path, write_series) -> None:
    files = write_series(tmp_path / "s")
    options = {"slices": [1, 2, 3], "window": (-1000, 400)}
    result = draw(model, tmp_path / "s", tmp_path / "seg", 4, fractional=True, **options)
    arrays = draw(model, tmp_path / "s", tmp_path / "npy", 4, form="npy", **options)
    values = placed(result["files"]["segmentation"], files)[1:4] / 255
    np.testing.assert_allclose(values, np.load(arrays["files"]["probability"]), atol=0.5 / 255 + 1e-6)


def test_a_hypothesis_without_a_lesion_is_told_though_it_has_no_segment(
    draw, model: Model, tmp_path: Path, write_series, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(image: torch.Tensor, n: int, **options: object) -> Samples:
        masks = torch.zeros(1, n, 1, 16, 16, dtype=torch.bool)
        return Samples(masks, masks.float())

    monkeypatch.setattr(model.method, "sample", nothing)
    write_series(tmp_path / "s")
    result = draw(model, tmp_path / "s", tmp_path / "seg", 4, slices=[2], window=(-1000, 400))
    assert result["empty"] == 1
    assert result["files"]["segmentation"] is None
    (one,) = result["hypotheses"]
    assert (one["name"], one["probability"], one["file"], one["segments"]) == ("no lesion", 1.0, None, [])
    assert not (tmp_path / "seg" / "segmentation.dcm").exists()
    nifti = draw(model, tmp_path / "s", tmp_path / "nii", 4, slices=[2], window=(-1000, 400), form="nifti")
    assert not nibabel.load(nifti["hypotheses"][0]["file"]).get_fdata().any()


def test_nifti_of_a_series_lies_where_the_series_lies(draw, model: Model, tmp_path: Path, write_series) -> None:
    files = write_series(tmp_path / "s")
    result = draw(model, tmp_path / "s", tmp_path / "out", 2, slices="all", window=(-1000, 400), form="nifti")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    source, read = reader.Execute(), sitk.ReadImage(result["files"]["entropy"])
    for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(read, name)(), getattr(source, name)(), atol=1e-4)


def test_formats_that_do_not_fit_the_image(draw, model: Model, tmp_path: Path, nifti: Path) -> None:
    with pytest.raises(InputError, match="--format dicom-seg refers to the image, which has to be a DICOM"):
        draw(model, nifti, tmp_path / "out", 2, slices=[0], form="dicom-seg")
    with pytest.raises(InputError, match="--fractional is of --format dicom-seg, got nifti"):
        draw(model, nifti, tmp_path / "out", 2, slices=[0], fractional=True)
    assert not (tmp_path / "out").exists()
