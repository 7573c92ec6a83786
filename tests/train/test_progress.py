import pytest

from atfm.train.progress import Pace


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def paced(*laps: tuple[float, int]) -> tuple[Pace, Clock]:
    clock = Clock()
    pace = Pace(4, clock)
    for seconds, steps in laps:
        clock.time += seconds
        pace.read(steps)
    return pace, clock


def test_nothing_is_known_before_the_first_reading() -> None:
    pace, _ = paced()
    assert pace.images_per_second == 0 and pace.seconds_for(100) == 0


def test_the_first_reading_counts_until_there_is_another() -> None:
    assert paced((30, 1))[0].images_per_second == pytest.approx(4 / 30)
    assert paced((30, 1), (9, 9))[0].images_per_second == pytest.approx(4)
    assert paced((30, 1), (9, 9), (21, 1))[0].images_per_second == pytest.approx(4 * 10 / 30)


def test_validating_and_saving_count_for_the_time_left_alone() -> None:
    pace, clock = paced((1, 1), (10, 10))
    clock.time += 22
    pace.set_aside()
    assert pace.images_per_second == pytest.approx(4)
    assert pace.seconds_for(4) == pytest.approx(1 + 22 / 11), "a step, and as much beside it as eleven had"
    clock.time += 10
    pace.read(10)
    assert pace.images_per_second == pytest.approx(4)
