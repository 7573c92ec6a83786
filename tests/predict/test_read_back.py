"""Every format is read back by a library that did not write it: the same values, on the voxels of the image."""

import json
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from matplotlib.path import Path as Polygon
from PIL import Image

from atfm.errors import InputError
from atfm.hypotheses.bits import Bits
from atfm.models import Model
from atfm.predict import FORMATS, Origin, Prediction, Prepared, write
from atfm.predict.place import Place

SHAPE = (4, 6, 9)  # slices, rows, columns
TURNED = {
    "RAS": np.diag([0.7, 0.6, 2.5, 1.0]),
    "LPS": np.diag([-0.7, -0.6, 2.5, 1.0]),
    "flipped": np.diag([0.7, -0.6, -2.5, 1.0]),
    "sagittal": np.array([[0, 0, 2.5, 0], [0.7, 0, 0, 0], [0, -0.6, 0, 0], [0, 0, 0, 1.0]]),
    "oblique": np.array([[0.56, -0.36, 0, 0], [0.42, 0.48, 0, 0], [0, 0, 2.5, 0], [0, 0, 0, 1.0]]),
}
for matrix in TURNED.values():
    matrix[:3, 3] = (11, -22, 33)
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def drawn(affine: np.ndarray | None = None, *, channels: int = 1, **place: Any) -> Prediction:
    """Ten samples of slices 1 and 3: two outlines that overlap, a hole, and nothing at all."""
    masks = np.zeros((5, 1, 2, *SHAPE[1:]), bool)
    masks[:2, 0, :, 1:5, 1:6] = True
    masks[:2, 0, 0, 2:4, 2:4] = False
    masks[2:4, 0, 1, 0:4, 4:9] = True
    masks = masks.repeat(2, axis=0)  # every other sample makes the groups
    if channels == 3:
        second = masks & (np.arange(SHAPE[2]) > 4)
        masks = np.concatenate([~masks, masks & ~second, second], 1)
    bits = Bits(masks.shape[1:])
    bits.add(masks)
    index = (np.array([1, 3]), np.arange(SHAPE[1]), np.arange(SHAPE[2]))
    given = {"spacing": (2.5, 0.6, 0.7), "affine": affine, "form": "nifti"} | place
    prepared = Prepared("k", np.zeros((1, 2, *SHAPE[1:]), np.float32), Place(SHAPE, index, **given), "byte", ())
    return Prediction(bits, np.full(10, 0.1), None, prepared, Origin("m", "0" * 64, 7))


def whole(prediction: Prediction, values: np.ndarray) -> np.ndarray:
    """`[..., 2, H, W]` in the whole volume, by hand."""
    placed = np.zeros((*values.shape[:-3], *SHAPE), values.dtype)
    placed[..., [1, 3], :, :] = values
    return placed


def labels(prediction: Prediction) -> np.ndarray:
    return whole(prediction, np.stack([prediction.labels(number) for number in range(len(prediction))]))


