"""Masks that say themselves what is inside, and those whose cues disagree: refused, with what would state it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.errors import AmbiguousError, InputError
from atfm.io.images import read_labels, read_mask

SQUARE = np.zeros((64, 64), np.uint8)
SQUARE[20:40, 15:35] = 1  # 400 of 4096 pixels
WHITE = Image.fromarray(SQUARE * 255)
LABELS = (np.indices((64, 64)).sum(0) // 40).astype(np.uint8)  # 0 to 3


def palette(index: np.ndarray, *colours: tuple[int, int, int]) -> Image.Image:
    picture = Image.fromarray(index)
    picture.putpalette([part for colour in colours for part in colour])
    return picture


def saved(folder: Path, picture: Image.Image, name: str = "m.png", **options: object) -> Path:
    picture.save(folder / name, **options)
    return folder / name


BLACK, RED, LIGHT, BLUE = (0, 0, 0), (255, 0, 0), (255, 255, 255), (0, 0, 255)


def test_a_palette_that_begins_with_white_is_read_as_it_is_shown(tmp_path) -> None:
    quantized = WHITE.convert("RGB").quantize(2)
    assert quantized.getpalette()[:3] == [255, 255, 255]
    marks = read_labels(saved(tmp_path, quantized))
    np.testing.assert_array_equal(marks.pixels[0], SQUARE)
    assert marks.pixels.sum() == 400 and ["begin with white" in said for said in marks.warnings] == [True]
    np.testing.assert_array_equal(read_mask(saved(tmp_path, palette(1 - SQUARE, LIGHT, BLACK))), SQUARE)
    assert not read_mask(saved(tmp_path, palette(SQUARE * 0 + 1, LIGHT, BLACK))).any()
    assert read_mask(saved(tmp_path, palette(SQUARE * 0, LIGHT, BLACK))).all()


@pytest.mark.parametrize("region", [LIGHT, RED, (1, 1, 1), (128, 128, 128)])
def test_a_palette_whose_number_0_is_black_has_the_rest_for_a_region(tmp_path, region) -> None:
    marks = read_labels(saved(tmp_path, palette(SQUARE, BLACK, region)))
    np.testing.assert_array_equal(marks.pixels[0], SQUARE)
    assert marks.warnings == ()


@pytest.mark.parametrize("colours", [(RED, BLACK), (BLUE, (255, 255, 0)), (LIGHT, RED), ((9, 9, 9), LIGHT)])
def test_a_palette_whose_cues_disagree_is_ambiguous(tmp_path, colours) -> None:
    with pytest.raises(AmbiguousError, match=r"numbers 0, 1 are shown as #.*; state .* --foreground"):
        read_mask(saved(tmp_path, palette(SQUARE, *colours)))


def test_one_clear_pixel_does_not_make_a_region_of_the_rest(tmp_path) -> None:
    for form in ("RGBA", "LA"):
        pixels = np.asarray(WHITE.convert(form)).copy()
        pixels[0, 0, -1] = 0
        with pytest.raises(AmbiguousError, match=r"1 of 4096 pixels are transparent, .* --foreground visible"):
            read_mask(saved(tmp_path, Image.fromarray(pixels)))


@pytest.mark.parametrize("hidden", [BLACK, LIGHT, RED])
@pytest.mark.parametrize("opacity", [128, 255])
def test_one_colour_on_a_transparent_ground_is_the_region(tmp_path, hidden, opacity) -> None:
    pixels = np.where(SQUARE[..., None] > 0, [0, 255, 0, opacity], [*hidden, 0]).astype(np.uint8)
    marks = read_labels(saved(tmp_path, Image.fromarray(pixels)))
    np.testing.assert_array_equal(marks.pixels[0], SQUARE)
    assert marks.warnings == ()


def test_black_on_a_transparent_ground_may_be_either(tmp_path) -> None:
    for inside in (SQUARE, 1 - SQUARE):
        pixels = np.where(inside[..., None] > 0, [0, 0, 0, 255], [0, 0, 0, 0]).astype(np.uint8)
        with pytest.raises(AmbiguousError, match=r"not transparent is black, .* may be the region or the rest"):
            read_mask(saved(tmp_path, Image.fromarray(pixels)))


def test_soft_edges_of_the_alpha_are_told(tmp_path) -> None:
    pixels = np.where(SQUARE[..., None] > 0, [255, 0, 0, 200], [0, 0, 0, 0]).astype(np.uint8)
    pixels[20, 15:35, 3] = 20
    marks = read_labels(saved(tmp_path, Image.fromarray(pixels)))
    np.testing.assert_array_equal(marks.pixels[0], SQUARE)
    assert ["several opacities" in said for said in marks.warnings] == [True]


def test_an_alpha_that_is_the_same_everywhere_tells_nothing(tmp_path) -> None:
    for opacity in (90, 255):
        pixels = np.dstack([SQUARE * 255] * 3 + [np.full_like(SQUARE, opacity)])
        np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(pixels))), SQUARE)
    hidden = np.dstack([SQUARE * 255] * 3 + [np.zeros_like(SQUARE)])
    np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(hidden))), SQUARE)


def test_half_and_fully_opaque_is_ambiguous(tmp_path) -> None:
    pixels = np.dstack([np.full_like(SQUARE, 200)] * 3 + [100 + SQUARE * 155])
    with pytest.raises(AmbiguousError, match="nothing is transparent, and not everything is opaque"):
        read_mask(saved(tmp_path, Image.fromarray(pixels)))


def test_a_clear_entry_of_a_palette(tmp_path) -> None:
    red = saved(tmp_path, palette(SQUARE, LIGHT, RED), transparency=0)
    np.testing.assert_array_equal(read_mask(red), SQUARE)
    with pytest.raises(AmbiguousError, match="the first of its palette"):
        read_mask(saved(tmp_path, palette(1 - SQUARE, RED, LIGHT), transparency=1))


def test_colours_are_never_guessed(tmp_path) -> None:
    pixels = np.where(SQUARE[..., None] > 0, RED, BLACK).astype(np.uint8)
    with pytest.raises(AmbiguousError, match=r"\(#000000, #ff0000\); .* --foreground .*'#ff0000'"):
        read_mask(saved(tmp_path, Image.fromarray(pixels)))
    with pytest.raises(AmbiguousError, match=r"--labels '#000000=0' '#ff0000=1'"):
        read_mask(saved(tmp_path, Image.fromarray(pixels)), classes=3)


def test_a_jpeg_wants_a_threshold(tmp_path) -> None:
    with pytest.raises(AmbiguousError, match=r"changes values: .* --threshold 127"):
        read_mask(saved(tmp_path, WHITE, "m.jpg", quality=80))
    with pytest.raises(AmbiguousError, match="changes values; save labels without loss"):
        read_mask(saved(tmp_path, Image.fromarray(LABELS * 60), "m.jpg", quality=80), classes=4)


def test_a_palette_that_shows_nothing_leaves_its_numbers(tmp_path) -> None:
    for index, classes in ((SQUARE, 1), (LABELS, 4)):
        marks = read_labels(saved(tmp_path, palette(index, *[BLACK] * 256)), classes=classes)
        np.testing.assert_array_equal(marks.pixels[0], index)
        assert ["in one colour: their numbers" in said for said in marks.warnings] == [True]
    with pytest.raises(AmbiguousError, match="expected a mask of 0 and 255 or 0 and 1, got 0, 1, 2, 3"):
        read_mask(tmp_path / "m.png")


def test_a_palette_that_lacks_its_numbers_is_ambiguous(tmp_path) -> None:
    bare = Image.new("P", (64, 64))  # Pillow writes a palette of one colour, and of labels their last bit
    bare.putdata(LABELS.ravel().tolist())
    with pytest.raises(AmbiguousError, match="do not tell the same"):
        read_mask(saved(tmp_path, bare), classes=4)


def test_a_palette_that_has_lost_labels_is_ambiguous(tmp_path) -> None:
    with pytest.raises(AmbiguousError, match="do not tell the same"):
        read_mask(saved(tmp_path, palette(LABELS, (1, 1, 1), BLACK, BLACK, (2, 2, 2))), classes=4)


# ---- labels ----


def test_numbers_of_a_coloured_palette_are_labels_and_the_table_is_told(tmp_path) -> None:
    marks = read_labels(saved(tmp_path, palette(LABELS, BLACK, RED, LIGHT, BLUE)), classes=4)
    np.testing.assert_array_equal(marks.pixels[0], LABELS)
    assert marks.warnings == (
        "the numbers of a palette were taken for labels: 0 #000000, 1 #ff0000, 2 #ffffff, 3 #0000ff",
    )


def test_a_palette_that_an_optimizer_has_shuffled_is_read_by_its_greys(tmp_path) -> None:
    order = np.array([2, 0, 3, 1])
    shuffled = palette(np.argsort(order).astype(np.uint8)[LABELS], *[(int(k),) * 3 for k in order])
    np.testing.assert_array_equal(np.asarray(shuffled.convert("L")), LABELS)
    marks = read_labels(saved(tmp_path, shuffled), classes=4)
    np.testing.assert_array_equal(marks.pixels[0], LABELS)
    assert ["greys shown were taken" in said for said in marks.warnings] == [True]


def test_a_grey_palette_with_contrast_has_its_numbers_for_labels(tmp_path) -> None:
    stretched = palette(LABELS, *[(85 * k,) * 3 for k in range(4)])
    np.testing.assert_array_equal(read_mask(saved(tmp_path, stretched), classes=4), LABELS)
    wrong = palette(LABELS, *[(85 * k,) * 3 for k in (0, 2, 1, 3)])
    with pytest.raises(AmbiguousError, match="do not tell the same"):
        read_mask(saved(tmp_path, wrong), classes=4)


def test_a_coloured_palette_without_a_black_background_is_ambiguous(tmp_path) -> None:
    with pytest.raises(AmbiguousError, match=r"numbers 0, 1, 2, 3 are shown as .*; state .* --labels"):
        read_mask(saved(tmp_path, palette(LABELS, RED, BLACK, LIGHT, BLUE)), classes=4)


def test_transparent_pixels_of_labels_are_background_or_ambiguous(tmp_path) -> None:
    table = (BLACK, RED, LIGHT, BLUE)
    np.testing.assert_array_equal(
        read_mask(saved(tmp_path, palette(LABELS, *table), transparency=0), classes=4), LABELS
    )
    with pytest.raises(AmbiguousError, match="transparent pixels have labels other than 0"):
        read_mask(saved(tmp_path, palette(LABELS, *table), transparency=2), classes=4)


# ---- numbers ----


@pytest.mark.parametrize("top", [1, 255, 0.9995, 1.0009, 255.2, 254.9])
def test_a_scale_leaves_a_thousandth(tmp_path, top) -> None:
    np.save(tmp_path / "m.npy", SQUARE * top)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy"), SQUARE)


def test_white_of_16_bits_is_white(tmp_path) -> None:
    np.save(tmp_path / "m.npy", SQUARE.astype(np.uint16) * 65535)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy"), SQUARE)


def test_labels_with_a_scale(tmp_path) -> None:
    np.save(tmp_path / "m.npy", LABELS * np.float64(1.0003))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy", classes=4), LABELS)
    with pytest.raises(AmbiguousError, match=r"expected labels 0 to 3, got 0, 1.004"):
        np.save(tmp_path / "m.npy", LABELS * np.float64(1.004))
        read_mask(tmp_path / "m.npy", classes=4)


@pytest.mark.parametrize(
    ("top", "told"), [(0.998, "got 0, 0.998;"), (1.0011, "got 0, 1.0011;"), (0.9989999, "got 0, 0.9989999;")]
)
def test_more_than_a_thousandth_is_told_with_its_digits(tmp_path, top, told) -> None:
    np.save(tmp_path / "m.npy", SQUARE * top)
    with pytest.raises(AmbiguousError, match=told.replace(".", r"\.")):
        read_mask(tmp_path / "m.npy")


def test_nan_is_no_label(tmp_path) -> None:
    np.save(tmp_path / "m.npy", np.where(SQUARE, np.nan, 0))
    for classes in (1, 3):
        with pytest.raises(InputError, match="holds NaN") as error:
            read_mask(tmp_path / "m.npy", classes=classes)
        assert not isinstance(error.value, AmbiguousError)
