"""Images and masks of every format, and what cannot be used is named."""

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from atfm.errors import AmbiguousError, DiskError, InputError, UnsupportedError
from atfm.io.images import read_image, read_mask, read_pixels
from atfm.io.saving import write_nifti, write_npy, write_png

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 9), np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (6, 9), np.uint16)
BINARY = (GREY > 128).astype(np.uint8)
AFFINE = np.diag([0.5, 0.7, 2.0, 1.0])


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".npy", ".PNG"])
def test_grey_8_bit_is_exact(tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"
    np.save(path, GREY) if suffix == ".npy" else save(path, GREY)
    pixels, spacing, meta, _ = read_image(path)
    np.testing.assert_array_equal(pixels, GREY[None].astype(np.float32) / np.float32(255))
    assert pixels.dtype == np.float32 and spacing == (1.0, 1.0) and "format" in meta


def test_jpeg_is_close_and_upright(tmp_path) -> None:
    smooth = np.linspace(0, 255, 64 * 32).reshape(64, 32).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees to see it upright"
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95, exif=exif)
    pixels = read_image(tmp_path / "a.jpg").pixels
    assert pixels.shape == (1, 32, 64)
    np.testing.assert_allclose(pixels[0], np.rot90(smooth, -1) / 255, atol=0.03)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_16_bit_is_scaled_by_its_full_range(tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"
    np.save(path, DEEP) if suffix == ".npy" else save(path, DEEP)
    np.testing.assert_array_equal(read_image(path).pixels[0], DEEP.astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "1", "P", "CMYK"])
def test_modes(tmp_path, mode) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    save(path, COLOUR, mode)
    pixels = read_image(path).pixels
    assert pixels.shape == (3 if mode in ("RGB", "RGBA", "P", "CMYK") else 1, 6, 9)
    assert 0 <= pixels.min() <= pixels.max() <= 1
    if mode in ("RGB", "RGBA"):
        np.testing.assert_array_equal(pixels, np.moveaxis(COLOUR, 2, 0) / np.float32(255))


def test_transparency_is_left_out_and_grey_palettes_stay_grey(tmp_path) -> None:
    rgba = np.dstack([COLOUR, GREY])
    np.testing.assert_array_equal(
        read_image(save(tmp_path / "a.png", rgba)).pixels, read_image(save(tmp_path / "b.png", COLOUR)).pixels
    )
    picture = Image.fromarray(GREY)
    picture.putpalette([v for v in range(256) for _ in range(3)])
    picture.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png").pixels[0], GREY / np.float32(255))


