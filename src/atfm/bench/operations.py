r"""Operations of sampling, counted on shapes alone.

    total(S) = once + S each

The image is read once, every sample passes through what is left. A multiply-add is two operations. Convolutions and
matrix products are counted, as usual; norms, activations and the noise are not.

`Method.forward` runs on torch's "meta" device, which has shapes and no numbers, under `FlopCounterMode`: even the
hundreds of GFLOP of the paper's networks are counted in a moment.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["CONVENTION", "Operations", "count_of", "count_operations"]

CONVENTION = (
    "A multiply-add is 2 operations; convolutions and matrix products are counted on shapes with torch's "
    "FlopCounterMode, norms and activations are not. Both models are counted alike, so their ratio does not depend on "
    "the convention. The paper prints 182 GFLOP for one evaluation at 128x128, and so 182 x 25 x 100 = 455,000 for 100 "
    "samples; the `paper` preset, rebuilt from its description, counts 177 here. Should the paper count a "
    "multiply-add once, as some tools do, it would mean twice as much."
)


@dataclass(frozen=True)
class Operations:
    """Operations of sampling one image.

    Args:
        once: whatever the number of samples.
        each: of every sample.
    """

    once: int
    each: int

    def total(self, samples: int) -> int:
        """Operations of so many masks of one image."""
        return self.once + samples * self.each


def count_of(run: Callable[[], object]) -> int:
    """Count the operations of a call, backward passes within it included."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def count_operations(method: Method) -> Operations:
    """Count what sampling an image of the method's own size costs, for any number of samples.

    Of a method that integrates, one step and two are counted: the further ones cost what the second did.
    """
    method = copy.deepcopy(method).to("meta")
    if method.steps is None or method.steps <= 2:
        return _counted(method)
    one, two = (_counted(method.with_steps(steps)) for steps in (1, 2))
    further = method.steps - 1
    return Operations(one.once + further * (two.once - one.once), one.each + further * (two.each - one.each))


@torch.no_grad()
def _counted(method: Method) -> Operations:
    image = torch.empty(1, method.in_channels, *method.window, device="meta")

    def run(samples: int) -> object:
        numbers = Noise(0, ["count"]).draw(method.needs(method.window), samples)
        return method(image, {name: value.to("meta") for name, value in numbers.items()})

    one, two = (count_of(lambda n=n: run(n)) for n in (1, 2))  # type: ignore[misc]
    return Operations(2 * one - two, two - one)
