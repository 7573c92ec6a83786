"""Files of other kinds and forms: read where they can be, and named where they are left out or guessed."""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.uid import HTJ2K, BasicTextSRStorage, HTJ2KLossless, HTJ2KLosslessRPCL, SegmentationStorage

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.dicom.file import is_dicom_file
from atfm.io.dicom.series import read_series

HU = np.random.default_rng(0).integers(-1000, 1500, (5, 6, 8)).astype(np.int16)


def bare(file: Path, *, meta: bool = False) -> None:
    """Take the preamble off a file, and its meta group too."""
    content = file.read_bytes()
    length = struct.unpack("<I", content[140:144])[0]
    file.write_bytes(content[132:] if meta else content[144 + length :])


def test_files_without_a_preamble_are_slices_like_others(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    bare(files[1])
    bare(files[3], meta=True)
    assert all(map(is_dicom_file, files))
    series = read_series(tmp_path)
    np.testing.assert_array_equal(series.pixels, HU)
    (line,) = series.warnings
    assert line == (
        "no transfer syntax is named; read with explicit types, little end first, as its first element looks: 1 file, "
        f"{files[1].name}"
    )
    assert read_series(files[3]).warnings == ()


@pytest.mark.parametrize("name", ["ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm"])
def test_other_peoples_files_without_a_meta_group(name) -> None:
    with pytest.raises(InputError, match=r"a DICOM without an image \(RT Ion Plan Storage\): 1 file"):
        read_series(get_testdata_file(name))


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
def test_either_end_and_either_kind_of_types_without_a_meta_group(tmp_path, name) -> None:
    whole = get_testdata_file(name)
    file = tmp_path / "a"
    file.write_bytes(Path(whole).read_bytes())
    bare(file)
    np.testing.assert_array_equal(read_series(file).pixels, sitk.GetArrayFromImage(sitk.ReadImage(whole)))


def test_a_file_without_a_transfer_syntax(tmp_path, dicom) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0])
    ds = pydicom.dcmread(file)
    del ds.file_meta.TransferSyntaxUID
    pydicom.dcmwrite(tmp_path / "b.dcm", ds, implicit_vr=False, little_endian=True, enforce_file_format=False)
    series = read_series(tmp_path / "b.dcm")
    np.testing.assert_array_equal(series.pixels[0], HU[0])
    assert series.warnings == (
        "no transfer syntax is named; read with explicit types, little end first, as its first element looks",
    )
    packed = pydicom.dcmread(get_testdata_file("MR_small_jp2klossless.dcm"))
    del packed.file_meta.TransferSyntaxUID
    pydicom.dcmwrite(tmp_path / "c.dcm", packed, implicit_vr=False, little_endian=True, enforce_file_format=False)
    with pytest.raises(UnsupportedError, match="compressed, but it names no transfer syntax"):
        read_series(tmp_path / "c.dcm")


def test_an_image_whose_kind_is_no_uid_gives_a_sentence(tmp_path, dicom) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0])
    ds = pydicom.dcmread(file)
    del ds.Rows, ds.file_meta.TransferSyntaxUID, ds.SOPClassUID
    ds.add_new("SOPClassUID", "LO", "1.2.840.10008.5.1.4.1.1.2")  # a word, which pydicom makes no UID of
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    pydicom.dcmwrite(file, ds, implicit_vr=False, little_endian=True, enforce_file_format=False)
    with pytest.raises(InputError, match="says that it is an image, but ends before its size; it is truncated"):
        read_series(file)


