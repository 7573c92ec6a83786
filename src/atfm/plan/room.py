"""The memory of a plan: batches in as many parts as it takes for a step to fit."""

import math

from atfm.data.dataset import CaseDataset
from atfm.errors import ConfigError
from atfm.methods.method import Method
from atfm.plan.reason import Reason
from atfm.train.config import Config
from atfm.train.memory import check_fits, foreseen, spoken

__all__ = ["shared", "within"]


def shared(config: Config, processes: int) -> tuple[Config, list[Reason]]:
    """Return a configuration whose batches so many processes can share: equal parts, one for each at least.

    Args:
        config: its stages' `batch` may be raised to a multiple, and `parts` too.
        processes: that train together.
    """
    if processes == 1:
        return config, []
    stages = {
        name: plan.model_copy(update={"batch": processes * math.ceil(plan.batch / processes), "parts": processes})
        for name, plan in config.stages.items()
    }
    why = f"{processes} processes share each step"
    return config.model_copy(update={"stages": stages}), [
        Reason(f"stages.{name}.parts", str(processes), why, "shared") for name, plan in stages.items() if plan.steps
    ]


def within(
    config: Config, method: Method, train: CaseDataset, memory: float | None, free: int | None
) -> tuple[Config, list[Reason]]:
    """Return a configuration that takes no more memory than there is: the same training, in smaller parts.

    Args:
        config: its stages' `parts` may be raised.
        method: of this configuration; it stays as it is.
        train: the cases that are trained on.
        memory: gigabytes that it may take; None: what is free.
        free: bytes that are free; None where the system does not tell.

    Raises:
        ConfigError: memory that is not positive, or too little for a single image at a time.
    """
    if memory is not None and not 0 < memory < 2**20:
        raise ConfigError(f"--memory: expected gigabytes above 0, got {memory:g}")
    given = free if memory is None else int(1e9 * memory)
    reasons: dict[str, Reason] = {}
    while True:
        taken = foreseen(method, config.stages, train, None, limit=given)
        stage = config.stages.get(taken.stage)
        if given is None or taken.peak <= given or stage is None or stage.parts == stage.batch:
            check_fits(taken, given)
            return config, list(reasons.values())
        parts = next(n for n in range(stage.parts + 1, stage.batch + 1) if stage.batch % n == 0)
        config = config.model_copy(
            update={"stages": config.stages | {taken.stage: stage.model_copy(update={"parts": parts})}}
        )
        why = f"a whole batch takes {spoken(taken.peak)} of the {spoken(given)} that there are"
        field = f"stages.{taken.stage}.parts"
        first = reasons[field].why if field in reasons else why
        reasons[field] = Reason(field, str(parts), first, "parts")
