"""The Hierarchical Probabilistic U-Net: divergences against torch's, the shapes of its hierarchy, its objectives."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from atfm.data.batch import Batch
from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods import Frame
from atfm.methods.hpunet import HPUNet, HPUNetConfig
from atfm.seeding import Draw
from atfm.train.presets import presets


def built(**fields: object) -> HPUNet:
    torch.manual_seed(0)
    small = {"widths": (4, 6, 8), "convs": 2, "latents": (2, 1), **fields}
    return HPUNetConfig(**small).build(Frame(1, 1, (16, 16))).eval()  # type: ignore[arg-type]


def batch() -> Batch:
    g = torch.Generator().manual_seed(1)
    masks = torch.randint(2, (3, 1, 1, 16, 16), generator=g).double()
    return Batch(torch.rand(3, 1, 16, 16, generator=g).double(), masks, torch.ones(3, 1, dtype=torch.bool))


def of_torch(found: DiagonalNormal) -> Independent:
    return Independent(Normal(found.mean, found.deviation), found.mean.dim() - 1)


def by_hand(method: HPUNet, images: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of latent maps of the posterior, and the divergences of both levels together, by torch."""
    prior, posterior = method.network.prior, method.network.posterior
    method.told(images)  # draws the readers
    drawn: list[torch.Tensor] = []

    def draw(level: int, found: DiagonalNormal) -> torch.Tensor:
        drawn.append(found.from_noise(torch.randn(found.mean.shape, dtype=found.mean.dtype)))
        return drawn[-1]

    seen = torch.cat([images.image, images.annotations[:, 0] - 0.5], 1)
    _, _, q = posterior.climb(posterior.read(seen), draw)
    decoded, latents, p = prior.climb(prior.read(images.image), lambda level, found: drawn[level])
    assert all(a is b for a, b in zip(latents, drawn, strict=True))
    kl = sum(kl_divergence(of_torch(a), of_torch(b)) for a, b in zip(q, p, strict=True))
    return method.network.logits(decoded), kl.mean()  # type: ignore[union-attr]


@pytest.mark.usefixtures("float64")
def test_without_a_constraint_the_loss_is_the_evidence_lower_bound() -> None:
    method, images = built(geco=None, beta=0.5, hardest=1.0).double(), batch()
    torch.manual_seed(3)
    found = method.loss(images)
    torch.manual_seed(3)
    logits, kl = by_hand(method, images)
    likelihood = Bernoulli(logits=logits).log_prob(images.annotations[:, 0]).flatten(1).sum(1).mean()
    torch.testing.assert_close(found["likelihood"], -likelihood)
    torch.testing.assert_close(found["kl"], 0.5 * kl)


@pytest.mark.usefixtures("float64")
def test_with_one_it_is_the_lagrangian_of_the_hardest_pixels() -> None:
    method, images = built(hardest=0.25, draw=False).double(), batch()
    torch.manual_seed(3)
    found = method.loss(images)
    torch.manual_seed(3)
    logits, kl = by_hand(method, images)
    losses = -Bernoulli(logits=logits).log_prob(images.annotations[:, 0]).flatten()
    worst = losses.sort(descending=True).values[: 3 * 256 // 4]
    torch.testing.assert_close(found["constraint"], 64 * (worst.mean() - 0.05))  # lambda is 1 to begin with
    torch.testing.assert_close(found["kl"], kl)


def test_the_published_hierarchy() -> None:
    preset = presets()["hpunet-paper"]
    with torch.device("meta"):
        method = preset.build(in_channels=1, channels=1, size=(128, 128))
    maps = [Draw("normal", (1, side, side)) for side in (1, 2, 4, 8)]
    assert method.needs((128, 128)) == {f"latent-{level}": draw for level, draw in enumerate(maps)}
    assert [len(level) for level in method.network.prior.down] == [3] * 8
    assert (len(method.network.prior.up), len(method.network.posterior.up)) == (7, 3)
    assert (method.geco.kappa, method.geco.decay, method.geco.rate) == (0.05, 0.99, 0.01)
    assert (method.hardest, method.draw, method.readers) == (0.02, True, 1)


@pytest.mark.parametrize("latents", [(1,), (2, 3)])
def test_latent_maps_lie_on_the_coarsest_levels(latents: tuple[int, ...]) -> None:
    method, image = built(latents=latents), torch.rand(1, 1, 16, 16)
    decoded, drawn, found = method.network.prior.climb(method.read(image), lambda level, p: p.mean)
    assert [tuple(x.shape[1:]) for x in drawn] == [(n, 4 * 2**k, 4 * 2**k) for k, n in enumerate(latents)]
    assert decoded.shape == (1, 4, 16, 16) and len(found) == len(latents)
    assert {name: draw.shape for name, draw in method.needs((16, 16)).items()} == {
        f"latent-{level}": tuple(x.shape[1:]) for level, x in enumerate(drawn)
    }


def test_finer_latent_maps_see_the_coarser_ones_and_not_the_other_way_round() -> None:
    method, image = built(), torch.rand(1, 1, 16, 16)

    def means(coarse: float, fine: float) -> list[torch.Tensor]:
        moved = (coarse, fine)
        features = method.read(image)
        _, _, found = method.network.prior.climb(features, lambda level, p: p.mean + moved[level])
        return [p.mean for p in found]

    still, above, below = means(0, 0), means(0, 1), means(1, 0)
    assert torch.equal(still[0], above[0]) and torch.equal(still[1], above[1])
    assert torch.equal(still[0], below[0]) and not torch.equal(still[1], below[1])
