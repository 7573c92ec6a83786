r"""Operations of sampling, counted on shapes alone.

    total(S) = GTR + context + S * draw + evaluations * (S * field + ceil(S / chunk) * time)

GTR reads the image once, the flow's context once; a start costs one product with the factor, and every sample passes
through ST-Net once for each evaluation of the solver; the time is embedded once for a chunk of samples. A multiply-add
is two operations. Convolutions and matrix products are counted, as usual; norms, activations and the noise are not.

The networks run on torch's "meta" device, which has shapes and no numbers, under `FlopCounterMode`: even the paper's
182 GFLOP are counted in a moment.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.methods.method import Method

__all__ = ["CONVENTION", "Operations", "count_of", "count_operations", "evaluations"]

CONVENTION = (
    "A multiply-add is 2 operations; convolutions and matrix products are counted on shapes with torch's "
    "FlopCounterMode, norms and activations are not. Both models are counted alike, so their ratio does not depend on "
    "the convention. The paper prints 182 GFLOP for one evaluation at 128x128, and so 182 x 25 x 100 = 455,000 for 100 "
    "samples; the `paper` preset, rebuilt from its description, counts 177 here. Should the paper count a "
    "multiply-add once, as some tools do, it would mean twice as much."
)


@dataclass(frozen=True)
class Operations:
    """Operations of the parts of sampling one image.

    Args:
        gtr: the distribution of an image.
        context: what the flow reads of an image.
        draw: one start.
        field: one evaluation of the field for one sample.
        time: embedding the time of an evaluation.
        evaluations: of the field, for each sample.
        chunk: samples that are evaluated at a time.
    """

    gtr: int
    context: int
    draw: int
    field: int = 0
    time: int = 0
    evaluations: int = 0
    chunk: int = 1

    def total(self, samples: int, images: int = 1) -> int:
        """Operations of `samples` masks of each of `images` images."""
        once = self.gtr + self.context + samples * self.draw
        return images * once + self.flow(images * samples)

    def flow(self, samples: int) -> int:
        """Operations of ST-Net for so many samples."""
        return self.evaluations * (samples * self.field + math.ceil(samples / self.chunk) * self.time)

    def as_json(self, samples: int) -> dict[str, float]:
        """GFLOP of each part for `samples` masks of one image."""
        parts = {
            "gtr": self.gtr,
            "context": self.context,
            "draw": samples * self.draw,
            "flow": self.flow(samples),
        }
        return {name: operations / 1e9 for name, operations in parts.items()}


def evaluations(method: Method) -> int:
    """Evaluations of the field for each sample: stages of the solver times steps, 0 without a flow."""
    if not isinstance(method, ATFM):
        return 0
    stages = len(method.solver.b)
    last = 1 if method.form == "endpoint" else stages  # the endpoint form ends in an Euler step
    return (method.steps - 1) * stages + last


def count_of(run: Callable[[], object]) -> int:
    """Count the operations of a call, backward passes within it included."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@torch.no_grad()
def count_operations(method: Method) -> Operations:
    """Count what sampling with a method costs, for any number of samples.

    Raises:
        TypeError: a method that is neither GTR nor ATFM.
    """
    method = copy.deepcopy(method).to("meta")
    gtr = method.truncation if isinstance(method, ATFM) else method
    if not isinstance(gtr, GTR):
        raise TypeError(f"method: expected GTR or ATFM, got {type(method).__name__}")
    window = method.focus(torch.empty(1, method.in_channels, *method.size, device="meta"))
    features = gtr.network.features(window)
    distribution = gtr.network.distribution(features)
    low_rank = torch.empty(1, 1, distribution.rank, device="meta")
    pixel = torch.empty(1, 1, *distribution.event_shape, device="meta")
    reading = count_of(lambda: gtr.network(window))
    draw = count_of(lambda: distribution.from_noise(low_rank, pixel))
    if not isinstance(method, ATFM):
        return Operations(reading, 0, draw)
    flow, time = method, torch.empty(1, device="meta")
    context = flow.context(window, features)
    reads = count_of(lambda: flow.context(window, features))
    one, two = (
        count_of(partial(flow.network, pixel[0].expand(rows, *pixel.shape[2:]), time, context)) for rows in (1, 2)
    )
    return Operations(reading, reads, draw, two - one, 2 * one - two, evaluations(flow), flow.chunk)
