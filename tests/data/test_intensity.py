"""The rule of the training, for every kind of value a file may hold."""

import numpy as np
import pytest
from pydantic import ValidationError

from atfm.data.intensity import Intensity, intensity_of
from atfm.errors import CheckpointError, InputError

BYTE, AS_IS = Intensity(kind="byte"), Intensity(kind="as-is")
WINDOW = Intensity(kind="window", low=-1000, high=400)
HOUNSFIELD = np.array([[[-2000, -1000, -300], [400, 3000, 0]]], np.int16)


@pytest.mark.parametrize("rule", [BYTE, AS_IS])
@pytest.mark.parametrize(
    ("pixels", "wanted"),
    [
        (np.array([[[0, 51, 255]]], np.uint8), [0, 0.2, 1]),
        (np.array([[[0, 13107, 65535]]], np.uint16), [0, 0.2, 1]),
        (np.array([[[False, True]]]), [0, 1]),
        (np.array([[[0.25, 0.5]]]), [0.25, 0.5]),
    ],
)
def test_pictures_are_taken_by_their_full_range(rule: Intensity, pixels: np.ndarray, wanted: list[float]) -> None:
    mapped = rule.apply(pixels, "a")
    np.testing.assert_allclose(mapped.pixels[0, 0], wanted, rtol=1e-6)
    assert mapped.pixels.dtype == np.float32
    assert mapped.warning is None


def test_a_window_clips_and_needs_no_warning() -> None:
    mapped = WINDOW.apply(HOUNSFIELD, "a")
    np.testing.assert_allclose(mapped.pixels[0], [[0, 0, 0.5], [1, 1, 1000 / 1400]], rtol=1e-6)
    assert mapped.warning is None
    assert mapped.how == "window -1000 to 400"


def test_a_picture_for_a_window_is_taken_as_windowed_and_said() -> None:
    mapped = WINDOW.apply(np.array([[[0, 255]]], np.uint8), "a")
    np.testing.assert_array_equal(mapped.pixels[0, 0], [0, 1])
    assert "uint8 in place of values from -1000 to 400" in str(mapped.warning)


def test_values_of_a_modality_are_windowed_whatever_their_type() -> None:
    inside = np.array([[[0.0, 1.0]]], np.float32)  # would pass as a picture
    np.testing.assert_allclose(
        WINDOW.apply(inside, "a", units=True).pixels[0, 0], [1000 / 1400, 1001 / 1400], rtol=1e-6
    )


def test_percentiles_are_of_each_image() -> None:
    rule = Intensity(kind="percentile", low=10, high=90)
    pixels = np.arange(101, dtype=np.int16).reshape(1, 1, 101)
    mapped = rule.apply(pixels, "a").pixels[0, 0]
    np.testing.assert_allclose(mapped, np.clip((np.arange(101) - 10) / 80, 0, 1), atol=1e-6)
    np.testing.assert_allclose(rule.apply(pixels * 7 - 300, "a").pixels[0, 0], mapped, atol=1e-6)
    assert not rule.apply(np.full((1, 2, 2), 5), "a").pixels.any()


@pytest.mark.parametrize("rule", [BYTE, AS_IS])
def test_units_without_a_rule_are_refused_with_the_way_out(rule: Intensity) -> None:
    with pytest.raises(InputError, match=r"ct\.nii: int16 values -2000 to 3000, but .*; give --window LO HI"):
        rule.apply(HOUNSFIELD, "ct.nii")


def test_a_dicom_is_shown_by_its_own_window_with_a_warning() -> None:
    mapped = BYTE.apply(HOUNSFIELD, "a", display=(-1000, 400), units=True)
    np.testing.assert_allclose(mapped.pixels, WINDOW.apply(HOUNSFIELD, "a").pixels)
    assert "window -1000 to 400" in str(mapped.warning)


def test_where_the_training_was_stretched_units_are_stretched_with_a_warning() -> None:
    rule = Intensity(kind="byte", stretched=True)
    plain = rule.apply(HOUNSFIELD, "a")
    np.testing.assert_allclose(plain.pixels, (HOUNSFIELD + 2000) / 5000, rtol=1e-6)
    assert "stretched from its darkest to its brightest" in str(plain.warning)
    shown = rule.apply(HOUNSFIELD, "a", display=(-1000, 0), units=True)
    np.testing.assert_allclose(shown.pixels[0], [[0, 0, 0.7], [1, 1, 1]], rtol=1e-6)
    picture = rule.apply(np.array([[[50, 100]]], np.uint8), "a")
    np.testing.assert_allclose(picture.pixels[0, 0], [50 / 255, 100 / 255], rtol=1e-6)


@pytest.mark.parametrize("rule", [BYTE, AS_IS, WINDOW, Intensity(kind="percentile", low=1, high=99)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused(rule: Intensity, value: float) -> None:
    with pytest.raises(InputError, match="a: holds NaN or infinity"):
        rule.apply(np.array([[[0.5, value]]]), "a")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "window"},
        {"kind": "window", "low": 3, "high": 3},
        {"kind": "byte", "low": 0, "high": 1},
        {"kind": "percentile", "low": -1, "high": 50},
        {"kind": "gamma"},
        {"kind": "byte", "more": 1},
    ],
)
def test_rules_that_are_none(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Intensity.model_validate(fields)
    with pytest.raises(CheckpointError, match="lidc: field intensity of its JSON"):
        intensity_of({"intensity": fields}, "lidc")


def test_the_card_keeps_the_rule_and_an_older_one_means_bytes() -> None:
    assert intensity_of({"intensity": WINDOW.model_dump(mode="json")}, "a") == WINDOW
    assert intensity_of({}, "a") == BYTE


def test_stretching_by_the_rule_has_the_steps_of_a_picture_and_no_warning() -> None:
    rule = Intensity(kind="stretch")
    values = np.array([[[-1000, -997, -996, 530, 1040]]], np.int16)  # 2040 apart: 8 units a step, halves go up
    mapped = rule.apply(values, "a", display=(-600, 1600), units=True)
    np.testing.assert_array_equal(mapped.pixels[0, 0], np.float32([0, 0, 1, 191, 255]) / np.float32(255))
    assert mapped.warning is None and "darkest to its brightest" in mapped.how
    assert not rule.apply(np.full((1, 2, 2), 7, np.int16), "a").pixels.any()


def test_a_whole_picture_was_stretched_already_and_a_part_of_one_is_stretched() -> None:
    rule = Intensity(kind="stretch")
    picture = np.array([[[51, 102, 153]]], np.uint8)
    np.testing.assert_allclose(rule.apply(picture, "a").pixels[0, 0], [0.2, 0.4, 0.6], rtol=1e-6)
    np.testing.assert_allclose(rule.apply(picture, "a", part=True).pixels[0, 0], [0, 128 / 255, 1], rtol=1e-6)
    np.testing.assert_allclose(rule.apply(picture.astype(np.uint16), "a").pixels[0, 0], [0, 128 / 255, 1], rtol=1e-6)