def test_tiff_of_floats_deep_colours_and_pages(tmp_path) -> None:
    unit = RNG.random((6, 9), np.float32)
    tifffile.imwrite(tmp_path / "f.tif", unit)
    np.testing.assert_array_equal(read_image(tmp_path / "f.tif").pixels, unit[None])
    deep = RNG.integers(0, 65536, (6, 9, 3), np.uint16)
    tifffile.imwrite(tmp_path / "d.tif", deep, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "d.tif").pixels, np.moveaxis(deep, 2, 0) / np.float32(65535))
    stack = RNG.integers(0, 256, (4, 6, 9), np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack")
    np.testing.assert_array_equal(read_image(tmp_path / "s.tif").pixels, stack[None] / np.float32(255))
    with pytest.raises(InputError, match="expected 2 spatial axes, got 3"):
        read_image(tmp_path / "s.tif", spatial_dims=2)


@pytest.mark.parametrize(
    ("shape", "dims", "wanted"),
    [
        ((6, 9), None, (1, 6, 9)),
        ((3, 6, 9), None, (3, 6, 9)),
        ((6, 9, 3), None, (3, 6, 9)),
        ((6, 9, 4), None, (3, 6, 9)),
        ((6, 9, 1), None, (1, 6, 9)),
        ((5, 6, 9), None, (1, 5, 6, 9)),
        ((3, 6, 9), 3, (1, 3, 6, 9)),
        ((2, 6, 9), 2, (2, 6, 9)),
        ((2, 5, 6, 9), None, (2, 5, 6, 9)),
    ],
)
def test_axes_of_arrays(tmp_path, shape, dims, wanted) -> None:
    np.save(tmp_path / "a.npy", RNG.random(shape))
    assert read_image(tmp_path / "a.npy", spatial_dims=dims).pixels.shape == wanted


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("shape", [(4, 6, 9), (6, 9)])
def test_nifti_lies_where_it_lay(tmp_path, suffix, shape) -> None:
    volume = RNG.integers(0, 256, shape, np.uint8)
    path = tmp_path / f"a{suffix}"
    write_nifti(path, volume, AFFINE)
    assert nibabel.load(path).shape == (*shape[::-1], 1)[:3]
    pixels, spacing, meta, _ = read_image(path)
    np.testing.assert_array_equal(pixels[0], volume / np.float32(255))
    assert spacing == pytest.approx((2.0, 0.7, 0.5)[-len(shape) :])
    np.testing.assert_allclose(meta["affine"], AFFINE)
    np.testing.assert_array_equal(read_mask(write_mask_nifti(tmp_path, volume)), volume > 128)


def write_mask_nifti(folder: Path, volume: np.ndarray) -> Path:
    write_nifti(folder / "m.nii.gz", volume > 128, AFFINE)
    return folder / "m.nii.gz"


def test_a_window_maps_hounsfield_units(tmp_path) -> None:
    units = np.array([[-2000, -1000, 0], [400, 500, 3000]], np.int16)
    write_nifti(tmp_path / "a.nii", units)
    np.testing.assert_allclose(
        read_image(tmp_path / "a.nii", window=(-1000, 400)).pixels[0], [[0, 0, 1000 / 1400], [1, 1, 1]], rtol=1e-6
    )
    with pytest.raises(InputError, match=r"int16 values -2000 to 3000; .* give a window"):
        read_image(tmp_path / "a.nii")
    with pytest.raises(InputError, match="window: expected a lower and a higher value, got 3 and 3"):
        read_image(tmp_path / "a.nii", window=(3, 3))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((6, 9), np.nan), "holds NaN"),
        (np.full((6, 9), 1.5), "values 1.5 to 1.5"),
        (np.full((6, 9), -1), "int64 values -1 to -1"),
        (np.zeros(6), "expected 2 or 3 spatial axes"),
        (np.zeros((2, 2, 2, 2, 2)), "expected 2 or 3 spatial axes"),
        (np.zeros((0, 9)), "another kind of content"),
        (np.zeros((6, 9), complex), "another kind of content"),
        (np.array([["a"]]), "another kind of content"),
    ],
)
def test_arrays_that_are_no_images(tmp_path, array, message) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "a.npy")


