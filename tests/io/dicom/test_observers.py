"""Masks in RT Structure Sets and DICOM Segmentations: where they lie, whose they are, and what is refused."""

import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.importers.lidc.contours import enclosed, pasted
from atfm.importers.lidc.scans import find_readings
from atfm.io.dicom.grid import Grid, grid_of
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.observers import Observers, read_observers
from atfm.io.dicom.segmentation import write_segmentation
from atfm.io.dicom.series import read_series
from atfm.io.dicom.sources import Algorithm
from atfm.io.dicom.structures import Region, write_structures

DEPTH, ROWS, COLUMNS = 6, 24, 32
SPACING, DISTANCE, ORIGIN = (0.5, 0.75), 2.5, np.array([-10.0, 20.0, -30.0])
TILTED = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
Y, X = np.mgrid[:ROWS, :COLUMNS]


@pytest.fixture
def series(tmp_path: Path, dicom, masks):
    """Makes a series and its grid."""

    def make(orientation=UPRIGHT, **fields) -> tuple[list[Path], Grid]:
        stored = np.arange(DEPTH * ROWS * COLUMNS, dtype=np.int16).reshape(DEPTH, ROWS, COLUMNS)
        files = dicom.write_series(
            tmp_path / "ct", stored, orientation=orientation, spacing=SPACING, distance=DISTANCE,
            origin=tuple(ORIGIN), **{**masks.WHOLE, **fields},
        )  # fmt: skip
        return files, grid_of(read_series(tmp_path / "ct"), str(tmp_path / "ct"))

    return make


