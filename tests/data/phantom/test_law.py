"""A law against what it draws."""

import numpy as np
import pytest

from atfm.data.phantom.law import Law
from atfm.errors import InputError

MANY = 20_000


@pytest.fixture(scope="module")
def law() -> Law:
    """Two branches of two nested labels on nine pixels; the second branch has no label 2."""
    rng = np.random.default_rng(0)
    outer = rng.normal(0, 1.5, (2, 1, 3, 3))
    inner = np.stack([outer[0] - rng.random((1, 3, 3)), np.full((1, 3, 3), -np.inf)])
    return Law(np.array([0.3, 0.7]), np.concatenate([outer, inner], 1))


def test_closed_forms_are_what_is_drawn(law: Law) -> None:
    drawn = law.annotate(MANY, np.random.default_rng(1))
    assert drawn.dtype == np.uint8
    for label, share in enumerate(law.probability()):
        assert np.abs((drawn == label).mean(0) - share).max() < 5 * 0.5 / np.sqrt(MANY)
    empty = (drawn == 0).all((1, 2)).mean()
    assert empty == pytest.approx(law.empty_probability(), abs=5 * 0.5 / np.sqrt(MANY))


def test_outcomes_are_the_whole_law(law: Law) -> None:
    labels, odds = law.outcomes()
    assert (odds > 0).all() and odds.sum() == pytest.approx(1)
    for label, share in enumerate(law.probability()):
        np.testing.assert_allclose(np.tensordot(odds, labels == label, 1), share, atol=1e-12)
    assert odds[(labels == 0).all((1, 2))].sum() == pytest.approx(law.empty_probability())
    drawn = {tuple(one.ravel()) for one in law.annotate(2000, np.random.default_rng(2))}
    assert drawn <= {tuple(one.ravel()) for one in labels}


def test_an_annotator_stays_the_same_when_more_are_drawn(law: Law) -> None:
    few, many = (law.annotate(n, np.random.default_rng(3)) for n in (4, 50))
    np.testing.assert_array_equal(few, many[:4])


def test_labels_are_nested_and_grow_with_generosity(law: Law) -> None:
    for branch in range(2):
        labels = np.stack([law.labels(u, branch) for u in np.linspace(-3, 3, 13)])
        assert (np.diff(labels.astype(int), axis=0) >= 0).all()


def test_no_annotator_is_refused(law: Law) -> None:
    with pytest.raises(InputError, match="annotators: expected at least 1, got 0"):
        law.annotate(0, np.random.default_rng(0))
