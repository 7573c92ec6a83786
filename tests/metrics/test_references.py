import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.metrics.references import REFERENCES, always_empty, majority, score_reference
from atfm.metrics.scores import score_case
from atfm.metrics.table import summarise

LIDC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "lidc" / "test.zip"


def test_reference_rows_by_hand() -> None:
    r = np.array([[[1, 1, 0]], [[1, 0, 0]], [[1, 1, 0]], [[0, 0, 0]]], bool)
    assert not always_empty(r, 3).any() and always_empty(r, 3).shape == (3, 1, 3)
    np.testing.assert_array_equal(majority(r, 2), [[[1, 0, 0]], [[1, 0, 0]]])  # two of four are no majority
    row = score_case(always_empty(r, 2), r, ns=(2,))
    assert row["empty_predicted"] == 1 and row["empty_drawn"] == row["hm_iou_2"] == 0.25


def test_reference_rows_of_classes_stay_one_hot() -> None:
    r = np.eye(3, dtype=bool)[[[0, 1, 2], [0, 1, 1], [1, 1, 2]]].swapaxes(1, 2)  # labels [K, P] -> [K, C, P]
    np.testing.assert_array_equal(majority(r, 1)[0].argmax(0), [0, 1, 2])
    assert (always_empty(r, 1).sum(1) == 1).all() and always_empty(r, 1)[:, 0].all()


@pytest.mark.real
def test_the_reference_rows_of_lidc() -> None:
    if not LIDC.is_file():
        pytest.skip(f"no real images: {LIDC} is not there")
    rows = []
    with zipfile.ZipFile(LIDC) as archive:
        images = [name for name in archive.namelist() if "/images/" in name and name.endswith(".png")]
        for name in images[::8]:
            files = [name.replace("/images/", f"/mask-{k}/") for k in range(4)]
            r = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(file)))) > 0 for file in files])[:, None]
            empty, agreed = (score_case(reference(r, 16), r, ns=(16,)) for reference in (always_empty, majority))
            diversity = empty["annotator_diversity"]
            rows.append({"patient": name.split("/")[-4], "d_r": diversity, "e": empty["ged_16"], "m": agreed["ged_16"]})
    table = summarise(rows, seed=0)
    assert table["d_r"].mean == pytest.approx(0.52, abs=0.03)
    assert table["e"].mean == pytest.approx(0.82, abs=0.08)
    assert table["m"].mean == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("annotators", [1, 3, 4])
@pytest.mark.parametrize("classes", [1, 3])
def test_few_copies_score_as_many(name: str, annotators: int, classes: int) -> None:
    labels = np.random.default_rng(annotators).integers(0, max(classes, 2), (annotators, 9, 9))
    annotations = (labels > 0)[:, None] if classes == 1 else np.stack([labels == c for c in range(classes)], 1)
    ns = [1, 2, 4, 16, 40]
    wanted = score_case(REFERENCES[name](annotations, 40), annotations, ns=ns)
    wanted = {column: value for column, value in wanted.items() if not column.startswith("own_")}  # of a model alone
    assert score_reference(REFERENCES[name], annotations, ns) == pytest.approx(wanted)
