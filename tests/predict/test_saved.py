"""A result as one file of a form: what `write` gives, in the image's own geometry, and no name of the image in it."""

import io
import json
import zipfile
from pathlib import Path

import highdicom
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
from matplotlib.path import Path as Polygon
from PIL import Image

from atfm.errors import InputError
from atfm.io.dicom.contours import draw, rois_of
from atfm.io.dicom.grid import grid_of
from atfm.io.dicom.series import read_series
from atfm.models import Model, load
from atfm.predict import Prediction, open_image, prepare_opened, sample, write
from atfm.predict.opened import Opened
from atfm.predict.saved import FORMS, forms_of, save

RNG = np.random.default_rng(0)


def drawn(model: Model, opened: Opened, **asked: object) -> Prediction:
    found = sample(model, prepare_opened(model, opened, **asked), 8, seed=3)
    assert isinstance(found, Prediction) and any(one.area for one in found.hypotheses)
    return found


@pytest.fixture
def series(tmp_path: Path, write_series) -> Opened:
    write_series(tmp_path / "Doe" / "ct")
    return open_image(tmp_path / "Doe" / "ct", name="the series", key="image-0")


def wanted(prediction: Prediction) -> np.ndarray:
    """The hypotheses `[n, D, H, W]` in the whole image."""
    return np.stack([prediction.place.put(prediction.labels(one.medoid)) for one in prediction.hypotheses]) > 0


def test_a_spot_of_a_series_in_every_form(model: Model, series: Opened, tmp_path: Path) -> None:
    prediction = drawn(model, series, at=(5, 6, 3), window=(-1000, 500))
    masks = wanted(prediction)
    assert forms_of(prediction, series.source) == FORMS
    saved = {form: save(prediction, form, tmp_path) for form in FORMS}
    assert [one.path.name for one in saved.values()] == [
        "samples-png.zip",
        "samples-nifti.zip",
        "hypotheses.seg.nrrd",
        "segmentation.dcm",
        "structures.dcm",
        "sample.json",
    ]
    layers, _ = nrrd.read(str(saved["nrrd"].path))
    np.testing.assert_array_equal((layers if layers.ndim == 4 else layers[None]).transpose(0, 3, 2, 1) > 0, masks)
    structures = pydicom.dcmread(saved["rtstruct"].path)
    grid = grid_of(read_series(tmp_path / "Doe" / "ct"), "ct")
    for roi, mask in zip(rois_of(structures, saved["rtstruct"].path), masks, strict=True):
        np.testing.assert_array_equal(draw(roi, grid, saved["rtstruct"].path)[0], mask)
    segments = highdicom.seg.segread(saved["dicom-seg"].path)
    assert [segment.SegmentLabel for segment in segments.SegmentSequence] == [
        one.name for one in prediction.hypotheses if one.area
    ]
    told = json.loads(saved["json"].path.read_text())
    assert [one["name"] for one in told["hypotheses"]] == [one.name for one in prediction.hypotheses]
    assert told["at"] == [5, 6, 3] and told["image"] is None and "files" not in told
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(
        one.path.name for one in saved.values()
    )


