"""The velocity of the samples of several images, against one call for each."""

from typing import Literal

import pytest
import torch
from torch import Tensor

from atfm.flow.field import ConditionalField


class Known:
    """A network whose output is `context * x + t`, and which counts how much it is given at a time."""

    patch = 1

    def __init__(self) -> None:
        self.rows: list[int] = []

    def context(self, condition: Tensor) -> Tensor:
        return condition

    def __call__(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        self.rows.append(len(x))
        return context * x + t.reshape(-1, 1, 1, 1)


@pytest.mark.parametrize("form", ["velocity", "endpoint"])
@pytest.mark.parametrize("chunk", [2, 64])
def test_each_sample_meets_its_own_image(form: Literal["velocity", "endpoint"], chunk: int) -> None:
    context, x, network = torch.rand(3, 1, 4, 4), torch.rand(3, 5, 1, 4, 4), Known()
    with torch.no_grad():
        found = ConditionalField(network, context, form=form, chunk=chunk)(x.flatten(0, 1), 0.25).unflatten(0, (3, 5))
    for image in range(3):
        for sample in range(5):
            value = context[image] * x[image, sample] + 0.25
            if form == "endpoint":
                value = (value.sigmoid() - x[image, sample]) / 0.75
            torch.testing.assert_close(found[image, sample], value)
    assert max(network.rows) <= chunk and sum(network.rows) == 15
