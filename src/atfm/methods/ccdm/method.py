"""CCDM: categorical diffusion, from masks of noise to masks, each pixel of each step one of the classes."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.diffusion.gaussian import masked_mean
from atfm.diffusion.multinomial import categorical_kl, marginal, pick, posterior, predicted
from atfm.diffusion.sampler import categorical
from atfm.methods.diffusion import DiffusionMethod
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.nn.precision import in_float32
from atfm.seeding import Draw

__all__ = ["CCDM"]


class CCDM(DiffusionMethod):
    """`p(x_{k-1} | x_k, image) = sum_c q(x_{k-1} | x_k, x_0 = c) p_c(x_k, k, image)` (CCDM, Zbinden et al., ICCV 2023).

    A binary mask is one of two classes. The network gives logits of `x_0`; it is trained by

        KL( q(x_{k-1} | x_k, x_0) || p(x_{k-1} | x_k, image) ),    k even among 1 to T,

    the mean over pixels. At the last step the most probable class is taken, as the published code does: what is
    returned are its probabilities.
    """

    @property
    def categories(self) -> int:
        """Classes of a pixel, `K`; 2 of a binary mask."""
        return max(2, self.channels)

    # Training.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        read = readings(self, batch, self.readers)
        x_0 = self._one_hot(read.mask)  # [N, K, *window]
        if read.said is not None:  # nothing known: equal shares, which noise leaves as they are
            x_0 = torch.where(read.said.unsqueeze(1), x_0, 1 / self.categories)
        k = self.schedule.draw(len(x_0))
        before, now = self.schedule.at(k - 1), self.schedule.at(k)
        x_k = pick(marginal(x_0, now), torch.rand_like(x_0[:, 0]))
        context = self.several(self.context(self.focus(batch.image)))
        p_0 = _probabilities(self.network(x_k, self.schedule.time(k), context))
        divergence = categorical_kl(posterior(x_k, x_0, before, now), predicted(x_k, p_0, before, now))
        return {"divergence": masked_mean(divergence, read.said)}

    def _one_hot(self, mask: Tensor) -> Tensor:
        """Masks `[N, C, *window]` as classes `[N, K, *window]`."""
        return torch.cat([1 - mask, mask], 1) if self.channels == 1 else mask

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {
            "start": Draw("categorical", tuple(size), categories=self.categories),
            "steps": Draw("uniform", (self.steps - 1, *size), on_device=True),
        }

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        network = self.denoiser(self.context(image))
        start = F.one_hot(noise["start"], self.categories).movedim(-1, 2).float()  # [B, S, K, *window]
        p_0 = categorical(
            lambda x, k: _probabilities(network(x, k)),
            start.flatten(0, 1),
            self.schedule,
            self.path(),
            noise["steps"].flatten(0, 1),
        ).unflatten(0, start.shape[:2])
        return Drawn(p_0[:, :, 1:] if self.channels == 1 else p_0)


@in_float32
def _probabilities(logits: Tensor) -> Tensor:
    return logits.softmax(1)
