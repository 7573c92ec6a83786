"""Which cases are scored, and the guard against those that the model was trained on."""

import hashlib

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.pseudonyms import key_name, patient_hash
from atfm.data.seen.images import Compared
from atfm.data.seen.looker import Looker
from atfm.data.seen.seen import Seen
from atfm.errors import InputError, LeakError
from atfm.evaluate.cases import choose, guard
from atfm.evaluate.leak import Leak

CASES = list(range(100, 400))
PATIENTS = [f"p{number}" for number in range(8)]
SEEN = Seen(frozenset(map(patient_hash, PATIENTS[1:])), "given")
OLD = Seen(frozenset(hashlib.sha256(f"atfm-patient:{name}".encode()).hexdigest()[:16] for name in ("Ab-01", "Ab-02")))
NONE = Looker().seen(0)


def test_unseen_patients_pass() -> None:
    leak = guard(SEEN, ["p0", "q"], model="m")
    assert leak.checked and not leak.patients and not leak.found
    assert leak.line.startswith("0 of 2 patients in common, by their ids; images not compared: the model carries no")


def test_seen_patients_are_refused_by_name_and_counted() -> None:
    with pytest.raises(LeakError, match=r"m was trained on 7 of the 8 .*\(p1, p2, p3, p4, p5 and 2 more\)"):
        guard(SEEN, PATIENTS * 2, model="m")


@pytest.mark.parametrize("spelling", ["P1", "p-1", "p_001", "P 01"])
def test_another_spelling_of_a_patient_is_no_other_patient(spelling) -> None:
    with pytest.raises(LeakError, match="trained on 1 of the 1 patients"):
        guard(SEEN, [spelling], model="m")
    assert not guard(SEEN, ["p10", "q1", "p0"], model="m").found


def test_a_card_of_before_knows_the_id_as_it_was_spelled() -> None:
    assert guard(OLD, ["Ab-01", "ab3"], model="m", allow_leak=True).patients == ("Ab-01",)


def test_allowed_leak_is_stamped() -> None:
    stamp = guard(SEEN, PATIENTS, model="m", allow_leak=True).as_json()
    assert (stamp["checked"], stamp["found"], stamp["patients"], stamp["names"]) == (True, True, 7, PATIENTS[1:6])
    assert stamp["images"] is None and "not recorded" in stamp["not_compared"]["images"]


def test_hashes_with_a_key_are_compared_only_with_the_key() -> None:
    key = b"a secret of the hospital"
    seen = Seen(frozenset({patient_hash("p1", key)}), "given", None, frozenset({key_name(key)}))
    for other, word in ((b"", "a secret key"), (b"the key of another house", "another secret key")):
        leak = guard(seen, ["p1", "p2"], model="m", patient_key=other)
        assert word in leak.line and "--patient-key" in leak.line and "in common" not in leak.line
    with pytest.raises(LeakError, match="1 of the 2 patients"):
        guard(seen, ["P-01", "p2"], model="m", patient_key=key)
    assert guard(seen, ["p2"], model="m", patient_key=key).line.startswith("0 of 1 patients in common")


def test_without_training_patients_nothing_was_checked() -> None:
    leak = guard(Seen(), PATIENTS, model="m")
    assert leak.as_json()["checked"] is False and "0 of" not in leak.line
    assert "cannot be excluded" in leak.warnings[0]


@pytest.mark.parametrize(
    ("seen", "known", "why"),
    [
        (SEEN, "assumed one per case", "no patient of the store is known"),
        (Seen(SEEN.patients, "assumed one per case"), "given", "no patient of the training was known"),
        (Seen(), "given", "the model carries no list of the patients"),
    ],
)
def test_nothing_in_common_is_never_said_where_nothing_could_be_compared(seen, known, why) -> None:
    leak = guard(seen, ["kid_left", "kid_right"], model="m", patients_known=known)
    assert why in leak.line and "patients in common" not in leak.line and not leak.checked
    assert why in leak.as_json()["not_compared"]["patients"]
    with_images = guard(
        Seen(seen.patients, seen.patients_known, NONE),
        ["kid_left", "kid_right"],
        model="m",
        patients_known=known,
        images=Compared(2),
    )
    assert with_images.checked and "0 of 2 images in common" in with_images.line
    assert "Patients were not compared" in with_images.warnings[0]


def test_the_same_names_are_a_leak_even_where_patients_are_assumed() -> None:
    with pytest.raises(LeakError, match="1 of the 2 patients"):
        guard(SEEN, ["p1", "q"], model="m", patients_known="assumed one per case")


def test_an_image_of_the_training_is_a_leak_whatever_its_patient_is_called() -> None:
    found = Compared(50, exact=("a", "b"), alike=("c",))
    with pytest.raises(LeakError, match=r"m was trained on 2 of the 50 images \(a, b\)"):
        guard(SEEN, ["new"], model="m", images=found)
    stamp = guard(SEEN, ["new"], model="m", images=found, allow_leak=True).as_json()
    assert stamp["images"] == {"compared": 50, "exact": 2, "alike": 1, "names": ["a", "b", "c"]}


@pytest.mark.parametrize(("cases", "alike", "leaks"), [(5, 1, True), (100, 1, False), (100, 2, True), (2000, 4, False)])
def test_images_that_look_alike_are_a_leak_where_chance_gives_fewer(cases, alike, leaks) -> None:
    names = tuple(f"c{i}" for i in range(alike))
    leak = guard(SEEN, ["new"], model="m", images=Compared(cases, alike=names), allow_leak=True)
    assert leak.found is leaks and any("chance gives as many" in line for line in leak.warnings) is not leaks
    # P(X >= alike), term by term
    p, below = 1 / 1000, 0.0
    for k in range(alike):
        below += float(np.prod([(cases - i) / (i + 1) for i in range(k)])) * p**k * (1 - p) ** (cases - k)
    assert (1 - below <= 0.01) is leaks


def test_where_training_images_of_different_patients_look_alike_those_of_a_test_may_too() -> None:
    names = ("a", "b", "c")
    with pytest.raises(LeakError, match="images that look like 3 of the 40"):
        guard(SEEN, ["new"], model="m", images=Compared(40, alike=names))
    leak = guard(SEEN, ["new"], model="m", images=Compared(40, alike=names, by_chance=0.04))
    assert any("3 of 40 images look like" in line and "about 1 in 25." in line for line in leak.warnings)
    with pytest.raises(LeakError):  # 20 of 40 are more than that
        guard(SEEN, ["new"], model="m", images=Compared(40, alike=tuple(f"c{i}" for i in range(20)), by_chance=0.04))


def test_training_images_without_a_fingerprint_are_told_of() -> None:
    looker = Looker()
    looker.look(np.random.default_rng(0).random((1, 8, 8), np.float32), "p")
    partial = looker.seen(1000).joined([None])
    leak = guard(Seen(SEEN.patients, "given", partial), ["new"], model="m", images=partial.compare([blank()]))
    assert "999 of its 1,000 training images have no fingerprint" in leak.line
    assert "weights come from no images are recorded" in leak.line and leak.images.cases == 0


def blank() -> Case:
    return Case(np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.uint8), "blank", "p")


def test_what_a_leak_says_of_nothing() -> None:
    assert Leak(3).told == "" and Leak(3).line.startswith("0 of 3 patients in common")


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