def at(columns: np.ndarray, rows: np.ndarray, slice_: float, orientation=UPRIGHT) -> np.ndarray:
    """Columns and rows of a slice as millimetres, `[N, 3]`."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    along = np.cross(row, column)
    return (
        ORIGIN
        + np.multiply.outer(columns, row) * SPACING[1]
        + np.multiply.outer(rows, column) * SPACING[0]
        + slice_ * DISTANCE * along
    )


def circle(radius: float, slice_: float, centre=(15.3, 11.6), orientation=UPRIGHT) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    return at(centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), slice_, orientation)


def disc(radius: float, centre=(15.3, 11.6)) -> np.ndarray:
    distance = np.hypot(X - centre[0], Y - centre[1])
    assert np.abs(distance - radius).min() > 0.012, "no centre so near to the path that it would be on it"
    return distance < radius


def box(low: float, high: float, slice_: float) -> np.ndarray:
    return at(np.array([low, high, high, low]), np.array([low, low, high, high]), slice_)


def drawn(path: Path, grid: Grid, **options) -> tuple[np.ndarray, tuple[str, ...]]:
    found = read_observers(path, grid, **options)
    (mask,) = found.masks.values()
    return mask, found.warnings


# ---- contours ----


@pytest.mark.parametrize("orientation", [UPRIGHT, TILTED])
def test_circles_are_the_centres_within_them(series, masks, tmp_path, orientation) -> None:
    files, grid = series(orientation)
    rings = [
        ("CLOSED_PLANAR", circle(radius, k, orientation=orientation)) for k, radius in ((1, 4.23), (2, 7.9), (3, 3.44))
    ]
    mask, warnings = drawn(masks.write_structures(tmp_path / "a.dcm", {"lesion": rings}), grid)
    expected = np.zeros_like(mask)
    expected[1], expected[2], expected[3] = disc(4.23), disc(7.9), disc(3.44)
    np.testing.assert_array_equal(mask, expected)
    assert warnings == ()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    itk = reader.Execute()  # the same millimetres by another library
    for k, radius in ((1, 4.23), (2, 7.9)):
        ring = circle(radius, k, orientation=orientation).tolist()
        columns, rows, slices = np.array([itk.TransformPhysicalPointToContinuousIndex(point) for point in ring]).T
        np.testing.assert_allclose(np.hypot(columns - 15.3, rows - 11.6), radius, atol=1e-3)
        np.testing.assert_allclose(slices, k, atol=1e-3)


def test_pixels_on_the_path_belong(series, masks, tmp_path) -> None:
    _, grid = series()
    mask, _ = drawn(masks.write_structures(tmp_path / "a", {"a": [("CLOSED_PLANAR", box(4, 9, 2))]}), grid)
    assert mask.sum() == 36 and mask[2, 4:10, 4:10].all()


def test_holes_by_xor_and_by_contours_within_others(series, masks, tmp_path) -> None:
    _, grid = series()
    sizes = (9.46, 6.24, 2.83)  # an island in a hole
    ring = disc(9.46) & ~disc(6.24) | disc(2.83)
    for kind, told in (("CLOSEDPLANAR_XOR", 0), ("CLOSED_PLANAR", 1)):
        rings = [(kind, circle(size, 3)) for size in sizes]
        for order in (rings, rings[::-1]):
            mask, warnings = drawn(masks.write_structures(tmp_path / kind, {"a": order}), grid)
            np.testing.assert_array_equal(mask[3], ring)
            assert len(warnings) == told and all("taken as holes" in line for line in warnings)


def test_several_contours_of_a_slice(series, masks, tmp_path) -> None:
    _, grid = series()
    apart = [("CLOSED_PLANAR", circle(3.3, 2, (6, 6))), ("CLOSED_PLANAR", circle(4.2, 2, (20, 14)))]
    mask, warnings = drawn(masks.write_structures(tmp_path / "a", {"a": apart}), grid)
    np.testing.assert_array_equal(mask[2], disc(3.3, (6, 6)) | disc(4.2, (20, 14)))
    assert warnings == ()
    mask, warnings = drawn(masks.write_structures(tmp_path / "b", {"a": [*apart, apart[0]]}), grid)
    assert mask[2, 6, 6] and warnings == ("ROI 'a': contours that are there twice count once",)
    crossing = [("CLOSED_PLANAR", circle(5.21, 2, (8.1, 10.3))), ("CLOSED_PLANAR", circle(5.21, 2, (14.1, 10.3)))]
    mask, warnings = drawn(masks.write_structures(tmp_path / "c", {"a": crossing}), grid)
    np.testing.assert_array_equal(mask[2], disc(5.21, (8.1, 10.3)) | disc(5.21, (14.1, 10.3)))
    assert warnings == ("ROI 'a': contours that overlap in part were joined",)


def test_what_is_left_out_is_told(series, masks, tmp_path) -> None:
    _, grid = series()
    rings = [
        ("CLOSED_PLANAR", circle(5, 0, (0.3, 0.2))),  # reaches beyond the image
        ("CLOSED_PLANAR", circle(5, 4)),
        ("CLOSED_PLANAR", circle(5, DEPTH + 3)),  # behind the last slice
        ("POINT", circle(5, 4)[:1]),
        ("CLOSED_PLANAR", circle(0.1, 4, (2.5, 2.5))),
    ]
    mask, warnings = drawn(masks.write_structures(tmp_path / "a", {"a": rings}), grid)
    np.testing.assert_array_equal(mask[0], disc(5, (0.3, 0.2)))
    text = "\n".join(warnings)
    for said in (
        "1 points and open lines were left out", "1 contours before the first or behind the last slice were left out",
        "1 contours reach beyond the image", "enclose the centre of no pixel", "no contour on 3 slices between",
    ):  # fmt: skip
        assert said in text
    mask, warnings = drawn(masks.write_structures(tmp_path / "b", {"nothing": []}), grid)
    assert not mask.any() and warnings == ("ROI 'nothing' has no contours and becomes an empty mask",)


def test_contours_that_do_not_lie_on_the_image_are_refused(series, masks, tmp_path) -> None:
    files, grid = series()
    good = [("CLOSED_PLANAR", circle(5, 2))]
    first = pydicom.dcmread(files[0]).SOPInstanceUID
    for rings, options, says in (
        (good, {"frame": "9.9"}, f"drawn in frame of reference 9.9, but {grid.name} lies in 1.2.3.99"),
        ([("CLOSED_PLANAR", circle(5, 2.4))], {}, "1 mm beside the nearest slice"),
        (
            [("CLOSED_PLANAR", circle(5, 2) @ np.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]))],
            {},
            "beside the nearest slice",
        ),
        ([("CLOSED_PLANAR", circle(5, 2, (300, 300)))], {}, "wholly outside"),
        ([("CLOSED_PLANAR", circle(5, 40))], {}, "wholly outside"),
        (good, {"instances": [first]}, "names slice 0"),
        (good, {"frame": None, "series": None}, "nothing says that they belong together"),
        ([("OPEN_PLANAR", circle(5, 2))], {}, "enclose nothing"),
    ):
        path = masks.write_structures(tmp_path / "a.dcm", {"a": rings}, **options)
        with pytest.raises(InputError) as error:
            read_observers(path, grid)
        line = str(error.value)
        assert says in line and line.startswith(str(path)) and "\n" not in line
    without = masks.write_structures(tmp_path / "a.dcm", {"a": good}, frame=None)
    assert drawn(without, grid)[0].any(), "it names the series"


def test_what_is_written_as_contours_is_read_as_the_same_masks(series, tmp_path) -> None:
    files, grid = series(TILTED)
    truth = np.random.default_rng(3).random((2, DEPTH, ROWS, COLUMNS)) > 0.4  # islands in holes in islands
    regions = [Region(f"hypothesis {k}", "", (255, 0, 0)) for k in (1, 2)]
    write_structures(tmp_path / "a.dcm", files, truth, regions, algorithm=Algorithm("lidc", "1"))
    found = read_observers(tmp_path / "a.dcm", grid, roi=r"^hypothesis (\d)$")
    np.testing.assert_array_equal(list(found.masks.values()), truth)
    assert found.warnings == ()


def test_another_series_in_the_same_coordinates_is_told(series, masks, tmp_path) -> None:
    _, grid = series()
    path = masks.write_structures(tmp_path / "a.dcm", {"a": [("CLOSED_PLANAR", circle(5.2, 2))]}, series="1.2.3.77")
    assert drawn(path, grid)[1] == ("ROI 'a' was drawn on another series in the same frame of reference",)
    ds = pydicom.dcmread(path)
    ds.ROIContourSequence[0].ContourSequence[0].ContourOffsetVector = [0, 0, 1]
    ds.save_as(path)
    with pytest.raises(UnsupportedError, match="moved by a ContourOffsetVector"):
        read_observers(path, grid)


# ---- segmentations ----


def laid(files: list[Path], path: Path) -> np.ndarray:
    """SimpleITK's reading of a segmentation of one segment, at the place of every voxel of the series."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    placed = sitk.Resample(sitk.ReadImage(str(path)), reader.Execute(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    return sitk.GetArrayFromImage(placed) > 0


