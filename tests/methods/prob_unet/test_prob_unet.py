"""The Probabilistic U-Net's loss against torch's distributions, and against the likelihood itself, integrated."""

from itertools import pairwise

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Independent, Normal, kl_divergence
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.methods import Frame
from atfm.methods.prob_unet import ProbUNet, ProbUNetConfig
from atfm.nn.plain import Layers
from atfm.seeding import Draw
from atfm.train.presets import presets


def built(channels: int = 1, **fields: object) -> ProbUNet:
    torch.manual_seed(0)
    small = {"widths": (4, 6), "convs": 1, "latents": 2, "combine": 2, **fields}
    return ProbUNetConfig(**small).build(Frame(1, channels, (8, 8))).eval()  # type: ignore[arg-type]


def batch(channels: int = 1) -> Batch:
    g = torch.Generator().manual_seed(1)
    labels = torch.randint(max(2, channels), (3, 1, 8, 8), generator=g)
    masks = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    return Batch(torch.rand(3, 1, 8, 8, generator=g), masks, torch.ones(3, 1, dtype=torch.bool))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.usefixtures("float64")
def test_the_loss_is_the_evidence_lower_bound(channels: int) -> None:
    method, images = built(channels, beta=0.5).double(), batch(channels)
    images = Batch(images.image.double(), images.annotations.double(), images.present)
    mask = images.annotations[:, 0]
    q = method.network.posterior(torch.cat([images.image, mask - 0.5], 1))
    p = method.network.prior(images.image)
    q_t, p_t = (Independent(Normal(found.mean, found.deviation), 1) for found in (q, p))
    torch.manual_seed(3)
    method.told(images)  # draws the readers
    z = q.from_noise(torch.randn(3, 2))
    logits = method.network.combine(method.network.features(images.image), z)
    if channels == 1:
        likelihood = Bernoulli(logits=logits).log_prob(mask).flatten(1).sum(1)
    else:
        likelihood = Categorical(logits=logits.movedim(1, -1)).log_prob(mask.argmax(1)).flatten(1).sum(1)
    torch.manual_seed(3)
    found = method.loss(images)
    torch.testing.assert_close(found["likelihood"], -likelihood.mean())
    torch.testing.assert_close(found["kl"], 0.5 * kl_divergence(q_t, p_t).mean())


@pytest.mark.usefixtures("float64")
def test_the_bound_lies_above_the_likelihood_and_touches_it_where_the_latent_variable_does_nothing() -> None:
    """One latent variable: `p(y | x)` is an integral over a line, which a sum over a grid gives."""
    method = built(latents=1).double()
    images = Batch(batch().image.double(), batch().annotations.double(), batch().present)
    mask, line = images.annotations[:, 0], torch.linspace(-12, 12, 4001)
    features = method.network.features(images.image)

    def gap() -> torch.Tensor:
        p = method.network.prior(images.image)
        q = method.network.posterior(torch.cat([images.image, mask - 0.5], 1))
        gaps = []
        for row in range(3):
            z = (p.mean[row] + p.deviation[row] * line).unsqueeze(1)
            logits = method.network.combine(features[row].expand(len(line), -1, -1, -1), z)
            given = Bernoulli(logits=logits).log_prob(mask[row]).flatten(1).sum(1)
            weight = Normal(0.0, 1.0).log_prob(line) + torch.log(line[1] - line[0])
            exact = torch.logsumexp(given + weight, 0)
            density = Normal(q.mean[row], q.deviation[row]).log_prob(z).squeeze(1).exp()
            step = p.deviation[row] * (line[1] - line[0])
            reconstruction = (density * given).sum() * step
            gaps.append(exact - (reconstruction - q[row : row + 1].divergence(p[row : row + 1])[0]))
        return torch.stack(gaps).squeeze()

    for seed in range(3):
        torch.manual_seed(seed)
        torch.nn.init.normal_(method.network.combine.latent.weight, std=0.3)
        torch.nn.init.normal_(method.network.posterior.head.linear.weight, std=0.3)  # type: ignore[arg-type]
        assert (gap() > 1e-6).all()
    torch.nn.init.zeros_(method.network.combine.latent.weight)
    for head in (method.network.prior.head, method.network.posterior.head):
        torch.nn.init.zeros_(head.linear.weight)  # type: ignore[arg-type]
        torch.nn.init.zeros_(head.linear.bias)  # type: ignore[arg-type]
    torch.testing.assert_close(gap(), torch.zeros(3), atol=1e-6, rtol=0)


def test_the_first_layer_is_one_of_features_and_latent_variables_side_by_side() -> None:
    method = built()
    combine = method.network.combine
    features, z = torch.randn(2, 4, 8, 8), torch.randn(2, 2)
    both = torch.cat([combine.image.weight.flatten(1), combine.latent.weight], 1)[:, :, None, None]
    side = torch.cat([features, z[:, :, None, None].expand(-1, -1, 8, 8)], 1)
    expected = combine.logits(combine.rest(F.conv2d(side, both, combine.latent.bias)))
    torch.testing.assert_close(combine(combine.read(features), z), expected)


def test_one_vector_decides_the_whole_mask() -> None:
    method = built()
    assert method.needs((8, 8)) == {"latent": Draw("normal", (2,))}
    image = torch.rand(1, 1, 8, 8)
    far = torch.zeros(1, 2, 2)
    far[0, 1] = 3.0
    probabilities = method(image, {"latent": far}).probabilities
    assert (probabilities[0, 0] - probabilities[0, 1]).abs().min() > 0


def test_the_published_size() -> None:
    """Three encoders and a decoder of 3 convolutions a level, 6 latent variables, 3 layers of 1x1 and the logits."""
    with torch.device("meta"):
        method = presets()["prob-unet-paper"].build(in_channels=1, channels=1, size=(128, 128))
    widths = (32, 64, 128, 256, 512)

    def convs(pairs: list[tuple[int, int]]) -> int:
        return sum(9 * a * b + b + 2 * (9 * b * b + b) for a, b in pairs)

    rest = list(pairwise(widths))
    encoder = sum(convs([(inputs, 32), *rest]) for inputs in (1, 1, 2))
    decoder = convs([(fine + coarse, fine) for fine, coarse in rest])
    heads, combine = 2 * (512 * 12 + 12), 32 * 38 + 32 + 2 * (32 * 32 + 32) + 32 + 1
    assert sum(p.numel() for p in method.parameters()) == encoder + decoder + heads + combine
    assert method.network.latents == 6 and method.beta == 1 and Layers(2).norm == "none"
