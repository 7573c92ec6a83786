"""CIMD: its encoders are trained, what they add is a divergence of normals, and sampling takes the diffusion alone."""

import pytest
import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.diffusion.gaussian import Normal, learned_variance, normal_kl, posterior
from atfm.methods import Frame
from atfm.methods.cimd import CIMD, CIMDConfig
from atfm.methods.cimd.encoder import AmbiguityEncoder
from atfm.methods.diffusion import NetworkConfig
from atfm.seeding import Noise


def cimd(**fields: float) -> CIMD:
    torch.manual_seed(0)
    config = CIMDConfig(
        network=NetworkConfig(widths=(8, 16), patch=2), levels=20, steps=4, encoder_widths=(8, 8), **fields
    )
    return config.build(Frame(1, 1, (16, 16)))


def batch() -> Batch:
    g = torch.Generator().manual_seed(1)
    masks = torch.rand(3, 2, 1, 16, 16, generator=g).round()
    return Batch(torch.rand(3, 1, 16, 16, generator=g), masks, torch.ones(3, 2, dtype=torch.bool))


def test_both_encoders_are_trained_by_their_divergence_and_so_is_the_diffusion() -> None:
    method = cimd(ambiguity=1.0)
    method.loss(batch())["ambiguity"].backward()
    for part in (method.modelling, method.controlling, method.network):
        slopes = [parameter.grad for parameter in part.parameters() if parameter.grad is not None]
        assert slopes and max(float(slope.abs().max()) for slope in slopes) > 0


def test_the_divergence_is_that_of_two_normals(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, tuple[Tensor, Tensor]] = {}
    method = cimd(ambiguity=0.5)
    for name in ("modelling", "controlling"):
        encoder = getattr(method, name)
        own = encoder.forward

        def kept(image: Tensor, mask: Tensor, name: str = name, own: object = own) -> object:
            found = own(image, mask)  # type: ignore[operator]
            told[name] = found.base_dist.loc, found.base_dist.scale
            return found

        monkeypatch.setattr(encoder, "forward", kept)
    found = method.loss(batch())["ambiguity"]
    (m, s), (of, spread) = told["controlling"], told["modelling"]
    by_hand = (spread / s).log() + (s.square() + (m - of).square()) / (2 * spread.square()) - 0.5
    torch.testing.assert_close(found, 0.5 * by_hand.sum(1).mean())


def test_the_modelling_network_sees_the_reader_and_the_other_the_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = cimd(), batch()
    masks: dict[str, Tensor] = {}
    for name in ("modelling", "controlling"):
        encoder = getattr(method, name)
        own = encoder.forward
        monkeypatch.setattr(
            encoder, "forward", lambda image, mask, name=name, own=own: own(image, masks.setdefault(name, mask))
        )
    method.loss(seen)
    readers = 2 * seen.annotations - 1
    assert all(any(torch.equal(mask, reader) for reader in readers[i]) for i, mask in enumerate(masks["modelling"]))
    assert masks["controlling"].abs().max() <= 1 and not torch.equal(masks["controlling"], masks["modelling"])


def test_sampling_never_asks_the_encoders() -> None:
    method, image = cimd().eval(), torch.rand(1, 1, 16, 16)
    before = method.sample(image, 3, noise=Noise(0, ["a"])).probabilities
    for part in (method.modelling, method.controlling):
        for parameter in part.parameters():
            parameter.data.fill_(float("nan"))
    assert torch.equal(method.sample(image, 3, noise=Noise(0, ["a"])).probabilities, before)


def test_the_bound_teaches_the_variance_alone_and_is_least_at_the_posteriors() -> None:
    method = cimd()
    x_0, k = torch.ones(1, 1, 2, 2), torch.tensor([7])
    ab_j, ab_k = method.schedule.at(k - 1), method.schedule.at(k)
    x_k = 0.3 * torch.ones(1, 1, 2, 2)
    eps = ((x_k - ab_k.sqrt().float() * x_0) / (1 - ab_k).sqrt().float()).requires_grad_()  # the true noise
    share = torch.zeros(1, 1, 2, 2, requires_grad=True)
    bound = method._bound(x_0, x_k, eps.detach(), share, k)
    true = posterior(x_k, x_0, ab_j, ab_k)
    expected = 20 * normal_kl(true, Normal(true.mean, learned_variance(share, ab_j, ab_k))) / torch.tensor(2.0).log()
    torch.testing.assert_close(bound, expected)
    bound.sum().backward()
    assert share.grad is not None and bool((share.grad > 0).all())  # towards -1, where the variance is the posterior's
    least = method._bound(x_0, x_k, eps.detach(), -torch.ones_like(share), k)
    torch.testing.assert_close(least, torch.zeros_like(least), atol=1e-4, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_an_encoder_gives_a_normal_over_the_latent_vector(dims: int) -> None:
    size = (8,) * dims
    encoder = AmbiguityEncoder(3, (8, 8), 6, patch=2, dims=dims)
    found = encoder(torch.rand(4, 2, *size), torch.rand(4, 1, *size))
    assert found.batch_shape == (4,) and found.event_shape == (6,) and bool((found.stddev > 0).all())
