import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.evaluate import samples
from atfm.evaluate.case_table import case_table
from atfm.evaluate.illustrate import entropy
from atfm.evaluate.kept import read_kept
from atfm.evaluate.published import save
from atfm.evaluate.samples import drawings_text, read_drawings
from atfm.report.drawn import Drawn
from atfm.seeding import Noise


def test_the_samples_that_are_kept_are_those_that_were_scored(evaluation, store, discs) -> None:
    assert list(evaluation.drawn) == [row.case_id for row in evaluation.result.rows]
    for number in store.split("test")[:3]:
        case = store[number]
        again = discs.sample(torch.from_numpy(case.image)[None], 32, noise=Noise(0, [case.case_id]))
        drawn = Drawn.from_text(evaluation.drawn[case.case_id])
        assert np.array_equal(drawn.whole(), again.masks[0].numpy()) and drawn.samples == 32
        assert np.allclose(drawn.probability(), again.mean_probability[0], atol=1e-6)


def test_they_lie_beside_the_report_and_are_read_back(evaluation, tmp_path: Path) -> None:
    save(evaluation, tmp_path, "", {"any": "thing"})
    assert read_kept(tmp_path).drawn == evaluation.drawn


def test_no_more_than_fits_is_kept_the_worst_first(evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    size = max(map(len, evaluation.drawn.values()))
    monkeypatch.setattr(samples, "MOST_BYTES", 3 * size)
    kept = read_drawings(drawings_text(evaluation), "drawn.json")
    worst = max(evaluation.result.rows, key=lambda row: row.scores["ged"])
    assert 3 <= len(kept) < 30 and next(iter(kept)) == worst.case_id


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cases": 3}'])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"drawn\.json: expected the samples"):
        read_drawings(text, "drawn.json")


def test_the_table_has_every_case_and_is_the_same_each_time(evaluation) -> None:
    table = case_table(evaluation)
    assert len(table.lines) == 30 and all(line.opened and line.thumbnail for line in table.lines)
    geds = [line.scores[0] for line in table.lines]
    assert geds == sorted(geds, reverse=True) and [column.name for column in table.columns][:2] == ["GED", "HM-IoU 32"]
    assert table.html() == case_table(evaluation).html()


def test_without_samples_there_is_a_table_all_the_same(evaluation) -> None:
    page = case_table(replace(evaluation, drawn={})).html()
    assert page.count('<tr id="case-') == 30 and 'id="case-0-drawn"' not in page
    assert json.loads(drawings_text(replace(evaluation, drawn={}))) == {"cases": {}}


def test_the_ambiguity_is_the_entropy_of_the_mean() -> None:
    assert entropy(np.array([[0.5, 0.0, 0.25]])).tolist() == pytest.approx([1, 0, 0.8112781])
    assert entropy(np.array([[0.5, 1.0], [0.5, 0.0]])).tolist() == pytest.approx([1, 0])
