import pytest
import torch

from atfm.data.pseudonyms import patient_hash
from atfm.errors import InputError, LeakError, StoreError
from atfm.evaluate.plan import numbers_of_samples
from atfm.evaluate.score import evaluate


def test_the_law_itself_scores_zero(evaluation) -> None:
    ged = evaluation.result.scores["ged"]
    assert ged.low < 0 < ged.high and abs(ged.mean) < 0.05
    floor = evaluation.result.scores["floor_ged_16"].mean
    assert evaluation.result.scores["ged_16"].mean == pytest.approx(floor, abs=0.05)


def test_saying_nothing_scores_as_the_reference(evaluation) -> None:
    reference = next(result for result in evaluation.references if result.name == "always_empty")
    for row, wanted in zip(evaluation.beside[0].rows, reference.rows, strict=True):
        of_a_model = {name: score for name, score in row.scores.items() if name.startswith("own_")}
        assert row.scores == pytest.approx({**wanted.scores, **of_a_model}) and of_a_model["own_ged"] == 0


def test_every_case_of_the_split_has_a_row(evaluation, store) -> None:
    wanted = [store.ids()[i] for i in store.split("test")]
    for result in evaluation.results:
        assert [(row.case_id, row.patient_id) for row in result.rows] == wanted
    assert (evaluation.cases, evaluation.patients, evaluation.split_cases) == (30, 10, 30)


def test_scores_do_not_depend_on_the_batch(store, discs, model) -> None:
    one, many = (evaluate(model(discs), store, samples=4, limit=7, batch=batch) for batch in (1, 7))
    assert one.result.rows == many.result.rows
    assert one.result.scores == many.result.scores


def test_limit_takes_the_same_cases_for_every_seed(store, discs, model) -> None:
    first, second = (evaluate(model(discs), store, samples=2, limit=5, seed=seed) for seed in (0, 1))
    assert [row.case_id for row in first.result.rows] == [row.case_id for row in second.result.rows]
    assert first.result.rows != second.result.rows


def test_a_seen_patient_is_refused_before_anything_is_drawn(store, discs, model) -> None:
    told = []
    with pytest.raises(LeakError, match="p3"):
        evaluate(
            model(discs, patients=frozenset({patient_hash("p3")})), store, progress=lambda *step: told.append(step)
        )
    assert not told


def test_leak_concerns_the_scored_cases_alone(store, discs, model) -> None:
    seen = model(discs, patients=frozenset({patient_hash("t0")}))
    assert evaluate(seen, store, samples=2, limit=3).leak.patients == ()
    with pytest.raises(LeakError, match="t0"):
        evaluate(seen, store, split="train", samples=2)
    assert evaluate(seen, store, split="train", samples=2, allow_leak=True).leak.patients == ("t0",)


def test_illustrations_are_best_median_and_worst(evaluation) -> None:
    geds = [row.scores["ged"] for row in evaluation.result.rows]
    assert [shown.title for shown in evaluation.illustrations] == ["Best case", "Median case", "Worst case"]
    assert f"GED {min(geds):.3f}" in evaluation.illustrations[0].score
    assert f"GED {max(geds):.3f}" in evaluation.illustrations[2].score


def test_a_model_without_patients_is_warned_of(store, discs, model) -> None:
    found = evaluate(model(discs, patients=frozenset()), store, samples=2, limit=2, references=False)
    assert "no list of the patients" in found.warnings[0] and not found.references


def test_an_empty_split_is_refused(store, discs, model) -> None:
    with pytest.raises(StoreError, match="'nobody' has no case"):
        evaluate(model(discs), store, split="nobody")


def test_a_store_of_another_size_is_refused(store, discs, model, monkeypatch) -> None:
    monkeypatch.setattr(discs, "size", (32, 32))
    with pytest.raises(InputError, match=r"\[32, 32\].*\[24, 24\]"):
        evaluate(model(discs), store)


def test_a_store_of_other_channels_is_refused(store, discs, model, monkeypatch) -> None:
    monkeypatch.setattr(discs, "in_channels", 3)
    with pytest.raises(InputError, match="made for 3 image"):
        evaluate(model(discs), store)


def test_progress_is_told_batch_by_batch(store, discs, model) -> None:
    told = []
    found = evaluate(model(discs), store, samples=2, limit=3, batch=2, progress=lambda *step: told.append(step))
    assert told == [(2, 3), (3, 3)]
    assert [result.name for result in found.results] == ["discs", "always_empty", "majority"]


def test_numbers_of_samples() -> None:
    assert numbers_of_samples(100)[-1] == 100 and numbers_of_samples(20) == [1, 2, 4, 8, 16, 20]
    with pytest.raises(InputError, match="at least 2"):
        numbers_of_samples(1)


def test_a_method_that_is_broken_is_found_out(store, discs, model) -> None:
    class Repeats(type(discs)):
        """The first half of 100 samples is one mask, the second another: the first 32 are no fair draw."""

        def sample(self, image, n, *, noise, first=0):
            drawn = super().sample(image, n, noise=noise, first=first)
            drawn.masks[:, :50] = False
            drawn.masks[:, 50:] = torch.ones_like(drawn.masks[:, 50:])
            return drawn

    found = evaluate(model(Repeats()), store, samples=100, limit=3)
    assert any("this table is wrong" in warning for warning in found.warnings)