@pytest.mark.parametrize("orientation", [UPRIGHT, TILTED])
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_a_segmentation_lies_where_simpleitk_puts_it(series, masks, tmp_path, orientation, kind) -> None:
    files, grid = series(orientation)
    truth = np.random.default_rng(1).random((1, DEPTH, ROWS, COLUMNS)) > 0.5
    truth[:, [0, 3]] = False  # frames without a pixel are not in the file
    path = masks.write_masks(tmp_path / "a.dcm", files, truth, ["lesion"], kind)
    mask, warnings = drawn(path, grid)
    np.testing.assert_array_equal(mask, truth[0])
    assert warnings == ()
    if kind == "BINARY":
        solid = truth.copy()
        solid[:, 1:5] = disc(7.04)  # SimpleITK fills dropped frames with their neighbours
        again = masks.write_masks(tmp_path / "b.dcm", files, solid, ["lesion"], kind)
        np.testing.assert_array_equal(drawn(again, grid)[0][1:5], laid(files, again)[1:5])


def test_a_series_without_attributes_that_may_be_empty_can_be_referred_to(series, masks, tmp_path) -> None:
    missing = dict.fromkeys((*masks.MAY_BE_EMPTY, "PatientID", "PatientName"))
    files, grid = series(**missing)
    assert not {"SliceThickness", "PatientID", "StudyDate"} & set(pydicom.dcmread(files[0]).dir())
    truth = np.zeros((1, DEPTH, ROWS, COLUMNS), bool)
    truth[0, 2:4] = disc(7.04)
    algorithm = Algorithm("lidc", "1")
    assert write_segmentation(tmp_path / "a.dcm", files, truth, ["lesion"], ["drawn"], algorithm=algorithm) == [1]
    np.testing.assert_array_equal(drawn(tmp_path / "a.dcm", grid)[0], truth[0])
    np.testing.assert_array_equal(laid(files, tmp_path / "a.dcm")[2:4], truth[0, 2:4])