def affine_of(image: sitk.Image) -> np.ndarray:
    """`(column, row, slice)` to RAS, as SimpleITK has understood a file."""
    found = np.eye(4)
    found[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    found[:3, 3] = image.GetOrigin()
    return LPS @ found


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("turned", TURNED)
def test_nifti(tmp_path: Path, turned: str, channels: int) -> None:
    prediction = drawn(TURNED[turned], channels=channels)
    result = write(prediction, tmp_path, form="nifti")
    samples = nibabel.load(tmp_path / result["files"]["samples"])
    np.testing.assert_allclose(samples.affine, TURNED[turned], atol=1e-6)
    assert samples.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_array_equal(np.asarray(samples.dataobj).T, labels(prediction))
    for name, values in {"entropy": prediction.entropy, "probability": prediction.mean_probability}.items():
        read = sitk.ReadImage(str(tmp_path / result["files"][name]))
        wanted = whole(prediction, values)
        array = sitk.GetArrayFromImage(read)
        np.testing.assert_array_equal(array, wanted[0] if wanted.ndim == 4 and channels == 1 else wanted)
        if read.GetDimension() == 3:
            np.testing.assert_allclose(affine_of(read), TURNED[turned], atol=1e-5)
    for one, hypothesis in zip(result["hypotheses"], prediction.hypotheses, strict=True):
        read = sitk.ReadImage(str(tmp_path / one["file"]))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read), labels(prediction)[hypothesis.medoid])
        np.testing.assert_allclose(affine_of(read), TURNED[turned], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("turned", TURNED)
def test_nrrd(tmp_path: Path, turned: str, channels: int) -> None:
    prediction = drawn(TURNED[turned], channels=channels)
    result = write(prediction, tmp_path, form="nrrd")
    values, head = nrrd.read(str(tmp_path / result["files"]["samples"]))  # [X, Y, Z, n]
    np.testing.assert_array_equal(values.T, labels(prediction))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = head["space directions"][:3].T, head["space origin"]
    assert head["space"] == "left-posterior-superior" and head["kinds"] == ["domain"] * 3 + ["list"]
    np.testing.assert_allclose(LPS @ matrix, TURNED[turned], atol=1e-12)
    read = sitk.ReadImage(str(tmp_path / result["files"]["entropy"]))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read), whole(prediction, prediction.entropy))
    np.testing.assert_allclose(affine_of(read), TURNED[turned], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("turned", TURNED)
def test_a_segmentation_of_slicer_has_a_layer_for_each_hypothesis(tmp_path: Path, turned: str, channels: int) -> None:
    prediction = drawn(TURNED[turned], channels=channels)
    result = write(prediction, tmp_path, form="nrrd")
    values, head = nrrd.read(str(tmp_path / "hypotheses.seg.nrrd"))  # [layer, X, Y, Z]
    read = sitk.ReadImage(str(tmp_path / "hypotheses.seg.nrrd"))
    np.testing.assert_allclose(affine_of(read), TURNED[turned], atol=1e-6)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read), values.transpose(3, 2, 1, 0))
    assert head["kinds"] == ["list"] + ["domain"] * 3 and np.isnan(head["space directions"][0]).all()
    found = prediction.hypotheses
    assert len(found) == 3 and len(values) == 3  # two that overlap, and nothing
    overlap = (labels(prediction)[found[0].medoid] > 0) & (labels(prediction)[found[1].medoid] > 0)
    assert overlap.any()
    colours = set()
    for one, hypothesis in zip(result["hypotheses"], found, strict=True):
        for label, segment in enumerate(one["segments"], start=1):
            own = {
                key.split("_", 1)[1]: value for key, value in head.items() if key.startswith(f"Segment{segment - 1}_")
            }
            layer = values[int(own["Layer"])]
            mask = (layer == int(own["LabelValue"])).transpose(2, 1, 0)
            np.testing.assert_array_equal(mask, labels(prediction)[hypothesis.medoid] == label)
            assert own["Name"].startswith(hypothesis.name) and f"{hypothesis.probability:.1%}" in own["Tags"]
            x0, x1, y0, y1, z0, z1 = map(int, own["Extent"].split())
            inside = mask[z0 : z1 + 1, y0 : y1 + 1, x0 : x1 + 1]
            assert inside.sum() == mask.sum() and (not mask.any() or inside.any((1, 2))[[0, -1]].all())
            colours.add(own["Color"])
    assert len(colours) == sum(len(one["segments"]) for one in result["hypotheses"])
    assert head["Segmentation_MasterRepresentation"] == "Binary labelmap"


def test_a_single_hypothesis_needs_no_list_axis(tmp_path: Path) -> None:
    prediction = drawn(TURNED["LPS"])
    bits = Bits(prediction.bits.shape)
    bits.add(np.stack([prediction.bits[0]] * 3))
    alone = Prediction(bits, np.full(3, 1 / 3), None, prediction.prepared, prediction.origin)
    write(alone, tmp_path, form="nrrd")
    values, head = nrrd.read(str(tmp_path / "hypotheses.seg.nrrd"))
    assert values.shape == SHAPE[::-1] and head["kinds"] == ["domain"] * 3
    np.testing.assert_array_equal(values.T, whole(alone, alone.labels(0)))


