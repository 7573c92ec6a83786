r"""The Probabilistic U-Net: a conditional variational autoencoder with one latent vector for the whole mask.

    z ~ N(mu(x), diag sigma(x)^2),    logits = f_comb( f_unet(x), z )
    loss = E_{z ~ q(z | x, y)} [ -log p(y | z, x) ] + beta KL( q(z | x, y) || p(z | x) )          (eqs. 1 to 4)

(Kohl et al., NeurIPS 2018).
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from atfm.data.batch import Batch
from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods.latent.method import LatentMethod, negative_log_likelihood
from atfm.methods.method import Frame
from atfm.methods.prob_unet.network import ProbUNetNetwork
from atfm.seeding import Draw

__all__ = ["ProbUNet"]


class ProbUNet(LatentMethod):
    """One latent vector decides the whole mask.

    Args:
        network: its networks.
        frame: what it looks at and what it draws.
        beta: weight of the KL divergence.
        readers: of each image that a training step sees.
    """

    def __init__(self, network: ProbUNetNetwork, frame: Frame, *, beta: float = 1.0, readers: int = 1) -> None:
        super().__init__(frame, readers=readers)
        self.network, self.beta = network, beta

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        told = self.told(batch)
        posterior: DiagonalNormal = self.network.posterior(told.seen)
        prior: DiagonalNormal = self.network.prior(told.image)
        logits = self.network.combine(self.network.features(told.image)[told.rows], posterior.rsample())
        return {
            "likelihood": negative_log_likelihood(logits, told).mean(),
            "kl": self.beta * posterior.divergence(prior[told.rows]).mean(),
        }

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"latent": Draw("normal", (self.network.latents,))}

    def read(self, image: Tensor) -> Sequence[Tensor]:
        prior: DiagonalNormal = self.network.prior(image)
        return self.network.features(image), prior.mean, prior.deviation

    def decode(self, features: Sequence[Tensor], noise: Mapping[str, Tensor]) -> Tensor:
        image, mean, deviation = features
        logits: Tensor = self.network.combine(image, DiagonalNormal(mean, deviation).from_noise(noise["latent"]))
        return logits