def test_what_a_folder_leaves_out_is_named_with_its_reason(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "LICENSE").write_bytes(b"")
    for name, kind in (("report", BasicTextSRStorage), ("masks", SegmentationStorage)):
        other = dicom.head("1.2.3.8", f"1.2.3.8.{len(name)}")
        other.SOPClassUID, other.Rows, other.Columns = kind, 6, 8
        if kind == BasicTextSRStorage:
            del other.Rows, other.Columns
        other.save_as(tmp_path / name, enforce_file_format=True)
    dicom.write_slice(tmp_path / "scout", HU[0], series="1.2.3.7")
    (tmp_path / "._1.dcm").write_bytes(b"\0\5\x16\7")  # what macOS leaves behind
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "a.dcm").write_bytes(files[0].read_bytes())
    series = read_series(tmp_path, series="1.2.3.1")
    np.testing.assert_array_equal(series.pixels, HU)
    assert sorted(series.warnings) == [
        "left out, a DICOM without an image (Basic Text SR Storage): 1 file, report",
        "left out, a DICOM without an image (Segmentation Storage): 1 file, masks",
        "left out, no DICOM: 2 files, LICENSE, notes.txt",
        "left out, of another series (1.2.3.7): 1 file, scout",
    ]
    assert {file.name for file in series.skipped} == {"notes.txt", "LICENSE", "report", "masks", "scout"}
    with pytest.raises(AmbiguousError, match="2 series"):
        read_series(tmp_path)
    with pytest.raises(InputError, match=r"no DICOM image there \(left out, a DICOM without an image"):
        read_series(tmp_path / "report")
    assert read_series(tmp_path, series="1.2.3.1", apart=[tmp_path / "masks"]).warnings[0].startswith("left out, no")


def test_a_slice_that_is_there_twice_is_told(tmp_path, dicom) -> None:
    files = dicom.write_series(tmp_path, HU)
    (tmp_path / "copy").write_bytes(files[0].read_bytes())
    assert read_series(tmp_path).warnings == ("1 slices were there twice and count once",)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000(tmp_path, dicom, syntax) -> None:
    values = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 20
    codestream = imagecodecs.htj2k_encode(values)  # by OpenJPH; OpenJPEG reads it
    ds = pydicom.dcmread(dicom.write_slice(tmp_path / "a.dcm", values, Modality="MR"))
    ds.file_meta.TransferSyntaxUID = syntax
    for name, content in (("a.dcm", codestream), ("b.dcm", codestream[: len(codestream) // 2]), ("c.dcm", bytes(200))):
        ds.PixelData = pydicom.encaps.encapsulate([content])
        ds["PixelData"].is_undefined_length = True
        ds.save_as(tmp_path / name)
    np.testing.assert_array_equal(read_series(tmp_path / "a.dcm").pixels[0], values)
    for name in ("b.dcm", "c.dcm"):
        with pytest.raises(InputError, match=r"cannot be decoded|broke down"):
            read_series(tmp_path / name)


def test_a_compression_that_nobody_knows_is_not_supported(tmp_path, dicom) -> None:
    ds = pydicom.dcmread(dicom.write_slice(tmp_path / "a.dcm", HU[0]))
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # a film
    ds.PixelData = pydicom.encaps.encapsulate([bytes(100)])
    ds["PixelData"].is_undefined_length = True
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(UnsupportedError, match=r"MPEG-4 .* are not read; uncompressed ones, JPEG"):
        read_series(tmp_path / "a.dcm")


def test_a_pixel_spacing_of_zero_is_unknown(tmp_path, dicom) -> None:
    file = dicom.write_slice(tmp_path / "a.dcm", HU[0], PixelSpacing=["0", "0"])
    series = read_series(file)
    assert series.spacing == (1.0, 1.0, 1.0) and not series.spacing_known
    assert series.warnings == ("a pixel spacing of 0 mm, which is taken as unknown",)
    other = dicom.write_slice(tmp_path / "b.dcm", HU[0], PixelSpacing=["0", "0"], ImagerPixelSpacing=["0.2", "0.2"])
    assert read_series(other).spacing == (1.0, 0.2, 0.2)
    without = dicom.write_slice(tmp_path / "c.dcm", HU[0], PixelSpacing=None)
    assert not read_series(without).spacing_known and read_series(without).warnings == ()


def test_files_without_attributes_that_may_be_empty_are_read(tmp_path, dicom) -> None:
    missing = dict.fromkeys(("PatientID", "PatientName", "StudyInstanceUID", "SeriesDescription", "Modality"))
    files = dicom.write_series(tmp_path, HU, **missing)
    np.testing.assert_array_equal(read_series(tmp_path).pixels, HU)
    itk = sitk.GetArrayFromImage(sitk.ReadImage([str(file) for file in files]))
    np.testing.assert_array_equal(itk, HU)
