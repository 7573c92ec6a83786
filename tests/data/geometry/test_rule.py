import numpy as np
import pytest

from atfm.data.geometry.rule import Fit, fit_of, usual_spacing
from atfm.errors import CheckpointError, ConfigError, InputError


def test_a_canvas_takes_the_whole_image_and_keeps_its_aspect() -> None:
    grid = Fit(canvas=(128, 128)).grid((700, 1024), (0.5, 0.5))
    assert grid.size == (128, 128)
    assert grid.step == (8.0, 8.0)
    rows, columns = grid.inside
    assert (rows.stop - rows.start, columns.stop - columns.start) == (88, 128)  # 87.5 rows


def test_the_slices_of_a_volume_have_their_own_factor() -> None:
    assert Fit(canvas=(16, 64, 64)).grid((48, 256, 128)).step == (3.0, 4.0, 4.0)


def test_a_spacing_is_reached_exactly() -> None:
    grid = Fit(spacing=(1.0, 1.0)).grid((101, 50), (0.7, 2.0))
    assert grid.size == (71, 100)
    np.testing.assert_allclose(grid.step, (1 / 0.7, 0.5))
    middle = [(at[0] + at[-1]) / 2 for at in map(grid.positions, range(2))]
    np.testing.assert_allclose(middle, (50.0, 24.5))


def test_an_image_that_says_no_spacing_is_taken_for_usual() -> None:
    assert Fit(spacing=(2.0, 2.0), usual=(0.5, 1.0)).grid((40, 40)).step == (4.0, 2.0)
    assert Fit(spacing=(2.0, 2.0)).grid((40, 40)).step == (2.0, 2.0)
    assert Fit(step=(4.0, 4.0)).grid((40, 40), (0.1, 0.1)).size == (10, 10)


def test_an_image_smaller_than_a_pixel_of_the_network_is_one() -> None:
    grid = Fit(spacing=(10.0, 10.0)).grid((3, 30), (1.0, 1.0))
    assert grid.size == (1, 3)
    np.testing.assert_allclose(grid.bring(np.ones((1, 3, 30))), np.ones((1, 1, 3)), atol=1e-6)


def test_usual_spacing_is_the_median_of_what_is_known() -> None:
    assert usual_spacing([(1.0, 1.0), (0.5, 0.5), (0.7, 2.0), (0.9, 1.0)]) == (0.7, 1.0)
    assert usual_spacing([(1.0, 1.0)]) is None


@pytest.mark.parametrize(
    "sides", [{}, {"canvas": (8, 8), "step": (1.0, 1.0)}, {"canvas": (8,)}, {"spacing": (1.0, float("nan"))}]
)
def test_a_rule_is_one_of_three(sides: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ConfigError, match="field 'fit'"):
        Fit(**sides)  # type: ignore[arg-type]


def test_an_image_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="2 spatial axes"):
        Fit(canvas=(8, 8)).grid((4, 4, 4))
    with pytest.raises(InputError, match="state its spacing"):
        Fit(spacing=(1e-9, 1e-9)).grid((512, 512), (1.0, 1.0))


def test_a_card_tells_its_rule() -> None:
    card = {"config": {"fit": {"spacing": [1.0, 1.0], "step": None, "canvas": None}}, "usual_spacing": [0.5, 0.5]}
    assert fit_of(card, "m") == Fit(spacing=(1.0, 1.0), usual=(0.5, 0.5))
    assert fit_of({"config": {}}, "m") is None
    for wrong in ({"spacing": "x"}, {"pixels": [1, 2]}, {}, 3):
        with pytest.raises(CheckpointError, match="field fit of its JSON"):
            fit_of({"config": {"fit": wrong}}, "m")
