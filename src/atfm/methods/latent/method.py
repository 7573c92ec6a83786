r"""`LatentMethod`: conditional variational autoencoders, which draw latent variables and decode them to a mask.

    p(y | x) = E_{z ~ p(z | x)} p(y | z, x),    -log p(y | x) <= E_{z ~ q(z | x, y)} [ -log p(y | z, x) ] + KL( q || p )

(Sohn et al., 2015). The prior `p` sees the image, the posterior `q` one reader's mask too; `p(y | z, x)` is a product
over pixels, Bernoulli or categorical.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.gtr.method import squash
from atfm.methods.method import Frame, Method
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.truncation.likelihood import log_likelihood

__all__ = ["LatentMethod", "Told", "negative_log_likelihood"]


class Told(NamedTuple):
    """One training step's masks, `N = B P` of `P` readers of each image.

    Args:
        image: `[B, C_in, *window]`.
        seen: `[N, C_in + C, *window]`, what the posterior sees: the image, and the mask about 0, 0 where nothing is
            said.
        mask: `[N, C, *window]` in {0, 1}.
        said: `[N, *window]` bool, the pixels of which the reader says something; None: all.
        rows: `[N]`, the image of each mask.
    """

    image: Tensor
    seen: Tensor
    mask: Tensor
    said: Tensor | None
    rows: Tensor


class LatentMethod(Method):
    """A subclass defines `loss`, `needs`, and how it samples: `read` and `decode`.

    Args:
        frame: what it looks at and what it draws.
        readers: of each image that a training step sees.
        chunk: samples that pass through the networks at a time; bounds memory, changes nothing else.
    """

    def __init__(self, frame: Frame, *, readers: int = 1, chunk: int = 64) -> None:
        super().__init__(frame)
        self.readers, self.chunk = readers, chunk

    def read(self, image: Tensor) -> Sequence[Tensor]:
        """Return what is computed once for an image `[B, C_in, *window]`, each `[B, ...]`."""
        raise TypeError(f"{type(self).__name__} does not define read")

    def decode(self, features: Sequence[Tensor], noise: Mapping[str, Tensor]) -> Tensor:
        """Return the logits `[N, C, *window]` of samples of the prior.

        Args:
            features: what `read` gave of the image of each, `[N, ...]`.
            noise: `[N, *shape]` for each name in `needs`.
        """
        raise TypeError(f"{type(self).__name__} does not define decode")

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        features = self.read(image)
        samples = next(iter(noise.values())).shape[1]
        numbers = {name: drawn.flatten(0, 1) for name, drawn in noise.items()}  # [B S, ...]
        images = torch.arange(len(image), device=image.device).repeat_interleave(samples)
        logits = [
            self.decode(
                [feature[rows] for feature in features],
                {name: drawn[first : first + self.chunk] for name, drawn in numbers.items()},
            )
            for first, rows in zip(range(0, len(images), self.chunk), images.split(self.chunk), strict=True)
        ]
        return Drawn(squash(torch.cat(logits).unflatten(0, (len(image), samples))))

    def told(self, batch: Batch) -> Told:
        """Choose the readers of a step, and show their masks to the posterior."""
        read = readings(self, batch, self.readers)
        image = self.focus(batch.image)
        rows = torch.arange(len(image), device=image.device).repeat_interleave(self.readers)
        shown = read.mask - 0.5
        shown = shown if read.said is None else shown * read.said.unsqueeze(1)
        return Told(image, torch.cat([image[rows], shown], 1), read.mask, read.said, rows)


def negative_log_likelihood(logits: Tensor, told: Told) -> Tensor:
    """Return `-log p(y | z, x)` of each mask, the sum over its pixels, `[N]` in nats; `logits [N, C, *window]`."""
    said = None if told.said is None else told.said.unsqueeze(1)
    return -log_likelihood(logits.unsqueeze(1), told.mask.unsqueeze(1), said).flatten()