def test_npy_and_png(tmp_path: Path) -> None:
    prediction = drawn(TURNED["oblique"])
    write(prediction, tmp_path / "npy", form="npy")
    samples = np.lib.format.open_memmap(tmp_path / "npy" / "samples.npy")
    np.testing.assert_array_equal(samples, labels(prediction)[:, [1, 3]])
    np.testing.assert_array_equal(np.load(tmp_path / "npy" / "entropy.npy"), prediction.entropy)
    result = write(prediction, tmp_path / "png", form="png")
    planes = [sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "png" / name))) for name in result["files"]["masks"]]
    wanted = labels(prediction)[:, [1, 3]].transpose(1, 0, 2, 3).reshape(-1, *SHAPE[1:])  # those of a slice together
    np.testing.assert_array_equal(np.stack(planes), 255 * wanted)
    probability = np.asarray(Image.open(tmp_path / "png" / result["files"]["probability"][1]))
    np.testing.assert_allclose(probability / 255, prediction.mean_probability[0, 1], atol=0.5 / 255)


@pytest.mark.parametrize("form", ["nifti", "nrrd"])
def test_a_size_without_a_place_is_written_and_said(tmp_path: Path, form: str) -> None:
    known = write(drawn(None), tmp_path / "known", form=form)
    unknown = write(drawn(None, spacing=None), tmp_path / "unknown", form=form)
    assert "not where the image lies" in known["warnings"][-1]
    assert "how large a pixel is" in unknown["warnings"][-1]
    assert json.loads((tmp_path / "unknown" / "sample.json").read_text())["warnings"] == unknown["warnings"]
    read = {name: sitk.ReadImage(str(tmp_path / name / unknown["files"]["entropy"])) for name in ("known", "unknown")}
    np.testing.assert_allclose(read["known"].GetSpacing(), (0.7, 0.6, 2.5), atol=1e-6)
    assert read["unknown"].GetSpacing() == (1, 1, 1)
    if form == "nifti":
        head = nibabel.load(tmp_path / "unknown" / "entropy.nii.gz").header
        assert (head["qform_code"], head["sform_code"], head.get_xyzt_units()[0]) == (0, 0, "unknown")
    else:
        _, head = nrrd.read(str(tmp_path / "unknown" / "entropy.nrrd"))
        assert "how large a pixel is" in head["atfm_place"]


@pytest.mark.parametrize("form", ["dicom-seg", "dicom-pm", "rtstruct"])
def test_what_refers_to_a_dicom_needs_one(tmp_path: Path, form: str) -> None:
    with pytest.raises(
        InputError, match=f"--format {form} refers to the image, .* choose one of png, npy, nifti, nrrd"
    ):
        write(drawn(TURNED["LPS"]), tmp_path / "out", form=form)
    assert not (tmp_path / "out").exists()


def test_formats_are_a_closed_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"expected one of {', '.join(FORMATS)}, got 'jpeg'"):
        write(drawn(), tmp_path / "out", form="jpeg")
    for more, message in (
        ({"form": "png", "separate": True}, "--separate is of --format dicom-seg"),
        ({"form": "png", "fractional": True}, "--fractional is of --format dicom-seg"),
    ):
        with pytest.raises(InputError, match=message):
            write(drawn(), tmp_path / "out", **more)


# ---- DICOM: a series in some direction, drawn on slices 1 and 3 ----

DIRECTIONS = {
    "axial": [1, 0, 0, 0, 1, 0],
    "oblique": [0.8, 0.6, 0.0, 0.0, 0.0, -1.0],
    "flipped": [-1, 0, 0, 0, 1, 0],
}


@pytest.fixture(params=DIRECTIONS)
def series(request: pytest.FixtureRequest, tmp_path: Path, write_series) -> list[Path]:
    """Five slices of 16 x 16 pixels, in the order of their positions."""
    files = write_series(tmp_path / "series", ImageOrientationPatient=DIRECTIONS[request.param])
    along = np.cross(*np.array(DIRECTIONS[request.param], float).reshape(2, 3))
    for k, file in enumerate(files):
        source = pydicom.dcmread(file)
        source.ImagePositionPatient = [round(float(mm), 6) for mm in np.array([10, -20, 30]) + 2.5 * k * along]
        source.save_as(file)
    return files