def test_frames_may_run_the_other_way_round(series, masks, tmp_path) -> None:
    files, grid = series()
    truth = np.random.default_rng(2).random((1, DEPTH, ROWS, COLUMNS)) > 0.6
    path = masks.write_masks(tmp_path / "a.dcm", files, truth, ["lesion"])
    ds = pydicom.dcmread(path)
    frames = ds.pixel_array.reshape(-1, ROWS, COLUMNS)
    turned = np.ascontiguousarray(frames[:, ::-1, :].transpose(0, 2, 1))  # rows are columns, counted from below
    shared = ds.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, -1, 0, 1, 0, 0]
    shared.PixelMeasuresSequence[0].PixelSpacing = [SPACING[1], SPACING[0]]
    for group in ds.PerFrameFunctionalGroupsSequence:
        x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
        group.PlanePositionSequence[0].ImagePositionPatient = [x, y + (ROWS - 1) * SPACING[0], z]
    ds.Rows, ds.Columns = COLUMNS, ROWS
    ds.PixelData = np.packbits(turned.ravel(), bitorder="little").tobytes()
    ds.save_as(path)
    np.testing.assert_array_equal(drawn(path, grid)[0], truth[0])


def test_segmentations_that_do_not_lie_on_the_image_are_refused(series, masks, tmp_path) -> None:
    files, grid = series()
    path = masks.write_masks(tmp_path / "a.dcm", files, np.ones((1, DEPTH, ROWS, COLUMNS), bool), ["lesion"])

    def moved(ds: pydicom.Dataset, *by: float) -> None:
        for group in ds.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            place.ImagePositionPatient = [a + b for a, b in zip(place.ImagePositionPatient, by, strict=True)]

    def spaced(ds: pydicom.Dataset) -> None:
        ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1.0, 1.5]

    for change, says in (
        (lambda ds: moved(ds, 0.3, 0, 0), "another grid"),
        (lambda ds: moved(ds, 0, 0, 1.1), "another grid"),
        (lambda ds: moved(ds, 0, 0, 500), "wholly outside"),
        (lambda ds: moved(ds, 750, 0, 0), "wholly outside"),
        (spaced, "another grid"),
        (lambda ds: setattr(ds, "FrameOfReferenceUID", "9.9"), "lies in frame of reference 9.9"),
        (lambda ds: setattr(ds, "PixelData", ds.PixelData[:40]), "damaged"),
    ):
        ds = pydicom.dcmread(path)
        change(ds)
        ds.save_as(tmp_path / "b.dcm")
        with pytest.raises(InputError, match=says):
            read_observers(tmp_path / "b.dcm", grid)
    ds = pydicom.dcmread(path)
    moved(ds, 10 * SPACING[1], 0, 0)
    ds.save_as(tmp_path / "b.dcm")
    mask, warnings = drawn(tmp_path / "b.dcm", grid)
    assert mask[:, :, 10:].all() and not mask[:, :, :10].any()
    assert warnings == (f"segment 'lesion': {DEPTH * ROWS * 10} pixels lie beyond the image and were left out",)


