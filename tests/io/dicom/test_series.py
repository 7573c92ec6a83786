"""DICOM series: geometry and values as SimpleITK has them, every slip of a series named in one line."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from atfm.errors import InputError
from atfm.io.dicom import decoder as dicom_decoder
from atfm.io.dicom import file as dicom_file
from atfm.io.dicom import pixels as dicom_pixels
from atfm.io.dicom import series as dicom_reading
from atfm.io.dicom.series import find_stack, read_series

RNG = np.random.default_rng(0)
HU = RNG.integers(-1000, 1500, (5, 6, 8)).astype(np.int16)
TILTED = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
SPACING = (0.5, 0.75)  # rows apart, columns apart


def refused(*arguments, **options) -> str:
    with pytest.raises(InputError) as error:
        read_series(*arguments, **options)
    line = str(error.value)
    assert "\n" not in line and len(line) < 1000
    return line


def by_itk(files: list[Path]) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    return reader.Execute()


@pytest.mark.parametrize("orientation", [(1.0, 0, 0, 0, 1, 0), TILTED, (0.0, 1, 0, 0, 0, -1)])
@pytest.mark.parametrize("slope", [1, 0.5, 2.25])
def test_values_and_geometry_are_those_of_simpleitk(tmp_path, dicom, orientation, slope) -> None:
    files = dicom.write_series(
        tmp_path, HU, orientation=orientation, spacing=SPACING, RescaleSlope=slope, RescaleIntercept=-1024
    )
    series, oracle = read_series(tmp_path), by_itk(files)
    np.testing.assert_array_equal(series.pixels, HU * slope - 1024)
    np.testing.assert_allclose(series.pixels, sitk.GetArrayFromImage(oracle))
    assert series.pixels.dtype == np.float32 and series.files == tuple(files) and series.frames == (0,) * 5
    np.testing.assert_allclose(series.spacing, oracle.GetSpacing()[::-1], atol=1e-5)
    for index in ([0, 0, 0], [7, 0, 0], [0, 5, 0], [0, 0, 4], [3, 2, 1]):
        lps = oracle.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(series.affine @ [*index, 1], [*lps, 1], atol=1e-4)
        np.testing.assert_allclose(series.ras_affine @ [*index, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-4)
    np.testing.assert_allclose(series.positions[3], oracle.TransformIndexToPhysicalPoint([0, 0, 3]), atol=1e-4)
    assert (series.modality, series.series_uid, series.instances[0]) == ("CT", "1.2.3.1", "1.2.3.1.1")


def test_names_and_numbers_of_files_do_not_order_slices(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    for number, k in enumerate([3, 0, 4, 1, 2]):
        files[k] = files[k].rename(tmp_path / f"IM{number}")  # and no .dcm
    assert read_series(tmp_path).files == tuple(files)
    assert read_series([files[k] for k in (4, 2, 0, 1, 3)]).files == tuple(files)


def test_slope_and_window_may_differ_from_slice_to_slice(tmp_path, dicom) -> None:
    for k in range(3):
        dicom.write_slice(
            tmp_path / f"{k}", HU[k], position=(0, 0, k), RescaleSlope=k + 1, RescaleIntercept=-k, WindowCenter=k,
            WindowWidth=[100, 2],
        )  # fmt: skip
    series = read_series(tmp_path)
    for k in range(3):
        np.testing.assert_array_equal(series.pixels[k], HU[k] * (k + 1.0) - k)
    assert series.window == (0, 100)


KINDS = ["<u1", "<i1", "<u2", "<i2"]
SYNTAXES = [None, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless]


@pytest.mark.parametrize(
    ("kind", "syntax"), [*((kind, syntax) for kind in KINDS for syntax in SYNTAXES), ("<u4", None)]
)
def test_every_type_and_transfer_syntax(tmp_path, dicom, kind, syntax) -> None:
    low, high = np.iinfo(kind).min, min(np.iinfo(kind).max, 2**24)
    values = np.sort(RNG.integers(low, high, (24, 32), dtype=kind), axis=None).reshape(24, 32)  # so that it compresses
    file = dicom.write_slice(tmp_path / "a.dcm", values, Modality="MR")
    if syntax is not None:
        ds = pydicom.dcmread(file)
        if syntax in (RLELossless, JPEGLSLossless):
            ds.compress(syntax, generate_instance_uid=False)
        ds.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            file, ds, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True
        )
    np.testing.assert_array_equal(read_series(file).pixels[0], values.astype(np.float32))


def test_big_endian(dicom) -> None:
    file = get_testdata_file("MR_small_bigendian.dcm")
    assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    np.testing.assert_array_equal(read_series(file).pixels, sitk.GetArrayFromImage(sitk.ReadImage(file)))


@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "SC_rgb_jpeg_gdcm.dcm",  # lossless JPEG, in the process of its own
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",  # YBR_FULL in JPEG
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_palette.dcm",
        "rtdose.dcm",
    ],
)
def test_other_peoples_files_as_simpleitk_reads_them(name) -> None:
    file = get_testdata_file(name)
    series, oracle = read_series(file), sitk.GetArrayFromImage(sitk.ReadImage(file))
    np.testing.assert_allclose(series.pixels, oracle.reshape(series.pixels.shape), rtol=1e-6)
    assert series.pixels.dtype == (np.uint8 if series.pixels.ndim == 4 else np.float32)


def test_bits_beyond_those_stored_are_no_pixels(tmp_path, dicom) -> None:
    values = RNG.integers(-2048, 2047, (6, 8)).astype(np.int16)
    dirty = (values & 0x0FFF) | (RNG.integers(0, 16, (6, 8)).astype(np.int16) << 12)
    file = dicom.write_slice(tmp_path / "a", dirty, bits=12)
    np.testing.assert_array_equal(read_series(file).pixels[0], values)
    np.testing.assert_array_equal(read_series(file).pixels, sitk.GetArrayFromImage(sitk.ReadImage(str(file))))


def test_monochrome1_is_turned_after_the_rescale(tmp_path, dicom) -> None:
    stored = RNG.integers(0, 4096, (6, 8)).astype(np.uint16)
    common = {"Modality": "DX", "bits": 12, "RescaleSlope": 2, "RescaleIntercept": 10}
    file = dicom.write_slice(
        tmp_path / "a", stored, photometric="MONOCHROME1", WindowCenter=1010, WindowWidth=400, **common
    )
    series = read_series(file)
    low, high = 10, 2 * 4095 + 10
    np.testing.assert_array_equal(series.pixels[0], low + high - (stored * 2.0 + 10))
    assert series.window == (low + high - 1010, 400)
    np.testing.assert_array_equal(series.pixels, sitk.GetArrayFromImage(sitk.ReadImage(str(file))))
    white = dicom.write_slice(tmp_path / "b", 4095 - stored, **common)  # the same picture the usual way round
    np.testing.assert_array_equal(series.pixels, read_series(white).pixels)


@pytest.mark.parametrize("fields", [{}, {"Modality": "MR", "RescaleType": "HU"}, {"Modality": "PT"}])
def test_monochrome1_leaves_what_was_measured(tmp_path, dicom, fields) -> None:
    file = dicom.write_slice(tmp_path / "a", HU[0], photometric="MONOCHROME1", **fields)
    np.testing.assert_array_equal(read_series(file).pixels[0], HU[0])


def test_modality_table(tmp_path, dicom) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 0, 16])
    table.add_new("LUTData", "US", [100, 300, 200, 50])
    table.ModalityLUTType = "US"
    stored = RNG.integers(0, 4, (6, 8)).astype(np.uint16)
    file = dicom.write_slice(
        tmp_path / "a", stored, Modality="CR", RescaleSlope=None, RescaleIntercept=None,
        ModalityLUTSequence=Sequence([table]),
    )  # fmt: skip
    np.testing.assert_array_equal(read_series(file).pixels[0], np.array([100, 300, 200, 50])[stored])


def test_colours_of_16_bits_keep_their_upper_eight(tmp_path, dicom) -> None:
    deep = RNG.integers(0, 65536, (6, 8, 3)).astype(np.uint16)
    file = dicom.write_slice(tmp_path / "a", deep, photometric="RGB", Modality="XC")
    np.testing.assert_array_equal(read_series(file).pixels[0], deep >> 8)


def enhanced(dicom, file: Path, order: list[int], shared_slope: float = 1.0) -> Path:
    """An enhanced CT whose frames lie in `order`."""
    ds = dicom.head("1.2.3.1", "1.2.3.1.9")
    del ds.RescaleSlope, ds.RescaleIntercept
    dicom.put_pixels(ds, HU[order])
    shared, measures, turned, values = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = list(SPACING), 2.5
    turned.ImageOrientationPatient = list(TILTED)
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = shared_slope, -5, "HU"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([turned])
    shared.PixelValueTransformationSequence = Sequence([values])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    along = np.cross(TILTED[:3], TILTED[3:])
    frames = []
    for k in order:
        group, place = Dataset(), Dataset()
        place.ImagePositionPatient = [float(v) for v in np.round(np.array([1.0, 2, 3]) + 2.5 * k * along, 6)]
        group.PlanePositionSequence = Sequence([place])
        frames.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.save_as(file, enforce_file_format=True)
    return file


def test_frames_of_one_file_are_sorted_too(tmp_path, dicom) -> None:
    order = [2, 0, 4, 1, 3]
    series = read_series(enhanced(dicom, tmp_path / "a.dcm", order, shared_slope=2))
    np.testing.assert_array_equal(series.pixels, HU * 2.0 - 5)
    assert series.frames == tuple(order.index(k) for k in range(5)) and series.files == (tmp_path / "a.dcm",)
    np.testing.assert_allclose(series.spacing, (2.5, *SPACING))
    np.testing.assert_allclose(series.affine @ [0, 0, 0, 1], [1, 2, 3, 1])
    np.testing.assert_allclose(series.orientation, TILTED)


def test_frames_without_a_place_are_stacked_in_order(tmp_path, dicom) -> None:
    file = dicom.write_slice(tmp_path / "a", HU, Modality="NM", SpacingBetweenSlices=4, RescaleType="US")
    series = read_series(file)
    np.testing.assert_array_equal(series.pixels, HU)
    assert series.spacing == (4, 1, 1)


def test_a_tilted_gantry_stays_in_the_affine(tmp_path, dicom) -> None:
    for k in range(4):
        dicom.write_slice(tmp_path / f"{k}", HU[k], position=(0, 0.7 * k, 2 * k))
    series = read_series(tmp_path)
    assert series.spacing == (2, 1, 1)
    np.testing.assert_allclose(series.affine[:, 2], [0, 0.7, 2, 0])


def test_a_missing_slice_is_named(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    files[2].unlink()
    line = refused(tmp_path)
    assert "1 slice(s) missing: 5 mm" in line and str(files[1]) in line and str(files[3]) in line and "2.5 mm" in line
    assert read_series(tmp_path, allow_gaps=True).pixels.shape == (4, 6, 8)


def test_uneven_slices_and_slices_aside_are_named(tmp_path, dicom) -> None:
    for k, z in enumerate((0, 1, 2, 3.3, 4.3)):
        dicom.write_slice(tmp_path / "uneven" / f"{k}", HU[k], position=(0, 0, z))
        dicom.write_slice(tmp_path / "aside" / f"{k}", HU[k], position=(5.0 * (k == 2), 0, k))
    assert "unevenly spaced: 1.3 mm" in refused(tmp_path / "uneven")
    assert "beside the line" in refused(tmp_path / "aside")


def test_duplicates_count_once(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    shutil.copy(files[1], tmp_path / "copy.dcm")  # the same instance
    dicom.write_slice(tmp_path / "twin", HU[3], position=(-10, 20, -22.5), instance="9.9", spacing=(1, 1))
    series = read_series(tmp_path)
    assert series.pixels.shape == HU.shape and series.duplicates == 2
    np.testing.assert_array_equal(series.pixels, HU)
    assert find_stack(tmp_path).stack.twins in ({"9.9": "1.2.3.1.4"}, {"1.2.3.1.4": "9.9"})


def test_a_file_is_opened_once_for_its_header_and_once_for_its_pixels(tmp_path, dicom, monkeypatch) -> None:
    dicom.write_series(tmp_path / "wanted", HU)
    dicom.write_series(tmp_path / "other", HU, series="1.2.3.2")
    (tmp_path / "notes.txt").write_text("no DICOM")
    opened = []

    class Counted(dicom_file.Bounded):
        def __init__(self, path):
            opened.append(path.relative_to(tmp_path).parts[0])
            super().__init__(path)

    monkeypatch.setattr(dicom_file, "Bounded", Counted)
    read_series(tmp_path, series="1.2.3.1")
    assert Counter(opened) == {"wanted": 2 * len(HU), "other": len(HU), "notes.txt": 1}


def test_different_slices_at_one_place_are_refused(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    other = dicom.write_slice(tmp_path / "other", HU[0], position=(-10, 20, -22.5))
    line = refused(tmp_path)
    assert "second, different slice" in line and str(files[3]) in line and str(other) in line
    other.unlink()
    dicom.write_slice(other, HU[0], position=(-10, 20, 90), instance="1.2.3.1.2")
    assert "same SOPInstanceUID" in refused(tmp_path)


def test_several_series_are_listed_and_none_is_picked(tmp_path, dicom) -> None:
    dicom.write_series(tmp_path / "a", HU)
    dicom.write_series(tmp_path / "b", HU[:3] + 1, series="1.2.3.2", SeriesDescription="lung kernel")
    line = refused(tmp_path)
    assert "2 series" in line and "1.2.3.1 (CT chest, 5 slice(s))" in line and "1.2.3.2 (CT lung kernel, 3" in line
    np.testing.assert_array_equal(read_series(tmp_path, series="1.2.3.2").pixels, HU[:3] + 1)
    assert "no series 7" in refused(tmp_path, series="7")
    for k in range(20):
        dicom.write_series(tmp_path / f"c{k}", HU[:1], series=f"1.2.4.{k}")
    assert "22 series" in refused(tmp_path) and "and 16 more" in refused(tmp_path)


def test_what_is_no_dicom_is_skipped_in_a_folder_and_refused_by_name(tmp_path, dicom) -> None:
    dicom.write_series(tmp_path, HU)
    (tmp_path / "069.xml").write_text("<a/>")
    (tmp_path / "LICENSE").write_bytes(b"")
    report = dicom.head("1.2.3.8", "1.2.3.8.1")  # a DICOM without an image
    report.SOPClassUID = BasicTextSRStorage
    report.save_as(tmp_path / "report", enforce_file_format=True)
    assert len(read_series(tmp_path).skipped) == 3
    assert "no letters DICM" in refused(tmp_path / "069.xml")
    assert "no such file" in refused(tmp_path / "nothing")
    assert "no DICOM image" in refused(tmp_path / "report")
    (tmp_path / "empty").mkdir()
    assert "no DICOM image" in refused(tmp_path / "empty") and "no DICOM image" in refused([])
    headless = dicom.head("1.2.3.1", "1.2.3.1.6")
    headless.save_as(tmp_path / "headless", enforce_file_format=True)
    assert f"{tmp_path / 'headless'}: says that it is an image" in refused(tmp_path)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Rows": 60000, "Columns": 60000}, "no image that can be read"),
        ({"Rows": 6000}, "bytes, but it holds"),
        ({"NumberOfFrames": 30000}, "no image that can be read"),
        ({"NumberOfFrames": 700}, "bytes, but it holds"),
        ({"Rows": 0}, "no image that can be read"),
        ({"NumberOfFrames": "-1"}, "whole number"),
        ({"BitsAllocated": 64}, "1 x 64 bits"),
        ({"BitsStored": 17}, "bits stored"),
        ({"HighBit": 3}, "high bit"),
        ({"SamplesPerPixel": 4}, "4 x 16 bits"),
        ({"PhotometricInterpretation": "HSV"}, "HSV"),
        ({"PixelData": None}, "no pixel data"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0"),
        ({"RescaleSlope": "1e300"}, "no finite numbers"),
        ({"PixelSpacing": ["-1", "1"]}, "above 0 mm"),
        ({"PixelSpacing": ["1", "1", "1"]}, "expected 2 numbers, got 3"),
        ({"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]}, "perpendicular"),
        ({"ImagePositionPatient": ["0", "0", "1e999"]}, ""),
    ],
)
def test_absurd_headers_are_refused(tmp_path, dicom, fields, says) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0], **fields)
    line = refused(file)
    assert says in line and line.startswith(str(file))


def test_slices_that_do_not_go_together_are_refused(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "a", HU[0])
    for fields, says in (
        ({"spacing": (1, 2)}, "pixels of"),
        ({"orientation": TILTED}, "orientation"),
        ({"position": None}, "does not say where it lies"),
        ({"Rows": 4, "PixelData": HU[0, :4].tobytes()}, "4 x 8 pixels, 6 x 8"),
    ):
        other = dicom.write_slice(tmp_path / "b", HU[1], **{"position": (0, 0, 1), **fields})
        assert says in refused(tmp_path)
        other.unlink()


def test_truncated_files_are_refused_wherever_they_end(tmp_path, dicom) -> None:
    whole = dicom.write_slice(tmp_path / "a.dcm", HU[0]).read_bytes()
    for length in range(0, len(whole) - 1, 13):
        (tmp_path / "b.dcm").write_bytes(whole[:length])
        refused(tmp_path / "b.dcm")


def test_a_deflated_file_that_would_fill_the_memory(tmp_path, dicom, monkeypatch) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", np.zeros((512, 512), np.int16))
    ds = pydicom.dcmread(file)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    pydicom.dcmwrite(file, ds, enforce_file_format=True, implicit_vr=False, little_endian=True)
    assert file.stat().st_size < 5000 and read_series(file).pixels.shape == (1, 512, 512)
    monkeypatch.setattr(dicom_file, "LARGEST_INFLATED", 2**18)
    assert "when inflated" in refused(file)


def test_a_length_that_lies_reserves_no_memory(tmp_path, dicom) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0])
    damaged = bytearray(file.read_bytes())
    at = damaged.index(b"\xe0\x7f\x10\x00OW") + 8
    damaged[at : at + 4] = b"\xfe\xff\xff\x7f"  # two gigabytes of pixels
    file.write_bytes(damaged)
    np.testing.assert_array_equal(read_series(file).pixels[0], HU[0])  # what is there is all that is needed


def test_a_decoder_that_breaks_down_takes_nobody_with_it(tmp_path) -> None:
    whole = bytearray(Path(get_testdata_file("SC_rgb_jpeg_gdcm.dcm")).read_bytes())
    start = whole.index(b"\xff\xd8")
    for seed in range(12):
        damaged, rng = whole.copy(), np.random.default_rng(seed)
        for _ in range(6):
            damaged[rng.integers(start, start + 120)] = rng.integers(256)
        (tmp_path / "a.dcm").write_bytes(damaged)
        try:
            read_series(tmp_path / "a.dcm")
        except InputError as error:
            assert "\n" not in str(error)
    (tmp_path / "a.dcm").write_bytes(whole)
    assert read_series(tmp_path / "a.dcm").pixels.shape == (1, 100, 100, 3)


def test_words_of_a_file_stay_on_one_line(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "1.dcm", HU[0], series="1.2.3", SeriesDescription="a\x85b\x7fc", PatientID="p\x7f")
    dicom.write_slice(tmp_path / "2.dcm", HU[0], series="1.2.4")
    assert "a?b?c" in refused(tmp_path)


def test_places_beyond_any_scanner(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "1.dcm", HU[0], position=(0.0, 0.0, 1e300))
    assert "ImagePositionPatient: expected millimetres within a scanner" in refused(tmp_path)


def test_pixels_too_small_to_tell_apart(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "1.dcm", HU[0], PixelSpacing=["1e-300", "1e-300"])
    assert "PixelSpacing: expected two sizes above 0 mm" in refused(tmp_path)


def retyped(path: Path, tag: bytes, kind: bytes) -> Path:
    """Give an element of up to 255 bytes another type (value representation)."""
    content = path.read_bytes()
    at = content.index(tag)
    size = content[at + 6]
    length = bytes([0, 0, size, 0, 0, 0]) if kind in (b"OB", b"UN", b"UT") else bytes([size, 0])
    path.write_bytes(content[: at + 4] + kind + length + content[at + 8 :])
    return path


INTERCEPT, ROWS, SPACINGS = b"\x28\x00\x52\x10DS", b"\x28\x00\x10\x00US", b"\x28\x00\x30\x00DS"


@pytest.mark.parametrize("kind", [b"LO", b"ST", b"UT", b"OB", b"UN", b"IS", b"TM"])
def test_a_number_that_became_a_word_is_read_as_a_whole(tmp_path, dicom, kind) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0], RescaleIntercept="-120")
    np.testing.assert_array_equal(read_series(retyped(file, INTERCEPT, kind)).pixels[0], HU[0] - 120)


@pytest.mark.parametrize(
    ("tag", "kind"),
    [(INTERCEPT, b"PN"), (ROWS, b"LO"), (ROWS, b"OB"), (ROWS, b"PN"), (ROWS, b"AT"), (SPACINGS, b"ST"), (ROWS, b"FD")],
)
def test_words_where_numbers_belong_are_refused(tmp_path, dicom, tag, kind) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0], RescaleIntercept="-120")
    assert refused(retyped(file, tag, kind)).startswith(f"{file}: ")


def test_sizes_are_refused_before_memory_is_reserved(tmp_path, dicom, monkeypatch) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[:2])
    monkeypatch.setattr(dicom_reading, "MAX_VOXELS", 95)
    assert f"{file}: 2 slices are more than 95 voxels" in refused(file)
    monkeypatch.setattr(dicom_reading, "MAX_VOXELS", 96)
    assert read_series(file).pixels.shape == (2, 6, 8)
    monkeypatch.setattr(dicom_pixels, "MAX_VOXELS", 95)
    assert f"{file}: 2 frames of 6 x 8 pixels are more than the 95 that can be read" in refused(file)
    monkeypatch.setattr(dicom_file, "LARGEST_FILE", 100)
    assert "bytes, more than the 100 that are read" in refused(file)


def test_a_folder_among_files_is_named(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    assert refused([tmp_path / "a"]) == f"{tmp_path / 'a'}: a folder, where a DICOM file is expected"


def test_frames_and_their_descriptions_have_to_be_as_many(tmp_path, dicom) -> None:
    items = Sequence([Dataset(), Dataset(), Dataset()])
    file = dicom.write_slice(tmp_path / "a.dcm", HU[:2], PerFrameFunctionalGroupsSequence=items)
    assert f"{file}: 2 frames, but 3 descriptions of them" in refused(file)


def test_grey_and_colours_are_no_stack(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "a", HU[0])
    dicom.write_slice(tmp_path / "b", np.zeros((6, 8, 3), np.uint8), position=(0, 0, 1), photometric="RGB")
    assert "RGB, MONOCHROME2" in refused(tmp_path)


def test_slices_of_one_uid_with_and_without_a_place_are_two_images(tmp_path, dicom) -> None:
    dicom.write_slice(tmp_path / "a", HU[0], instance="1.2.3.4")
    dicom.write_slice(tmp_path / "b", HU[0], instance="1.2.3.4", position=None)
    assert "with the same SOPInstanceUID" in refused(tmp_path)


def test_a_decoder_that_does_not_answer_is_replaced(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.dcm").write_bytes(Path(get_testdata_file("SC_rgb_jpeg_gdcm.dcm")).read_bytes())

    def silent(*_: object) -> bytes:
        raise EOFError

    with monkeypatch.context() as patch:
        patch.setattr(dicom_decoder, "exactly", silent)
        assert "broke down over it; it is damaged" in refused(tmp_path / "a.dcm")
        assert dicom_decoder._children == []
    assert read_series(tmp_path / "a.dcm").pixels.shape == (1, 100, 100, 3)
