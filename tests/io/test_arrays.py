"""Arrays of every type of number and order of bytes, and axes that can be read in two ways."""

import numpy as np
import pytest

from atfm.errors import AmbiguousError, UnsupportedError
from atfm.io.images import read_image, read_pixels

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_number_in_either_order_of_bytes(tmp_path, kind, order) -> None:
    values = (RNG.random((6, 9)) * 100).astype(f"{order}{kind}")
    np.save(tmp_path / "a.npy", values)
    found = read_pixels(tmp_path / "a.npy").pixels
    np.testing.assert_array_equal(found[0], values)
    assert found.dtype.isnative
    np.testing.assert_allclose(
        read_image(tmp_path / "a.npy", window=(0, 100)).pixels[0], values / np.float64(100), atol=1e-6
    )


def test_16_bits_of_the_other_end_have_the_same_white(tmp_path) -> None:
    values = RNG.integers(0, 65536, (6, 9), np.uint16)
    np.save(tmp_path / "a.npy", values.astype(">u2"))
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.npy").pixels[0], values.astype(np.float32) / np.float32(65535)
    )


def test_a_type_without_a_white_is_ambiguous(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.arange(54, dtype=np.int16).reshape(6, 9))
    with pytest.raises(AmbiguousError, match=r"int16 values 0 to 53; .*--window LO HI, or --bits N"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [np.zeros((6, 9), complex), np.array([["a"]]), np.zeros(3, [("a", "f4")])])
def test_what_is_no_number_is_not_supported(tmp_path, array) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UnsupportedError, match="another kind of content"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(3, 6, 3), (3, 6, 4), (1, 6, 3), (3, 6, 1)])
def test_channels_at_both_ends_are_ambiguous(tmp_path, shape) -> None:
    np.save(tmp_path / "a.npy", RNG.random(shape))
    with pytest.raises(AmbiguousError, match=r"a.npy: shape .* may be \[C, H, W\] or \[H, W, C\]"):
        read_pixels(tmp_path / "a.npy", spatial_dims=2)
    with pytest.raises(AmbiguousError):
        read_pixels(tmp_path / "a.npy")
    assert read_pixels(tmp_path / "a.npy", spatial_dims=3).pixels.shape == (1, *shape)


def test_colours_behind_a_volume_and_series_of_volumes(tmp_path) -> None:
    volume = RNG.random((5, 6, 9, 3))
    np.save(tmp_path / "a.npy", volume)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.npy").pixels, np.moveaxis(volume, -1, 0))
    np.save(tmp_path / "a.npy", RNG.random((7, 5, 6, 9)))
    with pytest.raises(AmbiguousError, match="looks like a series of volumes, or one in time; save each as a file"):
        read_pixels(tmp_path / "a.npy")


def test_what_is_guessed_of_axes_is_told(tmp_path) -> None:
    for shape, said in (
        ((3, 6, 9), "taken for colours"),
        ((6, 9, 4), "fourth channel"),
        ((6, 9), None),
        ((5, 6, 9), None),
    ):
        np.save(tmp_path / "a.npy", RNG.random(shape))
        warnings = read_pixels(tmp_path / "a.npy").warnings
        assert [said in warning for warning in warnings] == [True] if said else warnings == ()
    np.save(tmp_path / "a.npy", RNG.random((3, 6, 9)))
    assert read_pixels(tmp_path / "a.npy", spatial_dims=2).warnings == ()