def test_python_objects_are_not_loaded(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read as an array of numbers"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.webp", "a", "a.dcm", "a.exe"])
def test_unknown_extensions(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UnsupportedError, match=r"unknown extension .*; expected one of .png"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".npy", ".nii", ".nii.gz"])
@pytest.mark.parametrize("read", [read_image, read_mask])
def test_missing_empty_and_wrong_files(tmp_path, suffix, read) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(InputError, match="no such file"):
        read(path)
    for content in (b"", b"hello, I am no image at all", b"\x89PNG\r\n\x1a\n", bytes(500)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be read|its head is longer") as error:
            read(path)
        assert "\n" not in str(error.value)


def write_any(path: Path) -> bytes:
    if path.suffix == ".npy":
        write_npy(path, GREY)
    elif path.suffix in (".nii", ".gz"):
        write_nifti(path, GREY, AFFINE)
    else:
        save(path, GREY)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".npy", ".nii", ".nii.gz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_never_shows_a_traceback(tmp_path, suffix, data) -> None:
    path = tmp_path / f"a{suffix}"
    content = bytearray(write_any(path))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for read in (read_image, read_mask):
        try:
            read(path)
        except InputError as error:
            assert str(path) in str(error)


def test_a_bomb_is_not_unpacked(tmp_path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(save(path, GREY).read_bytes())
    for side in (60000, 12000):  # PIL refuses the first and would only warn of the second
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        path.write_bytes(data)
        with pytest.raises(InputError, match="more than the 134217728"):
            read_image(path)


@pytest.mark.parametrize("values", [BINARY, BINARY * 255, BINARY.astype(bool)])
def test_binary_masks(tmp_path, values) -> None:
    for path in (save(tmp_path / "a.png", values), save(tmp_path / "a.tif", values)):
        mask = read_mask(path)
        np.testing.assert_array_equal(mask, BINARY)
        assert mask.dtype == np.uint8
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.npy"), BINARY)


def test_transparent_is_outside(tmp_path) -> None:
    green = np.zeros_like(COLOUR) + np.array([0, 255, 0], np.uint8)
    rgba = np.dstack([green, BINARY * 128])
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", rgba)), BINARY)
    for alpha, label in ((0, 0), (128, 1)):
        flat = np.dstack([green, np.full_like(GREY, alpha)])
        assert (read_mask(save(tmp_path / "b.png", flat)) == label).all()
    opaque = np.dstack([BINARY * 255] * 3 + [np.full_like(GREY, 255)])
    np.testing.assert_array_equal(read_mask(save(tmp_path / "c.png", opaque)), BINARY)


def test_label_maps(tmp_path) -> None:
    labels = GREY % 4
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", labels), classes=4), labels)
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, *RNG.integers(1, 256, 9).tolist()])
    picture.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "p.png", classes=4), labels)
    np.save(tmp_path / "a.npy", labels.astype(float))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.npy", classes=4), labels)
    with pytest.raises(InputError, match="expected labels 0 to 2, got 0, 1, 2, 3"):
        read_mask(tmp_path / "a.png", classes=3)
    for wrong in (labels - 0.5, labels - 1.0, np.full((6, 9), np.nan)):
        np.save(tmp_path / "w.npy", wrong)
        with pytest.raises(InputError, match=r"expected labels 0 to 3|holds NaN"):
            read_mask(tmp_path / "w.npy", classes=4)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (GREY, "expected a mask of 0 and 255 or 0 and 1, got 4, 10"),
        (BINARY * 7, "got 0, 7"),
        (COLOUR, "colour picture without transparency"),
    ],
)
def test_pictures_that_are_no_masks(tmp_path, pixels, message) -> None:
    with pytest.raises(InputError, match=message):
        read_mask(save(tmp_path / "a.png", pixels))


def test_png_out(tmp_path) -> None:
    for pixels in (GREY, COLOUR, np.dstack([COLOUR, GREY])):
        write_png(tmp_path / "a.png", pixels)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), pixels)
    for wrong in (GREY.astype(float), GREY[0], np.zeros((3, 6, 9), np.uint8)):
        with pytest.raises(InputError, match="expected uint8"):
            write_png(tmp_path / "b.png", wrong)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_samples_as_one_nifti(tmp_path) -> None:
    samples = RNG.random((5, 4, 6, 9)) > 0.5
    write_nifti(tmp_path / "a.nii.gz", samples, AFFINE)
    stored = np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj)
    np.testing.assert_array_equal(stored[..., 3].T, samples[3])
    for path, array in (("a.png", samples), ("a.nii", samples[0, 0, 0])):
        with pytest.raises(InputError, match=r"ending in .nii or .nii.gz"):
            write_nifti(tmp_path / path, array)


def test_a_folder_in_the_way(tmp_path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DiskError, match="this is a folder"):
        write_png(tmp_path / "a.png", GREY)


