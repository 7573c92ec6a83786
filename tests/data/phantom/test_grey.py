"""The phantom: what it draws against the law it states."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from atfm.data.phantom.grey import Phantom, part_probability, phantom_case, presence_probability
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store

MANY = 20_000


@pytest.fixture(scope="module")
def cases() -> list[Phantom]:
    return [phantom_case(7, number) for number in range(300)]


@pytest.fixture(scope="module")
def doubtful(cases: list[Phantom]) -> Phantom:
    """A case in which all three ambiguities matter."""
    return next(
        case
        for case in cases
        if 0.3 < presence_probability(case.contrast) < 0.9 and 0.2 < part_probability(case.part_contrast) < 0.8
    )


def distances(masks: np.ndarray) -> np.ndarray:
    """`1 - IoU` of every pair of `[n, H, W]` masks, 0 for two empty ones."""
    flat = masks.reshape(len(masks), -1).astype(float)
    both = flat @ flat.T
    either = flat.sum(1)[:, None] + flat.sum(1) - both
    return np.where(either > 0, 1 - both / np.maximum(either, 1), 0.0)


def test_mean_mask_is_the_closed_form(doubtful: Phantom) -> None:
    mean = doubtful.annotate(MANY, np.random.default_rng(0)).mean(0)
    assert np.abs(mean - doubtful.probability()).max() < 5 * 0.5 / np.sqrt(MANY)


def test_share_of_empty_masks_is_the_closed_form(doubtful: Phantom) -> None:
    empty = ~doubtful.annotate(MANY, np.random.default_rng(1)).any((1, 2))
    assert empty.mean() == pytest.approx(doubtful.empty_probability(), abs=5 * 0.5 / np.sqrt(MANY))


def test_outcomes_are_the_whole_law(doubtful: Phantom) -> None:
    masks, odds = doubtful.outcomes()
    assert (odds > 0).all() and odds.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.tensordot(odds, masks, 1), doubtful.probability(), atol=1e-12)
    assert odds[~masks.any((1, 2))].sum() == pytest.approx(doubtful.empty_probability())


def test_diversity_of_the_outcomes_is_that_of_the_draws(doubtful: Phantom) -> None:
    masks, odds = doubtful.outcomes()
    exact = odds @ distances(masks) @ odds
    drawn = distances(doubtful.annotate(2000, np.random.default_rng(2)))
    assert drawn.sum() / (2000 * 1999) == pytest.approx(exact, abs=0.03)


def test_coins_fall_as_their_odds_say() -> None:
    """A sharp edge leaves only the coins, so each of the three masks can be told by its area."""
    depth = np.full((16, 16), -5.0)
    depth[4:8, 4:8] = 5.0
    joined = depth.copy()
    joined[8:10, 4:8] = 5.0
    case = Phantom(np.zeros((1, 16, 16), np.float32), depth, joined, 0.1, 0.14, 0.6, number=0, seed=0)
    areas = case.annotate(MANY).sum((1, 2))
    assert set(areas.tolist()) == {0, 16, 24}
    assert (areas > 0).mean() == pytest.approx(presence_probability(0.14), abs=0.02)
    assert (areas[areas > 0] == 24).mean() == pytest.approx(part_probability(0.6), abs=0.02)


def test_odds_grow_with_the_contrast() -> None:
    contrast = np.linspace(0, 1, 21)
    for odds in (presence_probability, part_probability):
        values = [odds(float(c)) for c in contrast]
        assert values == sorted(values) and 0 < values[0] < 0.05 and values[-1] > 0.95
    assert presence_probability(0.13) == part_probability(0.55) == 0.5


@pytest.mark.parametrize("part", [False, True])
def test_masks_are_nested_in_the_latent_number(cases: list[Phantom], part: bool) -> None:
    u = np.linspace(-2, 2, 9)
    for case in cases[:40]:
        masks = case.masks(u, np.full(9, part), np.ones(9, bool)).astype(bool)
        assert (masks[:-1] <= masks[1:]).all()


def test_part_only_adds(cases: list[Phantom]) -> None:
    assert all((case.depth_with_part >= case.depth).all() for case in cases)
    assert all((case.depth_with_part > case.depth).any() == (case.part_contrast > 0) for case in cases)


def test_outline_moves_with_the_blur(cases: list[Phantom]) -> None:
    """An annotator one sigma more generous moves the edge by the blur, so the radius of the area grows by it."""
    case = next(case for case in cases if case.part_contrast == 0 and case.blur > 1.2)
    areas = case.masks(np.array([-0.5, 0.5]), np.zeros(2, bool), np.ones(2, bool)).sum((1, 2))
    assert np.diff(np.sqrt(areas / np.pi))[0] == pytest.approx(case.blur, rel=0.2)


def test_depth_is_the_distance_to_the_edge() -> None:
    """Its slope is 1, but where two edges are equally near."""
    rows, columns = np.gradient(phantom_case(0, 11).depth)
    assert np.median(np.hypot(rows, columns)) == pytest.approx(1, abs=0.02)


def test_contrasts_can_be_read_from_the_image(cases: list[Phantom]) -> None:
    """Least squares with the shape and blur given finds the contrasts: the noise does not hide the odds."""
    ramp = np.linspace(-1, 1, 32)
    for case in cases[:60]:
        lesion, joined = norm.cdf(case.depth / case.blur), norm.cdf(case.depth_with_part / case.blur)
        terms = [np.ones((32, 32)), np.tile(ramp, (32, 1)), np.tile(ramp[:, None], 32), lesion, joined - lesion]
        fit = np.linalg.lstsq(np.stack(terms, -1).reshape(-1, 5), case.image.reshape(-1), rcond=None)[0]
        assert fit[3] == pytest.approx(case.contrast, abs=0.02)
        if case.part_contrast > 0:
            assert fit[4] == pytest.approx(case.part_contrast * case.contrast, abs=0.03)


def test_case_depends_on_seed_and_number_alone() -> None:
    first, again = phantom_case(3, 12), list(phantom_cases(3, 13))[12]
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.annotate(4), again.masks)
    for other in (phantom_case(4, 12), phantom_case(3, 13)):
        assert not np.array_equal(first.image, other.image)


def test_annotator_stays_the_same_when_more_are_drawn(doubtful: Phantom) -> None:
    np.testing.assert_array_equal(doubtful.annotate(4), doubtful.annotate(100)[:4])


def test_set_is_as_diverse_as_a_clinical_one(cases: list[Phantom]) -> None:
    masks = np.stack([case.annotate(4) for case in cases])
    pairs = np.triu_indices(4, 1)
    assert 0.35 < np.mean([distances(four)[pairs].mean() for four in masks]) < 0.5
    assert 0.12 < 1 - masks.any((2, 3)).mean() < 0.22
    areas = [(case.depth > 0).sum() for case in cases]
    assert min(areas) >= 30 and max(areas) <= 200


def test_larger_image_shows_the_same_lesion() -> None:
    small, large = phantom_case(0, 5), phantom_case(0, 5, size=64)
    assert large.image.shape == (1, 64, 64) and large.annotate(3).shape == (3, 64, 64)
    assert large.blur == pytest.approx(2 * small.blur) and large.contrast == small.contrast
    coarse = large.probability().reshape(32, 2, 32, 2).mean((1, 3))
    assert np.abs(coarse - small.probability()).max() < 0.15


def test_store_has_many_annotators_in_test_only(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    info = build_store(plan_phantom(cases=30, test_annotators=9), tmp_path / "phantom", lambda *at: seen.append(at))
    store = Store.open(tmp_path / "phantom")
    store.check()
    assert {name: len(store.split(name)) for name in info.splits} == {"train": 24, "val": 3, "test": 3}
    assert [store.annotators(i) for i in store.split("test")] == [9, 9, 9] and store.annotators(0) == 4
    np.testing.assert_array_equal(store[29].masks, phantom_case(0, 29).annotate(9))
    np.testing.assert_array_equal(store[29].image, phantom_case(0, 29).image)
    assert store.info.dtype == "uint8" and store[29].patient_id == "phantom-0-00029" and seen[-1] == (30, 30)


def test_case_keeps_its_split_in_a_larger_set(tmp_path: Path) -> None:
    few = build_store(plan_phantom(cases=10, test_annotators=4), tmp_path / "few")
    more = build_store(plan_phantom(cases=20, test_annotators=4), tmp_path / "more")
    assert all(set(few.splits[name]) < set(more.splits[name]) for name in ("train", "val", "test"))


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    for arguments, word in (((-1, 0, 32), "seed"), ((0, -1, 32), "number"), ((0, 0, 15), "size")):
        with pytest.raises(InputError, match=word):
            phantom_case(arguments[0], arguments[1], size=arguments[2])
    with pytest.raises(InputError, match="annotators: expected at least 1, got 0"):
        phantom_case(0, 0).annotate(0)
    with pytest.raises(InputError, match="cases: expected at least 1, got 0"):
        phantom_cases(0, 0)
    with pytest.raises(InputError, match="cases: expected at least 10"):
        build_store(plan_phantom(cases=9), tmp_path / "store")
    assert not (tmp_path / "store").exists()
