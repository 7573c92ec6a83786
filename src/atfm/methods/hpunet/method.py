r"""The Hierarchical Probabilistic U-Net: latent maps within the way up of a U-Net, coarse to fine.

    p(z | x) = p(z_0 | x) prod_l p(z_l | z_{l - 1}, ..., z_0, x)
    min sum_l KL( q(z_l | z_{<l}, x, y) || p(z_l | z_{<l}, x) )    such that    E_q[ cross-entropy ] <= kappa

(Kohl et al., 2019, sections 2.1 and 2.2; level 0 is the coarsest). The cross-entropy is that of the hardest pixels, the
constraint GECO's; without one the loss is the evidence lower bound.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.hpunet.geco import GECO
from atfm.methods.hpunet.hardest import cross_entropies, hardest
from atfm.methods.hpunet.network import HPUNetNetwork
from atfm.methods.latent.method import LatentMethod
from atfm.methods.method import Frame
from atfm.seeding import Draw

__all__ = ["HPUNet"]


class HPUNet(LatentMethod):
    """Latent maps within a U-Net.

    Args:
        network: its networks.
        frame: what it looks at and what it draws.
        geco: the constraint; None: the evidence lower bound.
        beta: weight of the KL divergence in the latter.
        hardest: share of the pixels that counts.
        draw: these pixels are drawn by their cross-entropy; else the largest are taken.
        readers: of each image that a training step sees.
    """

    def __init__(
        self,
        network: HPUNetNetwork,
        frame: Frame,
        *,
        geco: GECO | None,
        beta: float = 1.0,
        hardest: float = 0.02,
        draw: bool = True,
        readers: int = 1,
    ) -> None:
        super().__init__(frame, readers=readers)
        self.network, self.geco, self.beta, self.hardest, self.draw = network, geco, beta, hardest, draw

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        told = self.told(batch)
        prior, posterior = self.network.prior, self.network.posterior
        _, latents, q = posterior.climb(posterior.read(told.seen), lambda level, found: found.rsample())
        features = [feature[told.rows] for feature in prior.read(told.image)]
        decoded, _, p = prior.climb(features, lambda level, found: latents[level])
        losses = cross_entropies(self.network.logits(decoded), told.mask)
        mean, pixels = hardest(losses, self.hardest, told.said, draw=self.draw)
        divergences = [a.divergence(b).mean() for a, b in zip(q, p, strict=True)]
        kl = sum(divergences[1:], divergences[0])
        if self.geco is None:
            return {"likelihood": mean * pixels, "kl": self.beta * kl}
        return {"constraint": self.geco(mean, pixels), "kl": kl}

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        coarsest = len(self.network.widths) - 1
        grids = [tuple(-(-side // 2 ** (coarsest - step)) for side in size) for step in range(coarsest)]
        counts = zip(self.network.latents, grids, strict=False)
        return {f"latent-{step}": Draw("normal", (count, *grid)) for step, (count, grid) in enumerate(counts)}

    def read(self, image: Tensor) -> Sequence[Tensor]:
        features: list[Tensor] = self.network.prior.read(image)
        return features

    def decode(self, features: Sequence[Tensor], noise: Mapping[str, Tensor]) -> Tensor:
        decoded, _, _ = self.network.prior.climb(
            features, lambda step, found: found.from_noise(noise[f"latent-{step}"])
        )
        logits: Tensor = self.network.logits(decoded)
        return logits
