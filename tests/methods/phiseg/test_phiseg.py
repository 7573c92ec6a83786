"""PHiSeg: its loss against torch's distributions, the shapes of its hierarchy, and levels that refine coarser ones."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Independent, Normal, kl_divergence
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods import Frame
from atfm.methods.phiseg import PHiSeg, PHiSegConfig
from atfm.seeding import Draw, Noise
from atfm.train.presets import presets


def built(channels: int = 1, **fields: object) -> PHiSeg:
    torch.manual_seed(0)
    small = {"widths": (4, 6, 8), "convs": 1, "levels": 2, **fields}
    return PHiSegConfig(**small).build(Frame(1, channels, (16, 16))).eval()  # type: ignore[arg-type]


def of_torch(found: DiagonalNormal) -> Independent:
    return Independent(Normal(found.mean, found.deviation), found.mean.dim() - 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.usefixtures("float64")
def test_the_loss_is_that_of_every_level(channels: int) -> None:
    """The mask is explained by each level upon the coarser ones; divergences weigh 1, 4, ... times beta."""
    method = built(channels, beta=0.5, growth=4.0).double()
    g = torch.Generator().manual_seed(1)
    labels = torch.randint(max(2, channels), (3, 1, 16, 16), generator=g)
    masks = (labels.unsqueeze(2) if channels == 1 else F.one_hot(labels).movedim(-1, 2)).double()
    images = Batch(torch.rand(3, 1, 16, 16, generator=g), masks, torch.ones(3, 1, dtype=torch.bool))
    torch.manual_seed(3)
    found = method.loss(images)

    torch.manual_seed(3)
    method.told(images)  # draws the readers
    prior, posterior, mask = method.network.prior, method.network.posterior, masks[:, 0]
    seen = posterior.encoder(torch.cat([images.image, mask - 0.5], 1))
    own = prior.encoder(images.image)
    q_1 = posterior.heads[1](seen[2])
    z_1 = q_1.from_noise(torch.randn(3, 2, 4, 4))
    p_1 = prior.heads[1](own[2])

    def finer(ladder: torch.nn.Module, features: torch.Tensor) -> DiagonalNormal:
        grown = F.interpolate(z_1, size=(8, 8), mode="bilinear")
        return ladder.heads[0](ladder.join[0](torch.cat([features, ladder.grow[0](grown)], 1)))  # type: ignore

    q_0, p_0 = finer(posterior, seen[1]), finer(prior, own[1])
    z_0 = q_0.from_noise(torch.randn(3, 2, 8, 8))
    s_0, s_1 = method.network.likelihood([z_0, z_1], [(16, 16), (8, 8), (4, 4)])

    def explained(logits: torch.Tensor) -> torch.Tensor:
        if channels == 1:
            return Bernoulli(logits=logits).log_prob(mask).flatten(1).sum(1).mean()
        return Categorical(logits=logits.movedim(1, -1)).log_prob(mask.argmax(1)).flatten(1).sum(1).mean()

    torch.testing.assert_close(found["likelihood"], -explained(s_1) - explained(s_1 + s_0))
    divergence = kl_divergence(of_torch(q_0), of_torch(p_0)) + 4 * kl_divergence(of_torch(q_1), of_torch(p_1))
    torch.testing.assert_close(found["kl"], 0.5 * divergence.mean())


def test_the_published_hierarchy() -> None:
    with torch.device("meta"):
        method = presets()["phiseg-paper"].build(in_channels=1, channels=1, size=(128, 128))
    maps = [Draw("normal", (2, side, side)) for side in (32, 16, 8, 4, 2)]
    assert method.needs((128, 128)) == {f"latent-{level}": draw for level, draw in enumerate(maps)}
    assert (method.beta, method.growth, method.network.first) == (1, 4, 2)
    assert [logits.in_channels for logits in method.network.likelihood.logits] == [128, 192, 192, 192, 192]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_each_level_adds_to_the_mask_of_the_coarser_ones(levels: int) -> None:
    method, image = built(levels=levels), torch.rand(1, 1, 16, 16)
    noise = {name: x[0] for name, x in Noise(0, ["a"]).draw(method.needs((16, 16)), 2).items()}  # [S, ...]
    features = [x.expand(2, -1, -1, -1) for x in method.read(image)]
    latents, found = method.network.prior.descend(
        features, lambda level, distribution: distribution.from_noise(noise[f"latent-{level}"])
    )
    grids = [tuple(x.shape[2:]) for x in latents]
    assert grids == [(16 // 2 ** (3 - levels + level),) * 2 for level in range(levels)]
    assert [x.mean.shape for x in found] == [x.shape for x in latents]
    added = method.network.likelihood(latents, method.sizes((16, 16)))
    assert [x.shape for x in added] == [(2, 1, 16, 16)] * levels
    drawn = method(image, {name: x.unsqueeze(0) for name, x in noise.items()}).probabilities[0]
    torch.testing.assert_close(drawn, torch.stack(added).sum(0).sigmoid())


def test_finer_latent_maps_see_the_coarser_ones_and_not_the_other_way_round() -> None:
    method, image = built(levels=3), torch.rand(1, 1, 16, 16)
    features = method.read(image)

    def means(moved: int) -> list[torch.Tensor]:
        noise = [torch.full((1, 2, 2**side, 2**side), float(side == moved)) for side in (4, 3, 2)]
        _, found = method.network.prior.descend(features, lambda level, p: p.from_noise(noise[level]))
        return [p.mean for p in found]

    still = means(-1)
    for moved, level in ((4, 0), (3, 1), (2, 2)):
        same = [torch.equal(a, b) for a, b in zip(still, means(moved), strict=True)]
        assert same == [finer >= level for finer in range(3)]
