"""Where the steps of a training's stages lie."""

import pytest

from atfm.methods.config import StageConfig
from atfm.train.course import Course

PLANS = {
    "gtr": StageConfig(steps=5, batch=4),
    "sfm": StageConfig(steps=0, batch=2),
    "energy": StageConfig(steps=3, batch=8),
}


def course(**ended: int) -> Course:
    return Course(list(PLANS), PLANS, ended)


def test_stages_follow_each_other() -> None:
    assert [tuple(leg)[:3] for leg in course().legs] == [("gtr", 0, 5), ("sfm", 5, 5), ("energy", 5, 8)]
    assert course().total == 8 and course(gtr=2).total == 5 and course(gtr=2).of("energy").first == 2


@pytest.mark.parametrize("begin", range(9))
@pytest.mark.parametrize("end", range(9))
def test_images_are_those_of_every_step(begin: int, end: int) -> None:
    batches = [4] * 5 + [8] * 3
    assert course().images(begin, end) == sum(batches[begin:end])


def test_the_stage_of_the_next_step_and_of_the_last() -> None:
    assert [course().after(done) for done in (0, 4, 5, 7, 8)] == ["gtr", "gtr", "energy", "energy", "energy"]


def test_which_stage_has_made_the_last_step() -> None:
    assert [step for step in range(10) if course().made(step, "gtr")] == [1, 2, 3, 4, 5]
    assert [step for step in range(10) if course().made(step, "energy")] == [6, 7, 8]
    assert not any(course().made(step, name) for step in range(10) for name in ("sfm", "other"))
