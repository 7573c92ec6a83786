import numpy as np
import pytest

from atfm.evaluate.references import REFERENCES, score_reference
from atfm.metrics.case import score_case


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("annotators", [1, 3, 4])
@pytest.mark.parametrize("classes", [1, 3])
def test_few_copies_score_as_many(name: str, annotators: int, classes: int) -> None:
    labels = np.random.default_rng(annotators).integers(0, max(classes, 2), (annotators, 9, 9))
    annotations = (labels > 0)[:, None] if classes == 1 else np.stack([labels == c for c in range(classes)], 1)
    ns = [1, 2, 4, 16, 40]
    wanted = score_case(REFERENCES[name](annotations, 40), annotations, ns=ns)
    assert score_reference(REFERENCES[name], annotations, ns) == pytest.approx(wanted)
