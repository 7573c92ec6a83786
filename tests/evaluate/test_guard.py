import pytest

from atfm.data.splits import patient_hash
from atfm.errors import LeakError
from atfm.evaluate.guard import guard

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