def sampled(
    draw, model: Model, series: list[Path], out: Path, **options: Any
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The result, and the hypotheses `[5, 16, 16]` as NPY has them."""
    chosen = {"slices": [1, 3], "window": (-1000, 400)}
    result = draw(model, series[0].parent, out, 6, **chosen, **options)
    arrays = draw(model, series[0].parent, out.with_name("npy"), 6, form="npy", **chosen)
    found = []
    for one in arrays["hypotheses"]:
        mask = np.zeros((5, 16, 16), np.uint8)
        mask[[1, 3]] = np.load(one["file"])
        found.append(mask)
    return result, found


def on_series(file: str, series: list[Path]) -> np.ndarray:
    """SimpleITK's reading of a file, looked up at the place of every voxel of the series."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(one) for one in series])
    return sitk.GetArrayFromImage(
        sitk.Resample(sitk.ReadImage(file), reader.Execute(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    )


def by_place(dataset: pydicom.Dataset, planes: np.ndarray, series: list[Path]) -> np.ndarray:
    """The frames of an object on the slices of the series that lie where they do, `[5, 16, 16]`."""
    found = np.zeros((5, 16, 16), planes.dtype)
    where = [list(map(float, pydicom.dcmread(file).ImagePositionPatient)) for file in series]
    for plane, group in zip(planes.reshape(-1, 16, 16), dataset.PerFrameFunctionalGroupsSequence, strict=True):
        at = list(map(float, group.PlanePositionSequence[0].ImagePositionPatient))
        found[int(np.linalg.norm(np.array(where) - at, axis=1).argmin())] = plane
        assert np.linalg.norm(np.array(where) - at, axis=1).min() < 1e-4
    return found


def test_volumes_beside_dicom_lie_on_the_series(draw, model: Model, tmp_path: Path, series: list[Path]) -> None:
    for form, name in (("nifti", None), ("nrrd", "entropy")):
        result, masks = sampled(draw, model, series, tmp_path / form, form=form)
        if name is None:
            for one, mask in zip(result["hypotheses"], masks, strict=True):
                np.testing.assert_array_equal(on_series(one["file"], series), mask)
        else:
            found = on_series(result["files"][name], series)
            beside = sampled(draw, model, series, tmp_path / "again", form="nifti")[0]["files"][name]
            np.testing.assert_allclose(found, on_series(beside, series))


def test_a_file_for_each_hypothesis(draw, model: Model, tmp_path: Path, series: list[Path]) -> None:
    result, masks = sampled(draw, model, series, tmp_path / "seg", form="dicom-seg", separate=True)
    drawn = [one for one in result["hypotheses"] if one["area"]]
    assert [Path(name).name for name in result["files"]["segmentation"]] == [Path(one["file"]).name for one in drawn]
    uids = set()
    for one, mask in zip(result["hypotheses"], masks, strict=True):
        if one["area"] == 0:
            assert one["file"] is None
            continue
        dataset = pydicom.dcmread(one["file"])
        assert [segment.SegmentLabel for segment in dataset.SegmentSequence] == [one["name"]]
        np.testing.assert_array_equal(by_place(dataset, dataset.pixel_array, series), mask)
        np.testing.assert_array_equal(on_series(one["file"], series)[mask.any((1, 2))] > 0, mask[mask.any((1, 2))])
        uids.add((dataset.SeriesInstanceUID, dataset.SeriesNumber))
    assert len(uids) == len(drawn)


def test_structures(draw, model: Model, tmp_path: Path, series: list[Path]) -> None:
    result, masks = sampled(draw, model, series, tmp_path / "rt", form="rtstruct")
    dataset = pydicom.dcmread(result["files"]["structures"])
    rois = {item.ROINumber: item.ROIName for item in dataset.StructureSetROISequence}
    for one, mask in zip(result["hypotheses"], masks, strict=True):
        (number,) = one["rois"]
        assert rois[number] == one["name"]
        np.testing.assert_array_equal(contoured(dataset, number, series), mask > 0)


def contoured(dataset: pydicom.Dataset, number: int, series: list[Path]) -> np.ndarray:
    """The mask of an ROI on the slices of a series, `[5, 16, 16]`, by matplotlib's test of a point in a polygon."""
    sources = {source.SOPInstanceUID: (k, source) for k, source in enumerate(map(pydicom.dcmread, series))}
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2)
    found = np.zeros((5, 16, 16), bool)
    for contour in dataset.ROIContourSequence[number - 1].get("ContourSequence", []):
        k, source = sources[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
        row, column = np.array(source.ImageOrientationPatient, float).reshape(2, 3)
        places = np.array(contour.ContourData, float).reshape(-1, 3) - np.array(source.ImagePositionPatient, float)
        corners = np.stack([places @ row / 0.75, places @ column / 0.5], 1)
        found[k] |= Polygon(np.vstack([corners, corners[:1]])).contains_points(grid).reshape(16, 16)
    return found


def test_maps_of_real_numbers(draw, model: Model, tmp_path: Path, series: list[Path]) -> None:
    result, _ = sampled(draw, model, series, tmp_path / "pm", form="dicom-pm")
    assert [Path(name).name for name in result["files"]["maps"]] == ["probability.dcm", "ambiguity.dcm"]
    for name, beside in zip(result["files"]["maps"], ("probability", "entropy"), strict=True):
        wanted = np.asarray(nibabel.load(result["files"][beside]).dataobj).T
        dataset = pydicom.dcmread(name)
        planes = np.frombuffer(dataset.FloatPixelData, "<f4")
        np.testing.assert_array_equal(by_place(dataset, planes, series), wanted)
        assert highdicom.imread(name).get_volume().array.shape[1:] == (16, 16)
    assert all(Path(one["file"]).name == f"hypothesis-{k}.nii.gz" for k, one in enumerate(result["hypotheses"], 1))


@pytest.mark.parametrize("form", ["nrrd", "rtstruct", "dicom-seg", "dicom-pm"])
def test_what_a_model_saw_turned_lies_on_the_voxels_of_the_file(
    draw, make_model, tmp_path: Path, write_series, form: str
) -> None:
    """A series whose rows run to the right: seen turned, its masks as NIfTI and in any other format are the same."""
    write_series(tmp_path / "s", ImageOrientationPatient=[-1, 0, 0, 0, 1, 0])
    axial, options = make_model(orientation="LPS"), {"slices": [0, 2], "window": (-1000, 400)}
    plain = draw(axial, tmp_path / "s", tmp_path / "nifti", 5, form="nifti", **options)
    result = draw(axial, tmp_path / "s", tmp_path / form, 5, form=form, **options)
    assert result["areas"] == plain["areas"] and max(result["areas"]) > 0
    volumes = [np.asarray(nibabel.load(one["file"]).dataobj).T for one in plain["hypotheses"]]
    turned = [one for one in plain["warnings"] if "turned" in one]
    assert turned == [one for one in result["warnings"] if "turned" in one]
    if form == "nrrd":
        values, _ = nrrd.read(result["files"]["segmentation"])
        layers = values if values.ndim == 4 else values[None]
        for number, wanted in enumerate(volumes):
            np.testing.assert_array_equal(layers[number].T, wanted)
        return
    files = sorted((tmp_path / "s").iterdir(), key=lambda file: pydicom.dcmread(file).ImagePositionPatient[2])
    files = files[:: int(np.sign(np.cross([-1, 0, 0], [0, 1, 0])[2]))]  # in the order of the stack
    if form == "dicom-pm":
        dataset = pydicom.dcmread(result["files"]["maps"][0])
        wanted = np.asarray(nibabel.load(plain["files"]["probability"]).dataobj).T
        np.testing.assert_array_equal(by_place(dataset, np.frombuffer(dataset.FloatPixelData, "<f4"), files), wanted)
    elif form == "dicom-seg":
        wanted = np.asarray(nibabel.load(plain["files"]["samples"]).dataobj).T
        beside = np.asarray(nibabel.load(result["files"]["samples"]).dataobj).T
        np.testing.assert_array_equal(beside, wanted)
        dataset = pydicom.dcmread(result["files"]["segmentation"])
        assert dataset.pixel_array.sum() == sum(int((volume > 0).sum()) for volume in volumes)
    else:
        dataset = pydicom.dcmread(result["files"]["structures"])
        for one, volume in zip(result["hypotheses"], volumes, strict=True):
            found = contoured(dataset, one["rois"][0], files)
            np.testing.assert_array_equal(found, volume > 0)