def test_arrays_whose_head_lies(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.float64(3))
    with pytest.raises(InputError, match="another kind of content"):
        read_image(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x02\x00" + b"\xff" * 4 + b"{" * 60)
    with pytest.raises(InputError, match="its head is longer"):
        read_image(tmp_path / "a.npy")


def test_a_jpeg_of_thousands_of_scans_is_not_decoded(tmp_path) -> None:
    save(tmp_path / "a.png", np.zeros((2000, 2000), np.uint8))
    Image.open(tmp_path / "a.png").save(tmp_path / "a.jpg", progressive=True)
    whole = (tmp_path / "a.jpg").read_bytes()
    assert read_image(tmp_path / "a.jpg").pixels.shape == (1, 2000, 2000)
    last = whole.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(whole[:last] + whole[last:-2] * 3000 + whole[-2:])
    with pytest.raises(InputError, match=r"in 30.. scans; save it as a plain JPEG or PNG"):
        read_image(tmp_path / "a.jpg")


def test_a_later_page_is_not_larger_than_the_first(tmp_path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY)
        file.write(np.zeros((5000, 5000), np.uint8), compression="zlib")
    tracemalloc.start()
    with pytest.raises(InputError, match=r"pages are .*of several sizes, 6 x 9, 5000 x 5000"):
        read_image(tmp_path / "a.tif")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_scaling_takes_one_copy(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3000, 1000), np.uint16))
    tracemalloc.start()
    read_image(tmp_path / "a.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 1000 * (2 + 4) * 1.2


def test_strips_that_are_not_there_are_not_gone_through(tmp_path) -> None:
    deep = RNG.integers(0, 65536, (6, 9, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", rowsperstrip=1)
    content = (tmp_path / "a.tif").read_bytes()
    rows = struct.pack("<HHII", 257, 4, 1, 6)
    assert content.count(rows) == 1 or content.count(struct.pack("<HHIHH", 257, 3, 1, 6, 0)) == 1
    content = content.replace(rows, struct.pack("<HHII", 257, 4, 1, 10**6))
    (tmp_path / "a.tif").write_bytes(
        content.replace(struct.pack("<HHIHH", 257, 3, 1, 6, 0), struct.pack("<HHII", 257, 4, 1, 10**6))
    )
    with pytest.raises(InputError, match="6 strips or tiles of 1000000; it is damaged"):
        read_image(tmp_path / "a.tif")


def test_a_chunk_that_claims_4_gigabytes_reserves_nothing(tmp_path) -> None:
    content = save(tmp_path / "a.png", GREY).read_bytes()
    at = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + b"\xff\0\0\0" + content[at + 4 :])
    tracemalloc.start()
    with contextlib.suppress(InputError):  # PIL takes it for a file that ends too early, or has all pixels already
        read_image(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_pages_of_colours_are_a_volume_in_colour(tmp_path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in (COLOUR, COLOUR[::-1]):
            file.write(page, photometric="rgb", contiguous=False)
    volume = np.moveaxis(np.stack([COLOUR, COLOUR[::-1]]), -1, 0)  # [C, D, H, W]
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, volume / np.float32(255))


def test_a_volume_of_deep_colours_within_one_page(tmp_path) -> None:
    deep = RNG.integers(0, 65536, (2, 6, 9, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", volumetric=True, tile=(2, 16, 16))
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif").pixels, np.moveaxis(deep, -1, 0))


@pytest.mark.parametrize("value", [-1, 90, 65536, 2**31 - 1])
def test_whole_numbers_without_a_white_want_a_window(tmp_path, value) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((6, 9), value, np.int32))
    with pytest.raises(AmbiguousError, match=r"int32 values .*; expected 8-bit, 16-bit .* give a window"):
        read_image(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif", window=(-(2**31), 2**31)).pixels.shape == (1, 6, 9)


def test_an_array_of_colours_is_no_mask(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 6, 9), np.uint8))
    with pytest.raises(InputError, match="expected a mask of one channel, got 3"):
        read_mask(tmp_path / "a.npy")
