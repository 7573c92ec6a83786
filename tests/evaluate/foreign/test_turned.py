import numpy as np
import pytest

from atfm.evaluate.foreign.turned import Lie


def lesions(cases: int = 20, dims: int = 2) -> list[np.ndarray]:
    """Masks that lie off the middle, longer along one axis."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(cases):
        masks = np.zeros((4, *[24] * dims), np.uint8)
        for mask in masks:
            corner = rng.integers(2, 5, dims)
            mask[tuple(slice(at, at + 5 + 5 * axis) for axis, at in enumerate(corner))] = 1
        found.append(masks)
    return found


def said(turn, dims: int = 2, cases: int = 20) -> list[str]:
    lie = Lie()
    for masks in lesions(cases, dims):
        lie.look(turn(masks), masks)
    return lie.said()


def test_masks_as_they_should_lie_are_passed_over_in_silence() -> None:
    assert said(lambda masks: masks) == [] == said(lambda masks: masks, 3)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda masks: masks.swapaxes(1, 2), "with axes columns, rows in place of rows, columns"),
        (lambda masks: masks[:, ::-1], "with rows reversed"),
        (lambda masks: masks[:, :, ::-1], "with columns reversed"),
        (lambda masks: 1 - masks, "inside out"),
    ],
)
def test_what_lies_otherwise_is_told(turn, words: str) -> None:
    (line,) = said(turn)
    assert words in line and "In 20 cases" in line


def test_a_volume_with_its_slices_upside_down_is_told() -> None:
    (line,) = said(lambda masks: masks[:, ::-1], 3)
    assert "with slices reversed" in line


def test_few_cases_and_round_lesions_tell_nothing() -> None:
    assert said(lambda masks: masks.swapaxes(1, 2), cases=9) == []
    lie, rng = Lie(), np.random.default_rng(1)
    rows, columns = np.indices((24, 24)) - 11.5
    for _ in range(40):
        discs = np.stack([np.hypot(rows, columns) < rng.uniform(3, 9) for _ in range(4)])
        lie.look(discs[:2], discs[2:])
        lie.look(np.zeros_like(discs), discs)
    assert lie.said() == []
