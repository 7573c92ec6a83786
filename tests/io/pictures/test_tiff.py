"""TIFF by its tags: packings, numbers, colours, axes, pages and orientation, against tifffile's and Pillow's own."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.images import read_image, read_mask, read_pixels

RNG = np.random.default_rng(1)
GREY = RNG.integers(0, 256, (12, 18), np.uint8)
DEEP = RNG.integers(0, 65536, (12, 18), np.uint16)
COLOUR = np.asarray(Image.fromarray(RNG.integers(0, 256, (4, 6, 3), np.uint8)).resize((64, 48)))
STACK = RNG.integers(0, 256, (4, 6, 9), np.uint8)


def written(folder: Path, pixels: np.ndarray, name: str = "a.tif", **options: object) -> Path:
    tifffile.imwrite(folder / name, pixels, **options)
    return folder / name


@pytest.mark.parametrize(
    "packing", [None, "lzw", "zlib", "packbits", "zstd", "lzma", "lerc", "jpegxl", "jpeg2000", "png", "jpegxr"]
)
def test_16_bits_in_every_packing_without_loss(tmp_path, packing) -> None:
    path = written(tmp_path, DEEP, compression=packing)
    np.testing.assert_array_equal(read_pixels(path).pixels[0], DEEP)
    np.testing.assert_array_equal(read_image(path).pixels[0], DEEP.astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize(
    "options",
    [
        {"planarconfig": "separate"},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"compression": "zlib", "predictor": True},
        {"rowsperstrip": 1},
    ],
)
def test_deep_colours_however_they_lie(tmp_path, options) -> None:
    deep = RNG.integers(0, 65536, (12, 18, 3), np.uint16)
    pixels = np.moveaxis(deep, -1, 0) if "planarconfig" in options else deep
    path = written(tmp_path, pixels, photometric="rgb", **options)
    np.testing.assert_array_equal(read_pixels(path).pixels, np.moveaxis(deep, -1, 0))


@pytest.mark.parametrize("packing", ["lzw", "zlib", "packbits", "zstd"])
def test_pillow_and_tifffile_read_the_same(tmp_path, packing) -> None:
    path = written(tmp_path, DEEP, compression=packing)
    np.testing.assert_array_equal(read_pixels(path).pixels[0], np.asarray(Image.open(path)))
    np.testing.assert_array_equal(read_pixels(path).pixels[0], tifffile.imread(path))


def test_a_transparent_mask(tmp_path) -> None:
    inside = GREY > 128
    pixels = np.where(inside[..., None], [0, 255, 0, 128], [255, 255, 255, 0]).astype(np.uint8)
    path = written(tmp_path, pixels, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read_mask(path), inside)


@pytest.mark.parametrize("kind", ["float64", "float16", "float32", "int8", "int16", "int32", ">u2", ">i2", ">f8"])
@pytest.mark.parametrize("packing", [None, "lzw"])
def test_numbers_of_every_kind_and_byte_order(tmp_path, kind, packing) -> None:
    dtype = np.dtype(kind)
    values = (RNG.random((12, 18)) if dtype.kind == "f" else RNG.integers(-100, 100, (12, 18))).astype(dtype)
    path = written(tmp_path, values, byteorder=">" if kind[0] == ">" else "<", compression=packing)
    found = read_pixels(path).pixels[0]
    np.testing.assert_array_equal(found, values)
    assert found.dtype == dtype.newbyteorder("=")


@pytest.mark.parametrize("packing", ["raw", "group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits", "tiff_deflate"])
def test_single_bits_as_pillow_packs_them(tmp_path, packing) -> None:
    mask = (GREY > 128).astype(np.uint8)
    Image.fromarray(mask * 255).convert("1").save(tmp_path / "a.tif", compression=packing)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif"), mask)


@pytest.mark.parametrize("mode", ["RGB", "YCbCr", "CMYK", "RGBA", "P", "L", "LA"])
@pytest.mark.parametrize("packing", ["raw", "tiff_lzw", "jpeg"])
def test_colours_as_pillow_shows_them(tmp_path, mode, packing) -> None:
    if packing == "jpeg" and mode not in ("RGB", "L", "YCbCr"):
        return
    Image.fromarray(COLOUR).convert(mode).save(tmp_path / "a.tif", compression=packing)
    shown = Image.open(tmp_path / "a.tif").convert("L" if mode in ("L", "LA") else "RGB")
    found = read_pixels(tmp_path / "a.tif").pixels
    wanted = np.asarray(shown)
    wanted = wanted[None] if wanted.ndim == 2 else np.moveaxis(wanted, -1, 0)
    np.testing.assert_allclose(found.astype(int), wanted, atol=1 if packing == "jpeg" else 0)


def test_white_is_zero_is_turned_round_in_8_and_16_bits(tmp_path) -> None:
    for pixels, white in ((GREY, 255), (DEEP, 65535)):
        path = written(tmp_path, pixels, photometric="miniswhite")
        np.testing.assert_array_equal(read_pixels(path).pixels[0], white - pixels)
    path = written(tmp_path, DEEP.astype(np.float32), photometric="miniswhite")
    with pytest.raises(UnsupportedError, match="float32 values of which 0 is white"):
        read_pixels(path)


def test_a_mask_of_which_0_is_white_may_mean_either(tmp_path) -> None:
    path = written(tmp_path, (GREY > 128).astype(np.uint8) * 255, photometric="miniswhite")
    with pytest.raises(AmbiguousError, match=r"high values are shown dark .* --foreground"):
        read_mask(path)
    bits = written(tmp_path, GREY > 128, "bits.tif", photometric="miniswhite")
    np.testing.assert_array_equal(read_mask(bits), np.asarray(Image.open(bits)))


def test_palettes_of_16_bits_an_entry(tmp_path) -> None:
    table = RNG.integers(0, 256, (3, 256), np.uint8).astype(np.uint16)
    path = written(tmp_path, GREY, photometric="palette", colormap=table * 257)
    np.testing.assert_array_equal(
        read_pixels(path).pixels, np.moveaxis(np.asarray(Image.open(path).convert("RGB")), -1, 0)
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_numbers_of_few_bits_have_their_own_white(tmp_path, bits) -> None:
    top = 2**bits - 1
    values = RNG.integers(0, top + 1, (12, 16)).astype(np.uint16 if bits > 8 else np.uint8)
    values[0, :2] = 0, top
    path = packed_bits(tmp_path / "a.tif", values, bits)
    assert tifffile.imread(path).tolist() == values.tolist()
    found = read_image(path).pixels[0]
    np.testing.assert_allclose(found, values / top, atol=1e-5 if bits > 8 else 1e-7)


def packed_bits(path: Path, values: np.ndarray, bits: int) -> Path:
    """A grey TIFF of so many bits, written by hand."""
    import struct

    rows = [np.packbits([int(bit) for value in row for bit in f"{value:0{bits}b}"]).tobytes() for row in values]
    body = b"".join(rows)
    height, width = values.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, height),
            (279, len(body))]  # fmt: skip
    table = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in tags)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(body)) + body + table + bytes(4))
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_libtiff(tmp_path, orientation) -> None:
    path = written(tmp_path, GREY, compression="lzw", extratags=[(274, "H", 1, orientation, True)])
    picture = read_pixels(path)
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(Image.open(path)))
    assert any("orientation tag" in said for said in picture.warnings) is (orientation != 1)
    mask = written(tmp_path, np.where(GREY > 128, 255, 0).astype(np.uint8), "m.tif", compression="lzw",
                   extratags=[(274, "H", 1, orientation, True)])  # fmt: skip
    np.testing.assert_array_equal(read_mask(mask), picture.pixels[0] > 128)


@pytest.mark.parametrize(
    ("options", "shape", "told"),
    [
        ({"imagej": True, "metadata": {"axes": "ZYX"}}, (1, 4, 6, 9), False),
        ({"imagej": True, "metadata": {"axes": "CYX"}}, (4, 6, 9), False),
        ({"ome": True, "metadata": {"axes": "ZYX"}}, (1, 4, 6, 9), False),
        ({"ome": True, "metadata": {"axes": "CYX"}}, (4, 6, 9), False),
        ({"metadata": {"axes": "ZYX"}}, (1, 4, 6, 9), False),
        ({"metadata": None}, (1, 4, 6, 9), True),
    ],
)
def test_axes_are_those_that_the_file_names(tmp_path, options, shape, told) -> None:
    picture = read_pixels(written(tmp_path, STACK, photometric="minisblack", **options))
    np.testing.assert_array_equal(picture.pixels, STACK.reshape(shape))
    assert any("were taken for slices" in said for said in picture.warnings) is told


def test_an_ome_tiff_in_several_files_is_not_filled_with_zeros(tmp_path) -> None:
    path = written(tmp_path, STACK, "a.ome.tif", ome=True, photometric="minisblack", metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as file:
        text = file.ome_metadata
    part = '<UUID FileName="{}">urn:uuid:{}</UUID></TiffData>'
    planes = "".join(
        f'<TiffData IFD="{z % 2}" FirstZ="{z}" PlaneCount="1">'
        + part.format("a.ome.tif" if z < 2 else "b.ome.tif", f"0000000{z // 2}-0000-0000-0000-000000000000")
        for z in range(4)
    )
    start, end = text.index("<TiffData"), text.index("</Pixels>")
    text = text[:start] + planes + text[end:]
    tifffile.imwrite(path, STACK[:2], photometric="minisblack", metadata=None, description=text)
    with pytest.raises(UnsupportedError, match="an OME-TIFF in several files"):
        read_pixels(path)


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}, {}])
def test_a_series_in_time_is_no_volume(tmp_path, options) -> None:
    path = written(tmp_path, STACK, photometric="minisblack", metadata={"axes": "TYX"}, **options)
    with pytest.raises(UnsupportedError, match=r"axes TYX of \[4, 6, 9\] .* series in time: save one moment"):
        read_pixels(path)


def test_thumbnails_and_pyramids_are_left_out_and_told(tmp_path) -> None:
    small = COLOUR[::2, ::2]
    with tifffile.TiffWriter(tmp_path / "first.tif") as file:
        file.write(small, photometric="rgb", subfiletype=1, metadata=None)
        file.write(COLOUR, photometric="rgb", metadata=None)
    with tifffile.TiffWriter(tmp_path / "nested.tif") as file:
        file.write(COLOUR, photometric="rgb", subifds=1)
        file.write(small, photometric="rgb", subfiletype=1)
    for name in ("first.tif", "nested.tif"):
        picture = read_pixels(tmp_path / name)
        np.testing.assert_array_equal(picture.pixels, np.moveaxis(COLOUR, -1, 0))
        assert ["smaller copies" in said for said in picture.warnings] == [True]


def test_pages_of_several_sizes_without_a_word_are_ambiguous(tmp_path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY, metadata=None)
        file.write(GREY[::2, ::2], metadata=None)
    with pytest.raises(AmbiguousError, match=r"several sizes, 12 x 18, 6 x 9, and none is said to be a smaller copy"):
        read_pixels(tmp_path / "a.tif")


def test_alpha_and_unnamed_samples_are_no_colours(tmp_path) -> None:
    deep = RNG.integers(0, 65536, (6, 9, 4), np.uint16)
    path = written(tmp_path, deep, photometric="rgb", extrasamples=["unassalpha"])
    picture = read_pixels(path)
    np.testing.assert_array_equal(picture.pixels, np.moveaxis(deep[..., :3], -1, 0))
    assert any("transparent" in said for said in picture.warnings)
    path = written(tmp_path, deep, photometric="rgb", extrasamples=["unspecified"])
    assert ["beyond its colours" in said for said in read_pixels(path).warnings] == [True]


@pytest.mark.parametrize("photometric", ["cielab", "cfa", "logluv"])
def test_colours_that_are_not_read_are_named(tmp_path, photometric) -> None:
    path = written(tmp_path, COLOUR if photometric != "cfa" else GREY, photometric=photometric)
    with pytest.raises(UnsupportedError, match=r"a TIFF of .* is not supported; save it in grey or RGB"):
        read_pixels(path)


def test_a_packing_that_is_not_read_is_named(tmp_path) -> None:
    path = written(tmp_path, GREY, compression="zlib")
    content = path.read_bytes()
    at = content.index(b"\x03\x01\x03\x00\x01\x00\x00\x00")  # tag 259, one SHORT
    path.write_bytes(content[: at + 8] + (34661).to_bytes(4, "little") + content[at + 12 :])
    with pytest.raises(UnsupportedError, match="packed by jbig is not supported; save it with LZW, deflate or none"):
        read_pixels(path)


def test_what_is_missing_is_damage_and_not_zero(tmp_path) -> None:
    path = written(tmp_path, STACK, photometric="minisblack", metadata=None, rowsperstrip=6)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"damaged|truncated"):
        read_pixels(path)
    whole = bytearray(content)
    with tifffile.TiffFile(written(tmp_path, STACK, "b.tif", photometric="minisblack", metadata=None)) as file:
        second = file.pages[1].tags[279].valueoffset
    whole = bytearray((tmp_path / "b.tif").read_bytes())
    whole[second : second + 4] = bytes(4)
    (tmp_path / "b.tif").write_bytes(whole)
    with pytest.raises(InputError, match=r"missing; it is truncated|strips or tiles"):
        read_pixels(tmp_path / "b.tif")


def test_a_chain_of_pages_that_ends_nowhere_is_not_a_shorter_stack(tmp_path) -> None:
    path = written(tmp_path, STACK, photometric="minisblack", metadata=None)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        pages = [page.offset for page in file.pages]
    link = next(at for at in range(len(content)) if content[at : at + 4] == pages[2].to_bytes(4, "little"))
    for where, message in ((2**31, "is truncated or damaged"), (pages[0], "lead round in a circle")):
        content[link : link + 4] = where.to_bytes(4, "little")
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_pixels(path)


def test_big_tiff_and_a_wrong_extension(tmp_path) -> None:
    path = written(tmp_path, DEEP, "a.png", bigtiff=True, compression="lzw")
    np.testing.assert_array_equal(read_pixels(path).pixels[0], DEEP)


def test_a_lossy_mask_wants_a_threshold(tmp_path) -> None:
    square = np.zeros((64, 64), np.uint8)
    square[20:45, 13:40] = 255
    path = written(tmp_path, square, compression="jpeg", compressionargs={"level": 60})
    with pytest.raises(AmbiguousError, match=r"changes values: .* --threshold 127"):
        read_mask(path)
