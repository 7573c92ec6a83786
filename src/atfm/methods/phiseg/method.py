r"""PHiSeg: a hierarchy of latent maps, coarse to fine, each of which refines the mask.

    p(z | x) = p(z_L | x) prod_l p(z_l | z_{l + 1}, x),    logits_l = sum_{k >= l} s_k(z_k, ..., z_L)
    loss = sum_l E_q [ -log p(y | logits_l) ] + beta growth^l KL( q(z_l | z_{l + 1}, x, y) || p(z_l | z_{l + 1}, x) )

(Baumgartner et al., MICCAI 2019; level 0 is the finest). Every level is to explain the mask at full size:
each adds what the coarser ones left, and a sample is the sum.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.latent.method import LatentMethod, negative_log_likelihood
from atfm.methods.method import Frame
from atfm.methods.phiseg.network import PHiSegNetwork
from atfm.seeding import Draw

__all__ = ["PHiSeg"]


class PHiSeg(LatentMethod):
    """Latent maps on every level.

    Args:
        network: its networks.
        frame: what it looks at and what it draws.
        beta: weight of the KL divergence of the finest latent level.
        growth: of that weight from a level to the next coarser one, whose maps have as many times fewer positions.
        readers: of each image that a training step sees.
    """

    def __init__(
        self, network: PHiSegNetwork, frame: Frame, *, beta: float = 1.0, growth: float = 4.0, readers: int = 1
    ) -> None:
        super().__init__(frame, readers=readers)
        self.network, self.beta, self.growth = network, beta, growth

    def sizes(self, size: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the grid of every level, that of the window first."""
        count = self.network.first + self.network.levels
        return [tuple(-(-side // 2**level) for side in size) for level in range(count)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        told = self.told(batch)
        posterior = self.network.posterior
        latents, q = posterior.descend(posterior.read(told.seen), lambda level, found: found.rsample())
        features = [feature[told.rows] for feature in self.network.prior.read(told.image)]
        _, p = self.network.prior.descend(features, lambda level, found: latents[level])
        added = self.network.likelihood(latents, self.sizes(self.window))
        # Coarse to fine: each level's logits are its own upon those of all coarser ones.
        likelihoods = [negative_log_likelihood(logits, told).mean() for logits in accumulate(added[::-1])]
        weights = [self.beta * self.growth**level for level in range(len(q))]
        divergences = [weight * a.divergence(b).mean() for weight, a, b in zip(weights, q, p, strict=True)]
        return {
            "likelihood": sum(likelihoods[1:], likelihoods[0]),
            "kl": sum(divergences[1:], divergences[0]),
        }

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        grids = self.sizes(size)[self.network.first :]
        return {f"latent-{level}": Draw("normal", (self.network.latents, *grid)) for level, grid in enumerate(grids)}

    def read(self, image: Tensor) -> Sequence[Tensor]:
        features: list[Tensor] = self.network.prior.read(image)
        return features

    def decode(self, features: Sequence[Tensor], noise: Mapping[str, Tensor]) -> Tensor:
        latents, _ = self.network.prior.descend(
            features, lambda level, found: found.from_noise(noise[f"latent-{level}"])
        )
        added: list[Tensor] = self.network.likelihood(latents, self.sizes(self.window))
        return sum(added[1:], added[0])
