"""What a user states of masks, from the words of a command line to labels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.errors import AmbiguousError, InputError
from atfm.io.images import read_mask
from atfm.io.pictures.marking import MaskRule, named, parse_key

SQUARE = np.zeros((64, 64), np.uint8)
SQUARE[20:40, 15:35] = 1
LABELS = (np.indices((64, 64)).sum(0) // 40).astype(np.uint8)  # 0 to 3


def png(folder: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(folder / "m.png")
    return folder / "m.png"


@pytest.mark.parametrize(
    ("text", "key"),
    [("255", 255.0), ("0.5", 0.5), ("-1", -1.0), ("1e3", 1000.0), ("#ff0000", (255, 0, 0)), ("#0f0", (0, 255, 0)),
     ("white", (255, 255, 255)), ("visible", "visible"), ("transparent", "transparent")],
)  # fmt: skip
def test_keys(text, key) -> None:
    assert parse_key(text, "--foreground") == key
    assert parse_key(named(key), "--foreground") == key


@pytest.mark.parametrize("text", ["", "reddish", "#ff00", "#ff000080", "nan", "1e999", "#ff0000\n\x1b[2J", "0x10"])
def test_what_is_no_key(text) -> None:
    with pytest.raises(InputError, match="expected a value such as 255, a colour such as") as error:
        parse_key(text, "--foreground")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "entries", [["1"], ["1=x"], ["=1"], ["1=-1"], ["1=1.5"], ["1=256"], ["1=1", "1=2"], ["#f00=1", "red=2"]]
)
def test_what_is_no_table(entries) -> None:
    with pytest.raises(InputError, match="--labels: "):
        MaskRule.of(labels=entries)


def test_one_of_the_three() -> None:
    with pytest.raises(InputError, match="give one of --threshold, --foreground and --labels"):
        MaskRule.of(threshold=3, foreground="255")
    with pytest.raises(InputError, match="expected a finite number"):
        MaskRule(threshold=float("nan"))
    assert not MaskRule().stated and MaskRule(threshold=0).stated


def test_a_threshold_of_a_jpeg(tmp_path) -> None:
    for mode in ("L", "RGB"):
        Image.fromarray(SQUARE * 255).convert(mode).save(tmp_path / "m.jpg", quality=90)
        np.testing.assert_array_equal(read_mask(tmp_path / "m.jpg", rule=MaskRule(threshold=127)), SQUARE)
    np.save(tmp_path / "m.npy", SQUARE * 0.7)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy", rule=MaskRule(threshold=0.5)), SQUARE)
    assert not read_mask(tmp_path / "m.npy", rule=MaskRule(threshold=0.7)).any()


def test_a_threshold_needs_grey_that_can_be_seen(tmp_path) -> None:
    red = np.dstack([SQUARE * 255, SQUARE, SQUARE])
    with pytest.raises(AmbiguousError, match=r"needs grey values, this mask is in colour \(#000000, #ff0101\)"):
        read_mask(png(tmp_path, red), rule=MaskRule(threshold=9))
    clear = np.dstack([SQUARE * 255] * 3 + [np.full_like(SQUARE, 255)])
    clear[0, 0, 3] = 0
    with pytest.raises(AmbiguousError, match="says nothing of its transparent pixels"):
        read_mask(png(tmp_path, clear), rule=MaskRule(threshold=9))


@pytest.mark.parametrize(
    ("foreground", "region"), [("#ffffff", SQUARE), ("visible", None), ("transparent", None), ("255", SQUARE)]
)
def test_the_region_where_one_pixel_is_clear(tmp_path, foreground, region) -> None:
    pixels = np.dstack([SQUARE * 255] * 3 + [np.full_like(SQUARE, 255)])
    pixels[0, 0, 3] = 0
    found = read_mask(png(tmp_path, pixels), rule=MaskRule.of(foreground=foreground))
    wanted = region if region is not None else (pixels[..., 3] > 0) == (foreground == "visible")
    np.testing.assert_array_equal(found, wanted)


def test_a_number_is_that_of_a_palette_and_a_colour_what_it_shows(tmp_path) -> None:
    picture = Image.fromarray(SQUARE)
    picture.putpalette([255, 255, 255, 0, 0, 0])
    picture.save(tmp_path / "m.png")

    def read(text: str) -> np.ndarray:
        return read_mask(tmp_path / "m.png", rule=MaskRule.of(foreground=text))

    np.testing.assert_array_equal(read("1"), SQUARE)
    np.testing.assert_array_equal(read("black"), SQUARE)
    np.testing.assert_array_equal(read("white"), 1 - SQUARE)
    with pytest.raises(AmbiguousError, match=r"a palette of .* colours, which has no 300; give the colour"):
        read("300")


@pytest.mark.parametrize("text", ["white", "255"])
def test_a_tiff_of_which_0_is_white(tmp_path, text) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "m.tif", SQUARE * 255, photometric="miniswhite")
    wanted = SQUARE if text == "255" else 1 - SQUARE
    np.testing.assert_array_equal(read_mask(tmp_path / "m.tif", rule=MaskRule.of(foreground=text)), wanted)
    with pytest.raises(AmbiguousError, match="0 is shown white"):
        read_mask(tmp_path / "m.tif", rule=MaskRule(threshold=9))


def test_a_table_of_values(tmp_path) -> None:
    path = png(tmp_path, np.array([0, 128, 255, 7], np.uint8)[LABELS])
    whole = MaskRule.of(labels=["0=0", "128=1", "255=2", "7=3"])
    np.testing.assert_array_equal(read_mask(path, classes=4, rule=whole), LABELS)
    short = MaskRule.of(labels=["0=0", "128=1", "255=2"])
    with pytest.raises(InputError, match=rf"{(LABELS == 3).sum()} of 4096 pixels are 7, in no entry of --labels"):
        read_mask(path, classes=4, rule=short)
    with pytest.raises(InputError, match="--labels makes 3 of some pixels, beyond the 3 labels"):
        read_mask(path, classes=3, rule=whole)


def test_colours_become_classes_by_a_table_alone(tmp_path) -> None:
    table = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    path = png(tmp_path, table[LABELS])
    with pytest.raises(AmbiguousError, match="colour picture"):
        read_mask(path, classes=4)
    rule = MaskRule.of(labels=["black=0", "#ff0000=1", "#0f0=2", "blue=3"])
    np.testing.assert_array_equal(read_mask(path, classes=4, rule=rule), LABELS)
    with pytest.raises(InputError, match=r"pixels are #0000ff, in no entry"):
        read_mask(path, classes=4, rule=MaskRule.of(labels=["black=0", "#ff0000=1", "#0f0=2"]))
    with pytest.raises(InputError, match="a picture in colour has no values; give its colours"):
        read_mask(path, classes=4, rule=MaskRule.of(labels=["0=0"]))


def test_two_entries_for_one_pixel(tmp_path) -> None:
    path = png(tmp_path, SQUARE * 255)
    with pytest.raises(AmbiguousError, match="some pixels are #ffffff and another entry as well"):
        read_mask(path, rule=MaskRule.of(labels=["0=0", "255=1", "white=0"]))


def test_values_with_a_scale_and_colours_of_floats(tmp_path) -> None:
    np.save(tmp_path / "m.npy", LABELS * 40.0 * 1.0005)
    rule = MaskRule.of(labels=["0=0", "40=1", "80=2", "120=3"])
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy", classes=4, rule=rule), LABELS)
    with pytest.raises(InputError, match="float64 numbers have no colours; give a value"):
        read_mask(tmp_path / "m.npy", rule=MaskRule.of(foreground="red"))
    with pytest.raises(InputError, match="nothing is transparent in this file"):
        read_mask(tmp_path / "m.npy", rule=MaskRule.of(foreground="visible"))
