"""A plan fits into the memory: in parts where it has to, and not at all where one image is too much."""

import pytest
import torch

from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.methods import StageConfig
from atfm.methods.gtr import GTRConfig
from atfm.plan.room import shared, within
from atfm.train.config import Config
from atfm.train.memory import foreseen

CONFIG = Config(method=GTRConfig(widths=(8, 8)), stages={"gtr": StageConfig(batch=64)})


@pytest.fixture(scope="module")
def made() -> tuple:
    torch.manual_seed(0)
    return CONFIG.build(in_channels=1, channels=1, size=(64, 64)), Held(list(phantom_cases(0, 2, size=64)), 1)


def test_a_batch_comes_in_parts_until_it_fits(made) -> None:
    method, train = made
    whole = foreseen(method, CONFIG.stages, train, None).peak
    config, reasons = within(CONFIG, method, train, whole / 2e9, None)
    parts = config.stages["gtr"].parts
    assert parts > 1 and 64 % parts == 0
    assert foreseen(method, config.stages, train, None).peak <= whole / 2
    assert [(reason.field, reason.value) for reason in reasons] == [("stages.gtr.parts", str(parts))]


def test_what_is_free_is_enough_or_asked_for(made) -> None:
    method, train = made
    assert within(CONFIG, method, train, None, None) == (CONFIG, [])
    assert within(CONFIG, method, train, None, 10**12) == (CONFIG, [])
    with pytest.raises(ConfigError, match="are free"):
        within(CONFIG, method, train, 0.001, None)
    with pytest.raises(ConfigError, match="--memory: expected gigabytes above 0"):
        within(CONFIG, method, train, -1.0, None)


@pytest.mark.parametrize(("processes", "batch"), [(1, 64), (2, 64), (3, 66), (5, 65)])
def test_processes_share_equal_parts(processes: int, batch: int) -> None:
    config, reasons = shared(CONFIG, processes)
    assert config.stages["gtr"].batch == batch
    assert config.stages["gtr"].parts == processes and len(reasons) == (processes > 1)
