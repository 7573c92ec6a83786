import numpy as np
import pytest

from atfm.report.packing import deflated, inflated, packed, unpacked


@pytest.mark.parametrize("shape", [(3, 1, 1, 5, 7), (2, 3, 4, 3, 3), (1, 1, 1, 8, 1)])
def test_masks_come_back_and_each_starts_on_its_own_byte(shape: tuple[int, ...]) -> None:
    masks = np.random.default_rng(0).random(shape) < 0.4
    found = packed(masks)
    assert np.array_equal(unpacked(found), masks) and found["shape"] == list(shape)
    second = packed(masks[1:]) if len(masks) > 1 else None
    assert second is None or np.array_equal(unpacked(second), masks[1:])


def test_text_is_safe_in_html_and_json_and_comes_back() -> None:
    value = {"name": "</script><!--", "list": [1, None, 0.5]}
    text = deflated(value)
    assert inflated(text) == value and text == deflated(value)
    assert not set(text) & set("<>&\"'\\ \n")
