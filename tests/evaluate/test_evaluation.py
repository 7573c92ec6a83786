"""Stores of several classes: every class has scores of its own, and pixels that all ignore are no case."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from atfm.data.case import Case
from atfm.data.labels import counted, one_hot
from atfm.data.store import Store, StoreWriter
from atfm.errors import StoreError
from atfm.evaluate.evaluation import of_class, of_wholes, scored_classes
from atfm.evaluate.plan import numbers_of_samples
from atfm.evaluate.published import save
from atfm.evaluate.rows import columns, rows_text
from atfm.evaluate.score import evaluate
from atfm.methods.method import Frame, Method
from atfm.methods.samples import Samples
from atfm.metrics.references import REFERENCES, score_reference
from atfm.metrics.scores import score_case
from atfm.metrics.table import summarise
from atfm.seeding import Noise, step_generator

SIZE, SAMPLES, NAMES = 10, 6, ("liver", "a_2 <tumour>")


class Guess(Method):
    """A label of each pixel, drawn anew for every sample."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__(Frame(1, classes, (SIZE, SIZE)))

    def sample(self, image: torch.Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        labels = [
            [torch.randint(self.channels, (SIZE, SIZE), generator=step_generator(noise.seed, key, s)) for s in range(n)]
            for key in noise.keys
        ]
        masks = torch.from_numpy(one_hot(np.array([[own.numpy() for own in row] for row in labels]), self.channels))
        return Samples(masks, masks.float())


def labelled(number: int, *, classes: int = 3, ignored: bool | None = False) -> Case:
    """A case of three annotators; some pixels of it are ignored, or all (True), or none (None)."""
    rng = np.random.default_rng(number)
    masks = np.where(rng.random((3, SIZE, SIZE)) < 0.6, rng.integers(0, classes, (SIZE, SIZE)), 0).astype(np.uint8)
    if ignored is not None:
        masks[0, :2] = 255
        masks[1, 3:] = 255 if ignored else masks[1, 3:]
        masks[2, 2] = 255
    image = rng.integers(0, 256, (1, SIZE, SIZE)).astype(np.float32) / np.float32(255)
    return Case(image, masks, f"case-{number}", f"p{number % 2}")


def written(path: Path, cases: list[Case], **options) -> Store:
    with StoreWriter(path, name="organs", splits={"test": ["p0", "p1"]}, **options) as writer:
        for case in cases:
            writer.add(case)
    return Store.open(path)


@pytest.fixture(scope="module")
def organs(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Four cases of two named organs; of the third annotators say nothing at all."""
    cases = [labelled(number, ignored=number == 2) for number in range(4)]
    return written(tmp_path_factory.mktemp("organs") / "s", cases, classes=3, ignore_label=255, class_names=NAMES)


@pytest.fixture(scope="module")
def scored(organs, model):
    return evaluate(model(Guess()), organs, samples=SAMPLES, beside=[model(Guess(), "other")])


def drawn(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The samples, their mean and the annotations of a case, `[..., C, P]` over the pixels that count."""
    samples = Guess().sample(torch.zeros(1, 1, SIZE, SIZE), SAMPLES, noise=Noise(0, [case.case_id]))
    said = counted(case.masks, 255)
    masks = (samples.masks[0].numpy(), samples.mean_probability[0].numpy(), one_hot(case.masks, 3, 2, 255))
    return tuple(array[..., said] for array in masks)


def test_a_row_is_score_case_of_every_class(organs, scored) -> None:
    rows = {row.case_id: row.scores for row in scored.result.rows}
    assert list(rows) == ["case-0", "case-1", "case-3"]
    for case in (organs[0], organs[1], organs[3]):
        samples, probability, annotations = drawn(case)
        wanted = score_case(samples, annotations, probability, ns=numbers_of_samples(SAMPLES), per_class=NAMES)
        assert rows[case.case_id] == wanted and f"ged_4/{NAMES[1]}" in wanted


@pytest.mark.parametrize("label", [1, 2])
def test_a_class_against_a_loop_over_its_masks(organs, scored, label: int) -> None:
    for row, case in zip(scored.result.rows, (organs[0], organs[1], organs[3]), strict=True):
        samples, _, annotations = drawn(case)
        s, r = samples[:, label].astype(bool), annotations[:, label]
        within, across, between = (
            [[iou(a, b) for b in right] for a in left] for left, right in ((s, s), (s, r), (r, r))
        )
        ged = 2 * (1 - np.mean(across)) - (1 - np.mean(within)) - (1 - np.mean(between))
        found = of_class(row.scores, NAMES[label - 1])
        assert found[f"ged_{SAMPLES}"] == pytest.approx(ged)
        assert found[f"hm_iou_{SAMPLES}"] == pytest.approx(matched(np.array(across)))
        assert found["empty_drawn"] == np.mean([not mask.any() for mask in r])


def iou(a: np.ndarray, b: np.ndarray) -> float:
    either = (a | b).sum()
    return (a & b).sum() / either if either else 1.0


def matched(across: np.ndarray) -> float:
    both = math.lcm(*across.shape)
    repeated = np.tile(across, [both // side for side in across.shape])
    return repeated[linear_sum_assignment(-repeated)].mean()


def test_means_and_intervals_of_a_class_are_those_of_its_column(scored) -> None:
    column = f"ged_4/{NAMES[0]}"
    alone = [{"patient": row.patient_id, "x": row.scores[column]} for row in scored.result.rows]
    assert scored.result.scores[column] == summarise(alone)["x"]
    assert scored.as_json()["scores"][column]["mean"] == pytest.approx(np.mean([row["x"] for row in alone]))
    assert scored.as_json()["classes"] == list(NAMES)


def test_references_of_few_copies_score_each_class_as_many_do(organs) -> None:
    annotations, ns = drawn(organs[0])[2], [1, 2, 4, 16]
    for reference in REFERENCES.values():
        many = score_case(reference(annotations, 16), annotations, ns=ns, per_class=NAMES)
        many = {name: score for name, score in many.items() if not name.startswith("own_")}  # of a model alone
        assert score_reference(reference, annotations, ns, NAMES) == pytest.approx(many)


def test_the_file_has_a_column_for_every_score(organs, scored) -> None:
    names = columns(numbers_of_samples(SAMPLES), scored_classes(organs.info))
    assert len(names) == len(set(names)) == 3 * len(columns(numbers_of_samples(SAMPLES)))
    rows = [row for result in scored.results for row in result.rows]
    assert all(row.scores.keys() <= set(names) for row in rows)
    found = list(csv.DictReader(io.StringIO(rows_text(rows, names), newline="")))
    assert len(found) == 4 * 3
    for row, text in zip(scored.result.rows, found, strict=False):
        assert {name: float(text[name]) for name in row.scores} == pytest.approx(row.scores, rel=1e-6)


def test_the_report_has_a_table_of_classes_and_the_main_one_has_none(scored, tmp_path: Path) -> None:
    save(scored, tmp_path, "atfm evaluate guess organs")
    page = (tmp_path / "report.html").read_text()
    scores, classes = page.partition(">Classes</h2>")[::2]
    assert "liver" not in scores and "tumour" not in scores.partition(">Scores</h2>")[2]
    classes = classes.partition(">Figures</h2>")[0]
    assert "Every score of class liver" in classes and "a_2 &lt;tumour&gt;" in classes and "<tumour>" not in page
    assert classes.count("<table>") == 3 and "Other readers" in classes


def test_a_case_of_which_nobody_says_anything_is_left_out_and_told(organs, scored, model, tmp_path: Path) -> None:
    assert (scored.cases, scored.silent, scored.split_cases) == (3, 1, 4)
    few, silent = scored.warnings
    assert "With 2 patients: differences below " in few and few.endswith(" in GED are noise.")
    assert "2 patients are few" in few and "1 of 4 cases have no pixel that counts" in silent
    cases = [labelled(number) for number in (0, 1, 3)]
    others = written(tmp_path / "others", cases, classes=3, ignore_label=255, class_names=NAMES)
    without = evaluate(model(Guess()), others, samples=SAMPLES, beside=[model(Guess(), "other")])
    assert [result.scores for result in without.results] == [result.scores for result in scored.results]
    save(scored, tmp_path / "out", "atfm evaluate guess organs")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "have no pixel that counts" in page and "A subset" not in page


def test_a_split_of_which_nobody_says_anything_is_refused(model, tmp_path: Path) -> None:
    silent = written(tmp_path / "silent", [labelled(n, ignored=True) for n in (0, 1)], classes=3, ignore_label=255)
    told = []
    with pytest.raises(StoreError, match="none of the 2 cases has a pixel that counts") as raised:
        evaluate(model(Guess()), silent, samples=2, batch=1, progress=lambda *step: told.append(step))
    assert told == [(1, 2), (2, 2)] and "\n" not in str(raised.value)


def test_binary_masks_are_scored_as_ever(evaluation, store) -> None:
    ns = numbers_of_samples(32)
    assert scored_classes(store.info) == () and columns(ns, ()) == columns(ns)
    assert "classes" not in evaluation.as_json() and evaluation.silent == 0
    for result in evaluation.results:
        assert of_wholes(result.scores) == result.scores
        assert all(row.scores.keys() <= set(columns(ns)) for row in result.rows)
    reference = next(result for result in evaluation.references if result.name == "always_empty")
    case = store[store.split("test")[0]]
    empty = np.zeros((32, 1, *case.image.shape[1:]), bool)
    wanted = score_case(empty, one_hot(case.masks, 1), ns=ns)
    assert wanted.pop("own_ged") == 0 and wanted.pop("own_empty") == 1
    assert reference.rows[0].scores == pytest.approx(wanted)


def test_two_labels_are_one_object_and_have_no_columns_of_their_own(model, tmp_path: Path) -> None:
    two = written(tmp_path / "two", [labelled(n, classes=2, ignored=None) for n in (0, 1)], classes=2)
    found = evaluate(model(Guess(2)), two, samples=2)
    assert not [name for name in found.result.scores if "/" in name] and "classes" not in found.as_json()


def test_classes_without_names_have_numbers(model, tmp_path: Path) -> None:
    numbered = written(tmp_path / "numbered", [labelled(n, ignored=None) for n in (0, 1)], classes=3)
    found = evaluate(model(Guess()), numbered, samples=2, references=False)
    assert found.as_json()["classes"] == ["1", "2"] and {"ged/1", "ged_2/2"} <= found.result.scores.keys()
