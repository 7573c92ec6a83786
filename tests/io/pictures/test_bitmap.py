"""PNG, JPEG, GIF, BMP and the PGM family as they are stored and shown, against Pillow and bytes written by hand."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from imagecodecs import bmp_decode, gif_decode, jpeg_decode, jpeg_encode, ljpeg_encode, png_decode
from PIL import Image, ImageOps

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.images import read_image, read_mask, read_pixels

RNG = np.random.default_rng(2)
GREY = RNG.integers(0, 256, (6, 9), np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), np.uint8)
BINARY = (GREY > 128).astype(np.uint8)


def png(path: Path, samples: np.ndarray, kind: int, depth: int = 16, *extra: bytes) -> Path:
    """A PNG written by hand: `[H, W, S]` of 8 or 16 bits, or `[H, W]` of fewer."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = samples.shape[:2]
    if depth < 8:
        rows = [np.packbits([int(bit) for v in row for bit in f"{v:0{depth}b}"]).tobytes() for row in samples]
    else:
        rows = [row.astype(f">u{depth // 8}").tobytes() for row in samples]
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(extra) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
    return path


def trns(*values: int) -> bytes:
    content = struct.pack(f">{len(values)}H", *values)
    return struct.pack(">I", len(content)) + b"tRNS" + content + struct.pack(">I", zlib.crc32(b"tRNS" + content))


@pytest.mark.parametrize(("kind", "samples"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png_of_16_bits_keeps_all_of_them(tmp_path, kind, samples) -> None:
    deep = RNG.integers(0, 65536, (6, 9, samples), np.uint16)
    path = png(tmp_path / "a.png", deep, kind)
    colours = 1 if samples < 3 else 3
    np.testing.assert_array_equal(read_pixels(path).pixels, np.moveaxis(deep[..., :colours], -1, 0))
    assert any("transparent" in said for said in read_pixels(path).warnings) is (samples in (2, 4))
    np.testing.assert_array_equal(np.asarray(png_decode(path.read_bytes())).reshape(deep.shape), deep)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_png_of_few_bits_is_what_is_shown(tmp_path, depth) -> None:
    values = RNG.integers(0, 2**depth, (6, 8), np.uint8)
    path = png(tmp_path / "a.png", values, 0, depth)
    np.testing.assert_allclose(read_image(path).pixels[0], values / (2**depth - 1))


def test_a_key_colour_is_transparent_in_every_depth(tmp_path) -> None:
    green = np.zeros((6, 9, 3), np.uint8) + np.array([9, 200, 9], np.uint8)
    green[BINARY == 0] = 255
    path = png(tmp_path / "a.png", green, 2, 8, trns(255, 255, 255))
    np.testing.assert_array_equal(read_mask(path), BINARY)
    deep = np.where(BINARY[..., None], 40000, 12).astype(np.uint16)
    np.testing.assert_array_equal(read_mask(png(tmp_path / "b.png", deep, 0, 16, trns(12))), BINARY)
    deep = np.repeat(deep, 3, -1)
    np.testing.assert_array_equal(read_mask(png(tmp_path / "c.png", deep, 2, 16, trns(12, 12, 12))), BINARY)
    few = np.where(BINARY[:, :8], 3, 1).astype(np.uint8)
    np.testing.assert_array_equal(read_mask(png(tmp_path / "d.png", few, 0, 2, trns(1))), BINARY[:, :8])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_exif_turns_images_and_masks_of_both(tmp_path, form, orientation) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{form}"
    Image.fromarray(GREY).save(path, exif=exif)
    picture = read_pixels(path)
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(ImageOps.exif_transpose(Image.open(path))))
    assert ["upright as its EXIF tag" in said for said in picture.warnings] == [True] * (orientation != 1)
    if form == "png":
        Image.fromarray(BINARY * 255).save(path, exif=exif)
        np.testing.assert_array_equal(read_mask(path) * 255, np.asarray(ImageOps.exif_transpose(Image.open(path))))


def test_cmyk_is_shown_in_colour_with_a_word(tmp_path) -> None:
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    picture = read_pixels(tmp_path / "a.jpg")
    shown = np.moveaxis(np.asarray(Image.open(tmp_path / "a.jpg").convert("RGB")), -1, 0)
    np.testing.assert_array_equal(picture.pixels, shown)
    assert any("CMYK" in said for said in picture.warnings)


@pytest.mark.parametrize("suffix", [".gif", ".bmp", ".ppm", ".pgm", ".PGM", ".pnm"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_gif_bmp_and_ppm(tmp_path, suffix, mode) -> None:
    if mode == "RGB" and suffix == ".gif":
        mode = "P"
    path = tmp_path / f"a{suffix}"
    Image.fromarray(COLOUR).convert(mode).save(path, None if suffix != ".PGM" else "PPM")
    shown = np.asarray(Image.open(path).convert("RGB"))
    found = np.broadcast_to(read_pixels(path).pixels, (3, 6, 9))
    np.testing.assert_array_equal(found, np.moveaxis(shown, -1, 0))


@pytest.mark.parametrize(
    ("suffix", "mode", "decode"),
    [("png", "L", png_decode), ("png", "RGB", png_decode), ("bmp", "L", bmp_decode), ("bmp", "RGB", bmp_decode),
     ("gif", "P", gif_decode), ("jpg", "L", jpeg_decode), ("jpg", "RGB", jpeg_decode)],
)  # fmt: skip
def test_a_second_library_reads_the_same_pixels(tmp_path, suffix, mode, decode) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(COLOUR).convert(mode).save(path)
    other = np.asarray(decode(path.read_bytes())).reshape(6, 9, -1)[..., :3]
    np.testing.assert_allclose(
        np.broadcast_to(read_pixels(path).pixels, (3, 6, 9)),
        np.broadcast_to(np.moveaxis(other, -1, 0), (3, 6, 9)),
        atol=1 if suffix == "jpg" else 0,
    )


def test_binary_masks_of_these_formats(tmp_path) -> None:
    mask = Image.fromarray(BINARY * 255)
    for name, picture in (("a.gif", mask), ("a.bmp", mask), ("b.bmp", mask.convert("1")), ("a.pbm", mask.convert("1")),
                          ("a.pgm", mask)):  # fmt: skip
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(read_mask(tmp_path / name), BINARY, name)


def test_pgm_has_a_white_of_its_own(tmp_path) -> None:
    labels = GREY % 4
    (tmp_path / "a.pgm").write_bytes(b"P5 9 6 3\n" + labels.tobytes())
    np.testing.assert_array_equal(read_mask(tmp_path / "a.pgm", classes=4), labels)
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm").pixels[0], labels / 3)
    for white in (1, 15):
        (tmp_path / "b.pgm").write_bytes(f"P5 9 6 {white}\n".encode() + (BINARY * white).tobytes())
        np.testing.assert_array_equal(read_mask(tmp_path / "b.pgm"), BINARY)
    deep = RNG.integers(0, 4096, (6, 9), np.uint16)
    (tmp_path / "c.pgm").write_bytes(b"P5 9 6 4095\n" + deep.astype(">u2").tobytes())
    np.testing.assert_allclose(read_image(tmp_path / "c.pgm").pixels[0], deep / 4095, atol=1e-5)
    (tmp_path / "d.pgm").write_text("P2 9 6 4095\n" + " ".join(map(str, deep.ravel())))
    np.testing.assert_array_equal(read_image(tmp_path / "d.pgm").pixels, read_image(tmp_path / "c.pgm").pixels)


def test_an_animation_is_ambiguous(tmp_path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())]
    for name in ("a.gif", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(AmbiguousError, match="an animation of 2 pictures; save the one that is meant"):
            read_pixels(tmp_path / name)


def test_a_camera_s_previews_are_left_out_and_told(tmp_path) -> None:
    pictures = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::2, ::2].copy())]
    pictures[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pictures[1:])
    picture = read_pixels(tmp_path / "a.jpg")
    assert picture.pixels.shape == (3, 6, 9) and any("further pictures" in said for said in picture.warnings)


