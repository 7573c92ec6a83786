"""Whether a training can go on from a checkpoint, and what that says the weights are."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from atfm.errors import CheckpointError
from atfm.io.decoding import brief
from atfm.methods.method import Method, Stage
from atfm.train.checkpoint import named
from atfm.train.course import Course
from atfm.train.state import State

__all__ = ["average_of", "fitting", "stage_of"]


def stage_of(state: State, stages: Sequence[Stage], course: Course, file: Path) -> Stage:
    """Return the stage that a checkpoint was written in.

    Raises:
        CheckpointError: this training has no such step of such a stage.
    """
    for stage in stages:
        if stage.name == state.stage and course.made(state.step, stage.name):
            return stage
    raise CheckpointError(
        f"{file}: step {state.step} of stage {brief(state.stage)}: this training has no such step; train into another "
        "folder"
    )


def average_of(stage: Stage, tensors: Mapping[str, Tensor]) -> Method:
    """Return what the stage draws with, by the averaged weights of a checkpoint: what is to be published of it."""
    method = copy.deepcopy(stage.method)
    method.load_state_dict(named(tensors, "average."))
    return method.eval()


@contextmanager
def fitting(file: Path) -> Iterator[None]:
    """Say in one line that a checkpoint, whole as it is, does not hold what this training needs.

    Raises:
        CheckpointError: the block raised one of the errors that other tensors lead to.
    """
    try:
        yield
    except (LookupError, RuntimeError, ValueError, TypeError) as error:
        reason = brief(" ".join(str(error).split()))
        raise CheckpointError(
            f"{file}: does not hold what this training needs ({reason}); train into another folder"
        ) from error
