"""A step asks nothing of the device: whatever it computes stays there until it is told."""

from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from atfm.data.augment import AugmentationRange
from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.plan import Plan
from atfm.errors import ConfigError
from atfm.methods.config import StageConfig
from atfm.train.config import override
from atfm.train.presets import resolve
from atfm.train.processes import Processes
from atfm.train.step import Stepper, check_parts

# What gives the host a number, or a size, that depends on what the device has computed: operations, and what torch's
# own language for them does not show.
OPERATIONS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
    "unique_consecutive",
    "_unique2",
}
READINGS = {"tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "item"}


class Asked(TorchDispatchMode):
    """Notes every operation for which a GPU would have to be waited for."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found += [func.overloadpacket.__name__] if func.overloadpacket.__name__ in OPERATIONS else []
        return func(*args, **(kwargs or {}))


class Read(TorchFunctionMode):
    """Notes every reading of a tensor, likewise."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found += [func.__name__] if func.__name__ in READINGS else []
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("stage", "own"),
    [("gtr", []), ("energy", []), ("sfm", ["numpy"])],  # who meets which annotator is solved on the host, for each part
)
def test_a_step_waits_for_nothing_of_its_own(stage: str, own: list[str]) -> None:
    fields = {
        "gtr": {"widths": [8], "rank": 2, "monte_carlo": 4},
        "sfm": {"widths": [8], "context_widths": [], "steps": 2},
    }
    config = override(resolve("phantom"), {"method": fields})
    method = config.build(in_channels=1, channels=1, size=(32, 32))
    plan = StageConfig(steps=5, batch=4, parts=2)
    cases = Held(list(phantom_cases(0, 4, annotators=3)), 1)
    chosen = next(one for one in method.stages() if one.name == stage)
    stepper = Stepper(chosen, plan, 0, torch.device("cpu"))
    limits = AugmentationRange(**config.augment.model_dump())
    seen = Plan(0, stage, len(cases), plan.batch, limits, method.window, parts=plan.parts)
    parts = list(cases.batches(seen, [(step, part) for step in range(2) for part in range(2)]))
    stepper.step(0, iter(parts[:2]))
    found: list[str] = []
    with Read(found), Asked(found):
        stepper.step(1, iter(parts[2:]))
        assert found == 2 * own
        stepper.check("")
        assert found == [*own, *own, "tolist"], "to tell is to ask"


def test_every_process_needs_a_part() -> None:
    stages = {"first": StageConfig(parts=4), "second": StageConfig(parts=2), "third": StageConfig(steps=0)}
    check_parts(stages, Processes(0, 2))
    with pytest.raises(
        ConfigError, match=r"3 processes: a step of stage second has 2 part.*stages\.second\.parts to 3"
    ):
        check_parts(stages, Processes(2, 3))


def test_parts_are_equal() -> None:
    with pytest.raises(ConfigError, match=r"stages\.first\.parts: a batch of 16 has no 3 equal parts"):
        check_parts({"first": StageConfig(batch=16, parts=3)}, Processes())
