import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.evaluate.beside import contenders
from atfm.evaluate.evaluation import falls_too_far
from atfm.evaluate.foreign import read_predictions, seen_as_stated
from atfm.evaluate.plan import prepare
from atfm.evaluate.rows import CaseScores
from atfm.evaluate.score import evaluate
from atfm.metrics.scores import score_case
from atfm.seeding import Noise


@pytest.fixture
def written(store, tmp_path):
    """Eight masks of each test case, drawn by nobody in particular, with weights in some."""
    rng = np.random.default_rng(0)
    for number in store.split("test"):
        case = store[number]
        masks = case.masks[rng.integers(0, 4, 8)]
        place = tmp_path / "masks" / case.case_id
        place.mkdir(parents=True)
        np.save(place / "samples.npy", masks * np.uint8(255))
        if number % 2:
            np.save(place / "weights.npy", rng.dirichlet(np.ones(8)))
    return tmp_path / "masks"


def test_scores_are_those_of_the_masks_and_weights_in_the_files(written, store) -> None:
    found = read_predictions(written, store)
    evaluation = evaluate(found, store, samples=found.samples)
    assert evaluation.result.title == "Predictions masks" and evaluation.model == "masks"
    for row in evaluation.result.rows:
        case = next(case for case in store if case.case_id == row.case_id)
        masks = np.load(written / row.case_id / "samples.npy")[:, None] > 0
        file = written / row.case_id / "weights.npy"
        weights = np.load(file) if file.exists() else np.full(8, 1 / 8)
        wanted = score_case(masks, case.masks[:, None] > 0, weights=weights, ns=(1, 2, 4, 8))
        for name in ("ged", "ged_4", "ged_8", "hm_iou_8", "mdm_8", "effective_samples", "empty_predicted"):
            assert row.scores[name] == pytest.approx(wanted[name], abs=1e-12), name
    assert evaluation.convention is not None and evaluation.convention.weighted == sum(
        (written / case_id / "weights.npy").exists() for case_id, _ in store.ids()
    )
    assert evaluation.as_json()["predictions"]["digest"] == found.method.convention.digest


def test_weights_that_do_not_fit_are_named(written, store) -> None:
    first = store.ids()[store.split("test")[0]][0]
    np.save(written / first / "weights.npy", np.ones(7) / 7)
    with pytest.raises(InputError, match=rf"1 of 30 cases cannot be scored: .*{first}/weights.npy: weights: expected"):
        read_predictions(written, store)


def test_a_file_that_changes_after_the_survey_is_an_error(written, store) -> None:
    method = read_predictions(written, store).method
    case_id = store.ids()[store.split("test")[0]][0]
    np.save(written / case_id / "samples.npy", np.zeros((8, 24, 24), np.uint8))
    with pytest.raises(InputError, match="changed while it was scored"):
        method.sample(torch.zeros(1, 1, 24, 24), 4, noise=Noise(0, [case_id]))


def test_another_mask_or_rule_is_another_evaluation(written, store) -> None:
    def identity() -> dict:
        found = read_predictions(written, store)
        return prepare(found, store, samples=found.samples).identity()

    before = identity()
    assert before == identity() and set(before["predictions"]) == {"predictions"}
    case_id = store.ids()[store.split("test")[0]][0]
    np.save(written / case_id / "samples.npy", np.zeros((8, 24, 24), np.uint8))
    after = identity()
    assert [name for name in after if after[name] != before[name]] == ["predictions"]


def test_what_is_stated_is_compared_and_what_is_not_is_said(store, tmp_path) -> None:
    seen, words = seen_as_stated([])
    assert words == "not known" and not seen.patients
    seen, words = seen_as_stated([store.path])
    assert len(seen.patients) == 1 and seen.images is not None and seen.images.images == 1
    assert words.endswith("split train, as stated")
    listed = tmp_path / "list.txt"
    listed.write_text("a\nb\n")
    both, _ = seen_as_stated([store.path, listed])
    assert len(both.patients) == 3 and both.images is not None and both.images.partial, (
        "of the list there are no images"
    )
    (tmp_path / "empty.txt").write_text("# nobody\n")
    with pytest.raises(InputError, match="id of a patient in each line"):
        seen_as_stated([tmp_path / "empty.txt"])


def test_predictions_have_a_name_of_their_own(written, store, discs, model) -> None:
    found = contenders(read_predictions(written, store, name="MoSE"), [model(discs)])
    assert [(one.name, one.title) for one in found] == [("predictions", "Predictions MoSE"), ("discs", "discs")]


def rows(ged) -> list[CaseScores]:
    rng = np.random.default_rng(0)
    ns = (1, 2, 4, 8, 16)
    return [
        CaseScores("x", f"{k}", f"{k}", 4, {f"ged_{n}": ged(n) + 0.01 * rng.normal() for n in ns}) for k in range(40)
    ]


def test_ged_may_fall_by_self_pairs_and_by_no_more_from_any_n_to_any_m() -> None:
    assert falls_too_far(rows(lambda n: 0.2 + 0.9 / n)) is None
    assert falls_too_far(rows(lambda n: 0.2 if n > 4 else 0.6)) == (2, 8), "the first four are of another kind"
    assert falls_too_far([]) is None
