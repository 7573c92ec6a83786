import pytest

from atfm.data.splits import patient_hash
from atfm.errors import InputError, LeakError
from atfm.evaluate.cases import choose, guard

CASES = list(range(100, 400))
PATIENTS = [f"p{number}" for number in range(8)]
SEEN = frozenset(map(patient_hash, PATIENTS[1:]))


def test_unseen_patients_pass() -> None:
    leak = guard(SEEN, ["p0", "q"], model="m")
    assert leak.checked and not leak.patients


def test_seen_patients_are_refused_by_name_and_counted() -> None:
    with pytest.raises(LeakError, match=r"m was trained on 7 of the 8 .*\(p1, p2, p3, p4, p5 and 2 more\)"):
        guard(SEEN, PATIENTS * 2, model="m")


def test_allowed_leak_is_stamped() -> None:
    leak = guard(SEEN, PATIENTS, model="m", allow_leak=True)
    assert leak.as_json() == {"checked": True, "patients": 7, "names": PATIENTS[1:6]}


def test_without_training_patients_nothing_was_checked() -> None:
    assert guard(frozenset(), PATIENTS, model="m").as_json()["checked"] is False


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