@pytest.mark.parametrize("form", ["png", "nifti"])
def test_many_files_are_packed_as_they_are_written(model: Model, series: Opened, tmp_path: Path, form: str) -> None:
    prediction = drawn(model, series, at=(5, 6, 3), window=(-1000, 500))
    saved = save(prediction, form, tmp_path)
    write(prediction, tmp_path / "beside", form=form)
    with zipfile.ZipFile(saved.path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None and saved.media == "application/zip"
        for name in names:
            assert archive.read(name) == (tmp_path / "beside" / name).read_bytes()
        if form == "nifti":
            (tmp_path / "h.nii.gz").write_bytes(archive.read("hypothesis-1.nii.gz"))
            image = nibabel.load(tmp_path / "h.nii.gz")
            np.testing.assert_array_equal(np.asarray(image.dataobj).T > 0, wanted(prediction)[0])
            np.testing.assert_allclose(image.affine, series.source.picture.meta["affine"])
        else:
            with Image.open(io.BytesIO(archive.read("mask-000.png"))) as mask:
                np.testing.assert_array_equal(np.asarray(mask) > 0, prediction.place.pictures(prediction.labels(0))[0])
    listed = json.loads((tmp_path / "beside" / "sample.json").read_text())["digests"]
    assert set(names) == {*listed, "sample.json"}
    first = saved.path.read_bytes()
    assert save(prediction, form, tmp_path).path.read_bytes() == first


def test_dicom_is_written_when_the_files_have_moved(model: Model, series: Opened, tmp_path: Path) -> None:
    prediction = drawn(model, series, at=(5, 6, 3), window=(-1000, 500))
    moved = (tmp_path / "Doe" / "ct").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no such file"):
        save(prediction, "rtstruct", tmp_path)
    found = pydicom.dcmread(save(prediction, "rtstruct", tmp_path, files_in=moved).path)
    assert [roi.ROIName for roi in found.StructureSetROISequence] == [one.name for one in prediction.hypotheses]


def test_a_picture_has_no_forms_of_dicom(model: Model, tmp_path: Path) -> None:
    Image.fromarray(RNG.integers(0, 256, (16, 16), np.uint8)).save(tmp_path / "a.png")
    opened = open_image(tmp_path / "a.png")
    prediction = drawn(model, opened)
    assert forms_of(prediction, opened.source) == ("png", "nifti", "nrrd", "json")
    for form in ("dicom-seg", "rtstruct"):
        with pytest.raises(
            InputError, match=f"{form}: refers to the image, which has to be a DICOM; choose one of png"
        ):
            save(prediction, form, tmp_path)
    with pytest.raises(
        InputError, match="form: expected one of png, nifti, nrrd, dicom-seg, rtstruct, json, got 'dcm'"
    ):
        save(prediction, "dcm", tmp_path)


def test_contours_need_a_place(model: Model, tmp_path: Path, write_series) -> None:
    for file in write_series(tmp_path / "ct", depth=1):
        source = pydicom.dcmread(file)
        del source.FrameOfReferenceUID
        source.save_as(file)
    opened = open_image(tmp_path / "ct")
    prediction = drawn(model, opened, window=(-1000, 500))
    assert "rtstruct" not in forms_of(prediction, opened.source)
    with pytest.raises(InputError, match="does not say where it lies"):
        save(prediction, "rtstruct", tmp_path)


def test_where_nothing_is_marked_there_is_no_segmentation(model: Model, series: Opened, tmp_path: Path) -> None:
    from atfm.hypotheses.bits import Bits

    some = drawn(model, series, at=(5, 6, 3), window=(-1000, 500))
    bits = Bits(some.bits.shape)
    bits.add(np.zeros((8, *some.bits.shape), bool))
    empty = Prediction(bits, some.weights, None, some.prepared, some.origin)
    assert "dicom-seg" not in forms_of(empty, series.source) and "rtstruct" in forms_of(empty, series.source)
    with pytest.raises(InputError, match="nothing is marked in any hypothesis"):
        save(empty, "dicom-seg", tmp_path)
    (roi,) = pydicom.dcmread(save(empty, "rtstruct", tmp_path).path).ROIContourSequence
    assert "ContourSequence" not in roi


@pytest.mark.real
def test_contours_on_a_raw_scan_are_the_hypotheses(shared_data: Path, tmp_path: Path) -> None:
    """Read back by the importer of structure sets, and by matplotlib's test of a point in a polygon."""
    with zipfile.ZipFile(shared_data / "lidc_dicom" / "LIDC-IDRI-0001-part.zip") as packed:
        packed.extractall(tmp_path / "in")
    opened = open_image(tmp_path / "in")
    prediction = drawn(load("lidc"), opened, at=(316, 366, 1))
    saved = save(prediction, "rtstruct", tmp_path).path
    series = read_series(tmp_path / "in")
    rois = rois_of(pydicom.dcmread(saved), saved)
    for roi, one, mask in zip(rois, prediction.hypotheses, wanted(prediction), strict=True):
        assert roi.name == one.name
        np.testing.assert_array_equal(draw(roi, grid_of(series, "ct"), saved)[0], mask)  # a Dice of 1
        inside = np.zeros(mask.shape[1:], bool)
        for contour in roi.contours:
            voxels = np.linalg.solve(series.affine, np.c_[contour.points, np.ones(len(contour.points))].T).T
            np.testing.assert_allclose(voxels[:, 2], 1, atol=1e-4)
            grid = np.stack(np.meshgrid(*map(np.arange, inside.shape[::-1])), -1).reshape(-1, 2)
            inside |= Polygon(np.vstack([voxels[:, :2], voxels[:1, :2]])).contains_points(grid).reshape(inside.shape)
        np.testing.assert_array_equal(inside, mask[1])
