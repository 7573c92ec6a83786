import pytest

from atfm.errors import InputError
from atfm.evaluate.subset import choose

CASES = list(range(100, 400))


def test_subset_is_the_same_each_time_whatever_the_order() -> None:
    assert choose(CASES, 20) == choose(CASES[::-1], 20) == sorted(choose(CASES, 20))


def test_smaller_subset_lies_within_a_larger_one() -> None:
    assert set(choose(CASES, 5)) < set(choose(CASES, 50)) < set(CASES)


@pytest.mark.parametrize("limit", [None, 300, 1000])
def test_no_limit_takes_all(limit: int | None) -> None:
    assert choose(CASES, limit) == CASES


def test_limit_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 case, got 0"):
        choose(CASES, 0)