def test_fractions_are_no_mask(series, masks, tmp_path) -> None:
    files, grid = series()
    soft = np.full((1, DEPTH, ROWS, COLUMNS), 0.5, np.float32)
    with pytest.raises(AmbiguousError, match="between nothing and all"):
        read_observers(masks.write_masks(tmp_path / "a", files, soft, ["a"], "FRACTIONAL"), grid)


# ---- whose they are ----


def test_the_structure_that_is_meant_has_to_be_said(series, masks, tmp_path) -> None:
    files, grid = series()
    rois = {
        name: [("CLOSED_PLANAR", circle(size, 2))]
        for name, size in (("GTV_bob", 3.2), ("GTV_ann", 5.2), ("lung", 9.24))
    }
    path = masks.write_structures(tmp_path / "a.dcm", rois)
    bits = np.stack([np.broadcast_to(disc(size), (DEPTH, ROWS, COLUMNS)) for size in (3.2, 5.2, 9.24)])
    segments = masks.write_masks(tmp_path / "b.dcm", files, bits, list(rois))
    for file in (path, segments):
        with pytest.raises(
            AmbiguousError, match="3 structures, 'GTV_bob', 'GTV_ann', 'lung'; say which is meant with --roi"
        ):
            read_observers(file, grid)
        with pytest.raises(AmbiguousError, match="'GTV_bob' and 'GTV_ann'"):
            read_observers(file, grid, roi="GTV")
        with pytest.raises(InputError, match="no structure fits --roi 'heart'; it has 'GTV_bob'"):
            read_observers(file, grid, roi="heart")
        np.testing.assert_array_equal(drawn(file, grid, roi="^lung$")[0][2], disc(9.24))
        found: Observers = read_observers(file, grid, roi="^GTV_(.+)$")
        assert list(found.masks) == ["bob", "ann"]
        np.testing.assert_array_equal(found.masks["ann"][2], disc(5.2))
    for wrong, says in (("(", "not a regular expression"), ("(a)(b)", "2 groups")):
        with pytest.raises(InputError, match=says):
            read_observers(path, grid, roi=wrong)


def test_another_dicom_is_no_mask(series) -> None:
    files, grid = series()
    with pytest.raises(UnsupportedError, match="CT Image Storage is no mask"):
        read_observers(files[0], grid)


# ---- real scans ----


@pytest.mark.real
@pytest.mark.parametrize("patient", ["LIDC-IDRI-0002", "LIDC-IDRI-0003"])
def test_the_outlines_of_radiologists_as_contours(shared_data, masks, tmp_path, patient) -> None:
    """LIDC's own outlines as contours: what its rule finds inside, and the path itself, which it leaves out."""
    with zipfile.ZipFile(shared_data / "lidc_dicom" / f"{patient}.zip") as package:
        package.extractall(tmp_path / "scan")
    found = read_series(tmp_path / "scan", allow_gaps=True)
    grid = grid_of(found, patient)
    assert all(line.startswith("left out, no DICOM") or "padding" in line for line in found.warnings)
    (reading,) = find_readings([tmp_path / "scan"], Notes()).values()
    step = grid.spacing[1:][::-1]
    compared = 0
    for outline in reading.outlines:
        expected, rings = np.zeros(grid.shape, bool), []
        for roi in outline.rois:
            at = grid.slices.get((roi.instance, 0))
            if at is None or not roi.inclusion:
                continue
            inside, on = enclosed(roi.points)
            expected[at] |= pasted([inside, on], 0, 0, grid.shape[1:])
            points = grid.positions[at][:2] + roi.points * step
            rings.append(("CLOSED_PLANAR", np.column_stack([points, np.full(len(points), grid.positions[at][2])])))
        if rings:
            path = masks.write_structures(
                tmp_path / "a.dcm", {outline.name: rings}, frame=found.frame_of_reference, series=found.series_uid
            )
            np.testing.assert_array_equal(drawn(path, grid)[0], expected)
            compared += len(rings)
    assert compared > 3
