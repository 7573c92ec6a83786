import json

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.data.survey import survey
from atfm.errors import InputError


@pytest.fixture
def store(tmp_path):
    """Four cases of mixed sizes and spacings: an empty one, one in doubt, and two of one patient."""
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "s", name="mixed", splits={"train": ["p0", "p1"], "test": ["p2"]}) as writer:
        for number, (size, spacing) in enumerate([((20, 30), 0.5), ((10, 12), 1.0), ((16, 16), 0.7), ((20, 30), 0.5)]):
            masks = np.zeros((2 + number % 2, *size), np.uint8)
            if number:
                masks[0, 2:7, 3:5] = 1
            if number > 1:
                masks[1:, 4:8, 4:9] = 1
            image = np.rint(rng.random((1, *size)) * 255).astype(np.float32) / np.float32(255)
            image[0, 0, :2] = 0, 1
            writer.add(Case(image, masks, f"c{number}", f"p{min(number, 2)}", (spacing, spacing)))
    return Store.open(tmp_path / "s")


def test_what_a_store_holds(store) -> None:
    found = survey(store)
    assert (len(found), found.patients, found.mixed_sizes) == (4, 3, True)
    assert found.splits == {"train": (2, 2), "test": (2, 1)}
    assert found.spacing_known.tolist() == [True, False, True, True]
    assert found.usual_spacing == (0.5, 0.5)
    assert found.readers == {2: 2, 3: 2}
    assert found.empty_masks == pytest.approx((2 + 2) / 10)  # case 1 has three readers, two of whom marked nothing
    assert (found.empty_cases, found.doubtful_cases) == (0.25, 0.25)
    assert found.ever_overlap is True
    assert found.class_cases == [3]
    assert found.extents().tolist() == [[5, 2], [5, 2], [4, 5], [5, 2], [4, 5], [4, 5]]
    assert found.extents(mm=True).shape == (5, 2)  # but that of case 1, whose spacing is not known
    assert found.extents(pieces=True).tolist() == [[5, 2], [6, 6], [6, 6]]
    assert found.intensities.full == 1
    assert found.intensities.quantiles[0, [0, -1]].tolist() == [0, 1]
    json.dumps(found.as_json())


def test_one_split_and_a_sample(store) -> None:
    found = survey(store, "test", most=1)
    assert (len(found), found.patients, len(found.cases)) == (2, 1, 1)
    with pytest.raises(InputError, match="at least 1 case"):
        survey(store, most=0)
