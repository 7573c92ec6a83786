"""From stored values to those of a modality: tables in the file's byte order, slopes of every slice or of none."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from atfm.errors import InputError, UnsupportedError
from atfm.io.dicom.series import read_series

RNG = np.random.default_rng(0)
HU = RNG.integers(-1000, 1500, (5, 6, 8)).astype(np.int16)
NONE = {"RescaleSlope": None, "RescaleIntercept": None}
SYNTAXES = [ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian]


def resaved(file, ds: Dataset, syntax: str, stored: np.ndarray) -> None:
    """Write a file in a transfer syntax, its pixels in that byte order."""
    big = syntax == ExplicitVRBigEndian
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = stored.astype(stored.dtype.newbyteorder(">" if big else "<")).tobytes()
    ds["PixelData"].VR = "OB" if stored.itemsize == 1 else "OW"
    pydicom.dcmwrite(
        file, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big, enforce_file_format=True
    )


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", ["US", "OW"])
@pytest.mark.parametrize("first", [0, -2])
def test_modality_tables_lie_in_the_byte_order_of_their_file(tmp_path, dicom, syntax, kind, first) -> None:
    values = np.array([100, 300, 40000, 50], np.uint16)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    table = Dataset()
    table.add_new("LUTDescriptor", "SS" if first < 0 else "US", [4, first, 16])
    table.add_new("LUTData", kind, values.tolist() if kind == "US" else values.astype(f"{order}u2").tobytes())
    table.ModalityLUTType = "US"
    stored = RNG.integers(first - 2, first + 8, (6, 8)).astype(np.int16 if first < 0 else np.uint16)
    stored = np.maximum(stored, first - 2 if first < 0 else 0)
    ds = pydicom.dcmread(dicom.write_slice(tmp_path / "a", stored, Modality="CR", **NONE))
    ds.ModalityLUTSequence = Sequence([table])
    resaved(tmp_path / "a", ds, syntax, stored)
    expected = values[np.clip(stored.astype(int) - first, 0, 3)]
    np.testing.assert_array_equal(read_series(tmp_path / "a").pixels[0], expected)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_lie_in_the_byte_order_of_their_file(tmp_path, dicom, syntax, bits) -> None:
    colours = RNG.integers(0, 2**bits, (3, 6)).astype(f"u{bits // 8}")
    stored = RNG.integers(0, 6, (6, 8)).astype(np.uint8)
    ds = pydicom.dcmread(dicom.write_slice(tmp_path / "a", stored, photometric="PALETTE COLOR", Modality="US", **NONE))
    big = syntax == ExplicitVRBigEndian
    for name, row in zip(("Red", "Green", "Blue"), colours, strict=True):
        # words in the order of the file; entries of 8 bits are pairs of them, the first below
        words = row if bits == 16 else row.view("<u2").astype(np.uint16)
        ds.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [6, 0, bits])
        ds.add_new(f"{name}PaletteColorLookupTableData", "OW", words.astype(">u2" if big else "<u2").tobytes())
    resaved(tmp_path / "a", ds, syntax, stored)
    pixels = read_series(tmp_path / "a").pixels[0]
    np.testing.assert_array_equal(pixels, (colours[:, stored] >> (bits - 8)).transpose(1, 2, 0))
    if not big:
        itk = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a"))).reshape(6, 8, 3)
        np.testing.assert_array_equal(pixels, itk >> (8 if itk.dtype == np.uint16 else 0))


def test_entries_of_8_bits_in_words_of_16_are_not_black(tmp_path, dicom) -> None:
    stored = RNG.integers(0, 4, (6, 8)).astype(np.uint8)
    ds = pydicom.dcmread(dicom.write_slice(tmp_path / "a", stored, photometric="PALETTE COLOR", Modality="US", **NONE))
    for name in ("Red", "Green", "Blue"):
        ds.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [4, 0, 8])
        ds.add_new(f"{name}PaletteColorLookupTableData", "OW", np.array([0, 80, 160, 255], "<u2").tobytes())
    resaved(tmp_path / "a", ds, ExplicitVRLittleEndian, stored)
    np.testing.assert_array_equal(read_series(tmp_path / "a").pixels[0, ..., 0], np.array([0, 80, 160, 255])[stored])


def test_a_table_with_fewer_entries_than_it_says_is_damaged(tmp_path, dicom) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [9, 0, 16])
    table.add_new("LUTData", "US", [1, 2, 3])
    file = dicom.write_slice(
        tmp_path / "a", np.zeros((6, 8), np.uint16), Modality="CR", **NONE, ModalityLUTSequence=Sequence([table])
    )
    with pytest.raises(InputError, match="3 entries, LUTDescriptor says 9; it is damaged"):
        read_series(file)


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ({"RescaleSlope": 2, "RescaleIntercept": -1024}, NONE, "no rescale slope, a rescale slope in"),
        ({"RescaleSlope": 1, "RescaleIntercept": -1024}, NONE, "no rescale slope, a rescale slope in"),
        ({"RescaleSlope": 1, "RescaleIntercept": 0}, NONE, ""),
        ({"RescaleSlope": 1, "RescaleIntercept": 0}, {"RescaleSlope": 2, "RescaleIntercept": 0}, ""),
        ({}, {"photometric": "MONOCHROME1"}, "MONOCHROME1, MONOCHROME2 in"),
    ],
)
def test_slopes_of_some_slices_only_are_never_mixed(tmp_path, dicom, one, other, says) -> None:
    for k, fields in enumerate((one, one, other)):
        dicom.write_slice(tmp_path / f"{k}", HU[k], position=(0, 0, k), **fields)
    if not says:
        slopes = [fields.get("RescaleSlope") or 1 for fields in (one, one, other)]
        np.testing.assert_array_equal(read_series(tmp_path).pixels, HU[:3] * np.array(slopes)[:, None, None])
        return
    with pytest.raises(InputError) as error:
        read_series(tmp_path)
    assert says in str(error.value) and str(tmp_path / "2") in str(error.value)


def test_a_table_of_some_slices_only_is_refused(tmp_path, dicom) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 0, 16])
    table.add_new("LUTData", "US", [1, 2, 3, 4])
    stored = np.ones((6, 8), np.uint16)
    dicom.write_slice(tmp_path / "a", stored, Modality="CR", **NONE, ModalityLUTSequence=Sequence([table]))
    dicom.write_slice(tmp_path / "b", stored, position=(0, 0, 1), Modality="CR")
    with pytest.raises(InputError, match="a modality look-up table"):
        read_series(tmp_path)


def test_slices_of_two_frames_of_reference_are_no_stack(tmp_path, dicom) -> None:
    for k in range(2):
        dicom.write_slice(tmp_path / f"{k}", HU[k], position=(0, 0, k), FrameOfReferenceUID=f"1.2.{k}")
    with pytest.raises(InputError, match=r"frame of reference 1\.2\.1, 1\.2\.0 in"):
        read_series(tmp_path)


def test_low_that_is_bright_between_other_ends_makes_no_volume(tmp_path, dicom) -> None:
    for k, bits in enumerate((12, 10)):
        dicom.write_slice(
            tmp_path / f"{k}", np.full((6, 8), k, np.uint16), position=(0, 0, k), photometric="MONOCHROME1", bits=bits,
            Modality="CR",
        )  # fmt: skip
    with pytest.raises(InputError, match="not between the same values"):
        read_series(tmp_path)


def test_what_is_said_of_display_and_padding_is_told(tmp_path, dicom) -> None:
    curve = Dataset()
    curve.add_new("LUTDescriptor", "US", [2, 0, 16])
    curve.add_new("LUTData", "US", [0, 9])
    stored = HU[0].copy()
    stored[0] = -2000
    fields = {"PixelPaddingValue": -2000, "PresentationLUTShape": "INVERSE", "VOILUTSequence": Sequence([curve])}
    file = dicom.write_slice(
        tmp_path / "a", stored, **fields, VOILUTFunction="SIGMOID", WindowCenter=40, WindowWidth=400
    )
    series = read_series(file)
    np.testing.assert_array_equal(series.pixels, sitk.GetArrayFromImage(sitk.ReadImage(str(file))))
    assert series.window is None and len(series.warnings) == 4
    for word in ("padding", "PresentationLUTShape INVERSE contradicts MONOCHROME2", "VOILUTSequence", "SIGMOID"):
        assert any(word in line for line in series.warnings)
    clean = dicom.write_slice(tmp_path / "b", HU[0], PixelPaddingValue=-2000)
    assert read_series(clean).warnings == ()


def test_an_exact_window_ends_where_it_says(tmp_path, dicom) -> None:
    from atfm.predict.source import read_source

    file = dicom.write_slice(tmp_path / "a", HU[0], WindowCenter=50, WindowWidth=100, VOILUTFunction="LINEAR_EXACT")
    assert read_source(file, spatial_dims=None).display == (0, 100)
    file = dicom.write_slice(tmp_path / "b", HU[0], WindowCenter=50, WindowWidth=100)
    assert read_source(file, spatial_dims=None).display == (0, 99)


def test_pixels_of_other_kinds_are_not_supported(tmp_path, dicom) -> None:
    for fields, says in (
        ({"PhotometricInterpretation": "HSV"}, "HSV, are not read; grey ones of 8, 16 or 32 bits are"),
        ({"PixelData": None, "FloatPixelData": np.zeros(48, "<f4").tobytes()}, "FloatPixelData, which is not read"),
    ):
        file = dicom.write_slice(tmp_path / "a", HU[0], **fields)
        with pytest.raises(UnsupportedError, match=says):
            read_series(file)