def test_jpeg_of_12_bits_and_without_loss_is_sound_and_not_supported(tmp_path) -> None:
    twelve = jpeg_encode(RNG.integers(0, 4096, (8, 8), np.uint16), bitspersample=12, lossless=False)
    for content, bits in ((twelve, 12), (ljpeg_encode(RNG.integers(0, 4096, (8, 8), np.uint16), bitspersample=12), 12)):
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(UnsupportedError, match=rf"of {bits} bits, is not supported as a picture; save it as PNG"):
            read_pixels(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x1cftypheic", "HEIF or AVIF"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg/>", "SVG"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"\x93NUMPY\x01\0", "NPY"),
    ],
)
def test_other_formats_are_named_and_not_called_damaged(tmp_path, content, name) -> None:
    (tmp_path / "a.png").write_bytes(content + bytes(200))
    with pytest.raises(
        UnsupportedError, match=rf"a {name}.* file is not supported as a picture; save it as one of PNG"
    ):
        read_pixels(tmp_path / "a.png")


def test_damage_is_called_damage(tmp_path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for content in (whole[:60], b"nothing at all"):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(InputError, match="damaged") as error:
            read_pixels(tmp_path / "a.png")
        assert not isinstance(error.value, UnsupportedError | AmbiguousError)


def test_the_content_counts_and_not_the_extension(tmp_path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png", "JPEG", quality=95)
    np.testing.assert_array_equal(
        read_pixels(tmp_path / "a.png").pixels, np.moveaxis(np.asarray(Image.open(tmp_path / "a.png")), -1, 0)
    )
