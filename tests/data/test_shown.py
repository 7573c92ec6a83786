"""What a notebook shows of a case and of a store: their pictures and annotators, escaped, under 50 kB."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from atfm.data import Case, Store, StoreWriter
from atfm.data.examples import example

RNG = np.random.default_rng(0)


def texts(html: str) -> str:
    return " ".join(ElementTree.fromstring(html).itertext())


def case_of(shape: tuple[int, ...], readers: int = 3, **more: object) -> Case:
    masks = (RNG.random((readers, *shape[1:])) > 0.5).astype(np.uint8)
    fields = {"case_id": "c", "patient_id": "p", "spacing": (1.0,) * (len(shape) - 1)} | more
    return Case(RNG.random(shape, np.float32), masks, **fields)


def test_a_case_shows_its_readers() -> None:
    html = example().case._repr_html_()
    root = ElementTree.fromstring(html)
    whole, readers, share = root.iter("svg")
    assert len(readers.findall("path")) == 3  # the fourth slot is empty
    assert whole.find("image") is not None and share.find("image") is not None
    for words in ("case LIDC-IDRI-0775/nodule-1/slice-24", "4 annotators: 228, 382, 415, 0 pixels", "LIDC-IDRI-0775"):
        assert words in texts(html)
    assert len(html) < 50_000


@pytest.mark.parametrize("shape", [(1, 900, 1000), (3, 400, 300), (1, 4, 200, 200), (2, 1, 1)], ids=str)
def test_any_case_is_under_50_kilobytes(shape: tuple[int, ...]) -> None:
    case = case_of(shape, 40, warnings=tuple("w" * 5000 for _ in range(30)), case_id="c" * 3000)
    html = case._repr_html_()
    assert len(html) < 50_000
    assert "the first 24 of 40 annotators" in texts(html)


def test_names_of_a_case_are_escaped() -> None:
    html = case_of((1, 8, 8), case_id="<script>", patient_id='"><img>', warnings=("<i>",))._repr_html_()
    assert not {"<script", "<img", "<i>"} & set(html.replace("<", " <").split())
    assert "case <script>" in texts(html) and 'patient "><img>' in texts(html)


@pytest.mark.parametrize("shape", [(1, 300, 400), (3, 90, 90), (1, 3, 200, 300)], ids=str)
def test_a_store_shows_cases_from_all_over(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with StoreWriter(
        tmp_path / "s",
        name="<b>mine",
        licence="CC0",
        source="x" * 9000,
        modality="CT",
        splits={"train": [f"p{k}" for k in range(9)], "test": ["p9", "p10"]},
    ) as writer:
        for k in range(11):
            writer.add(case_of(shape, case_id=f"<i>{k}", patient_id=f"p{k}"))
    html = Store.open(tmp_path / "s")._repr_html_()
    assert len(html) < 50_000
    captions = [figure.find("figcaption").text for figure in ElementTree.fromstring(html).iter("figure")]
    assert captions == [f"{k}: <i>{k}" for k in (0, 1, 2, 4, 5, 6, 8, 9)]
    assert "11 cases of 11 patients; train 9 (9 patients), test 2 (2 patients)" in texts(html)
    assert "store <b>mine" in texts(html) and "CC0" in texts(html)
