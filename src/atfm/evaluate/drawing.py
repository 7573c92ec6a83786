"""What a method draws of cases, on the pixels of their own images, where their annotators drew too."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from atfm.data.case import Case
from atfm.data.geometry.grid import Grid
from atfm.data.geometry.masks import masks_back
from atfm.data.geometry.rule import Fit, known_spacing
from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["Cloud", "draw"]


class Cloud(NamedTuple):
    """What one method has drawn of one case.

    Args:
        masks: `[S, C, *spatial]` bool.
        probability: their mean, `[C, *spatial]`.
        weights: `[S]` of sum 1; None where all weigh alike.
    """

    masks: Tensor
    probability: Tensor
    weights: Tensor | None

    @property
    def entropy(self) -> Tensor:
        """The ambiguity of each pixel in bits, `[*spatial]`: the entropy of `probability`."""
        p = self.probability
        terms = -torch.xlogy(p, p) if len(p) > 1 else -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p)
        return terms.sum(0) / torch.log(torch.tensor(2.0))

    def where(self, counts: Tensor) -> "Cloud":
        """Return the same of the pixels that count, `[*spatial]` bool, in one axis."""
        return Cloud(self.masks[..., counts], self.probability[..., counts], self.weights)


@torch.no_grad()
def draw(
    method: Method, fit: Fit | None, cases: Sequence[Case], samples: int, noise: Noise, device: torch.device | str
) -> list[Callable[[], Cloud]]:
    """Draw some cases together.

    Of a model that fits images, the masks on an image's own pixels are made when they are asked for, those of one case
    at a time: until then there is only what the network gave, which is as large as what it sees.

    Args:
        method: what draws.
        fit: how it brings images to its pixels; None: it takes them as they are.
        cases: of one size and one spacing.
        samples: of each.
        noise: has a key for each case.
        device: where the method is.

    Returns:
        Of each case a function that gives the masks.
    """
    if fit is None:
        image = torch.from_numpy(np.stack([case.image for case in cases])).to(device)
        drawn = method.sample(image, samples, noise=noise)
        masks, means = drawn.masks.cpu(), drawn.mean_probability.cpu()
        return [
            partial(Cloud, masks[case], means[case], None if drawn.weights is None else drawn.weights[case].cpu())
            for case in range(len(cases))
        ]
    grids = [fit.grid(case.image.shape[1:], known_spacing(case.spacing)) for case in cases]
    images = [np.clip(grid.bring(case.image), 0, 1) for grid, case in zip(grids, cases, strict=True)]
    drawn = method.sample(torch.from_numpy(np.stack(images)).to(device), samples, noise=noise)
    soft = drawn.probabilities.cpu().numpy()
    return [
        partial(_back, grid, soft[case], None if drawn.weights is None else drawn.weights[case].cpu())
        for case, grid in enumerate(grids)
    ]


def _back(grid: Grid, soft: np.ndarray, weights: Tensor | None) -> Cloud:
    """The samples `[S, C, *size]` of one case on the pixels of its image."""
    masks = torch.empty((*soft.shape[:2], *grid.whole), dtype=torch.bool)
    total = torch.zeros((soft.shape[1], *grid.whole))
    for number, mask in enumerate(masks_back(grid, soft)):
        masks[number] = torch.from_numpy(mask)
        total += masks[number] if weights is None else masks[number] * weights[number]
    return Cloud(masks, total / len(soft) if weights is None else total.clamp(max=1), weights)
