"""Every kind of array is an image, and what is none is told in a line."""

import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.models import Model

TYPES = ["bool", "uint8", "uint16", "float16", "float32", "float64", ">u2", ">f4", ">f8"]
RNG = np.random.default_rng(0)


@pytest.fixture
def grey() -> np.ndarray:
    return RNG.integers(0, 256, (16, 16), np.uint8)


@pytest.mark.parametrize("name", TYPES)
def test_types_of_numbers_are_put_into_the_unit_range_by_their_own(model: Model, grey: np.ndarray, name: str) -> None:
    kind = np.dtype(name)
    array = (
        grey > 99 if name == "bool" else grey.astype(kind) * kind.type(257) if name in ("uint16", ">u2") else grey
    ).astype(kind)
    array = array / kind.type(255) if kind.kind == "f" else array
    wanted = array.astype(np.float32) / {"uint8": 255, "uint16": 65535, ">u2": 65535}.get(name, 1)
    prepared = model.prepare(array)
    np.testing.assert_allclose(prepared.image[0], wanted, rtol=1e-6)
    assert prepared.image.dtype == np.float32
    if kind.isnative:
        np.testing.assert_array_equal(model.prepare(torch.from_numpy(array)).image, prepared.image)


def test_bfloat16_and_a_tensor_that_is_no_array_yet(model: Model) -> None:
    image = torch.rand(16, 16).bfloat16().requires_grad_()
    np.testing.assert_allclose(model.prepare(image).image[0], image.detach().float().numpy())


def test_layouts(model: Model, grey: np.ndarray) -> None:
    colour = RNG.integers(0, 256, (16, 16, 3), np.uint8)
    luma = colour @ np.array([0.299, 0.587, 0.114]) / 255
    for image in (colour, np.moveaxis(colour, -1, 0), np.concatenate([colour, colour[..., :1]], -1)):
        np.testing.assert_allclose(model.prepare(image).image[0], luma, atol=1e-6)
    for image in (grey, grey[None], grey[..., None]):
        np.testing.assert_array_equal(model.prepare(image).image[0], np.float32(grey) / np.float32(255))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 16, 16)), r"\[H, W\], \[C, H, W\] or \[H, W, C\] .* got \[5, 16, 16\]; of a volume give at="),
        (np.zeros((5, 16, 16)), r"this looks like 5 images or slices \[N, H, W\], .* grey images is \[5, 1, H, W\]"),
        (np.zeros((2, 3, 4, 16, 16)), r"got \[2, 3, 4, 16, 16\]; this looks like several batches"),
        (np.zeros((3, 16, 3)), r"got \[3, 16, 3\], which may be \[C, H, W\] or \[H, W, C\]"),
        (np.zeros((1, 16, 4)), r"got \[1, 16, 4\], which may be"),
        (np.zeros(16), r"\[H, W\].* got \[16\]; this looks like an image whose rows were joined"),
        (np.zeros((0, 16)), "holds no pixel"),
        (np.zeros((16, 16), complex), "expected numbers .* got an array of complex128"),
        (np.array(["a"]), "expected numbers"),
        (np.zeros((20, 16), np.uint8), "expected an image of 16 x 16 pixels .* got 20 x 16"),
        (np.full((16, 16), np.nan), "image: holds NaN or infinity"),
        (np.full((16, 16), 90.0), r"image: float64 values 90 to 90, but .* 8-bit pictures; give .*window=\(LO, HI\)"),
        (np.full((16, 16), -400, np.int16), "image: int16 values -400 to -400"),
        (np.full((16, 16), 90, np.int64), "image: int64 values 90 to 90"),
        ([], "at least one image"),
        (np.zeros((0, 1, 16, 16)), "at least one image"),
    ],
)
def test_what_cannot_be_placed_is_told(model: Model, image, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        model.sample(image, 2)
    assert "\n" not in str(error.value)


def test_a_model_of_other_channels_than_grey_and_colour(make_model) -> None:
    model = make_model(in_channels=4)
    image = RNG.integers(0, 256, (4, 16, 16), np.uint8)
    for given in (image, np.moveaxis(image, 0, -1)):
        np.testing.assert_array_equal(model.prepare(given).image, np.float32(image) / np.float32(255))
    with pytest.raises(InputError, match="expected 4 channels for small, got 3"):
        model.prepare(image[:3])
    with pytest.raises(InputError, match=r"with 1, 3 or 4 channels, .* got \[5, 16, 16\]"):
        model.prepare(np.zeros((5, 16, 16)))


def test_a_seed_is_a_whole_number(model: Model, grey: np.ndarray) -> None:
    np.testing.assert_array_equal(model.sample(grey, 2, np.int64(7)).masks, model.sample(grey, 2, 7).masks)
    for wrong in (7.0, "7", None, True):
        with pytest.raises(InputError, match="seed: expected a whole number"):
            model.sample(grey, 2, wrong)


def test_a_volume_for_a_model_of_volumes(volumes: Model) -> None:
    volume = RNG.random((4, 16, 16))
    assert volumes.prepare(volume).image.shape == (1, 4, 16, 16)
    assert volumes.sample(volume, 2).masks.shape == (2, 1, 4, 16, 16)
    assert len(volumes.sample(volume[None, None], 2)) == 1
    with pytest.raises(InputError, match=r"\[D, H, W\], .* got \[16, 16\]; this looks like a single slice"):
        volumes.sample(volume[0], 2)
    with pytest.raises(InputError, match=r"looks like 5 volumes \[N, D, H, W\], .* is \[5, 1, D, H, W\]"):
        volumes.prepare(np.zeros((5, 4, 16, 16)))


def test_int16_has_a_window(model: Model, grey: np.ndarray) -> None:
    for kind in ("<i2", ">i2", "<i4"):
        prepared = model.prepare(grey.astype(kind), window=(0, 255))
        np.testing.assert_allclose(prepared.image[0], grey / np.float32(255), rtol=1e-6)


def test_what_is_guessed_of_axes_is_told(model: Model, grey: np.ndarray) -> None:
    colour = RNG.integers(0, 256, (3, 16, 16), np.uint8)
    for image, said in (
        (colour, "taken for one image in colour, not for three in grey"),
        (np.dstack([grey] * 4), "the fourth channel of an array was left out"),
    ):
        assert sum(said in warning for warning in model.prepare(image).warnings) == 1
    for image in (grey, grey[None], np.moveaxis(colour, 0, -1)):
        assert not any("axis" in warning or "fourth" in warning for warning in model.prepare(image).warnings)


def test_spacing_has_as_many_numbers_as_axes(model: Model, grey: np.ndarray) -> None:
    assert model.prepare(grey, spacing=(0.5, 2)).place.mm2 == 1
    for wrong in ((0.5,), (0.5, 0), (0.5, np.nan)):
        with pytest.raises(InputError, match="spacing: expected 2 sizes above 0 mm"):
            model.prepare(grey, spacing=wrong)
