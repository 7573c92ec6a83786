"""Both verbs of both methods: gradients, shapes, the noise of a sample, windows, refusals."""

import pytest
import torch

from atfm.data.batch import Batch
from atfm.errors import InputError
from atfm.flow import HEUN, STNet, independent, optimal
from atfm.methods import ATFM, GTR, Samples
from atfm.seeding import Noise
from atfm.truncation import GTRNetwork


def gtr(channels: int = 1, in_channels: int = 1, window: tuple[int, int] | None = None) -> GTR:
    torch.manual_seed(0)
    network = GTRNetwork(in_channels, channels, (8, 16), rank=3, patch=2)
    return GTR(network, size=(16, 16), window=window, in_channels=in_channels, monte_carlo=4).eval()


def atfm(form: str = "endpoint", condition: str = "features", channels: int = 1, **options: object) -> ATFM:
    truncation = gtr(channels, **options)  # type: ignore[arg-type]
    features = 8 if condition == "features" else 0
    torch.manual_seed(1)
    network = STNet(4 * truncation.in_channels + features, channels, (8, 16), patch=2)
    coupling = optimal if form == "endpoint" else independent
    return ATFM(
        truncation,
        network,
        form=form,
        coupling=coupling,
        starts=4,
        pairs=2,
        alpha=0.1,
        steps=3,
        condition=condition,  # type: ignore[arg-type]
    ).eval()


def batch(count: int = 3, channels: int = 1, in_channels: int = 1) -> Batch:
    g = torch.Generator().manual_seed(5)
    labels = torch.randint(max(2, channels), (count, 4, 16, 16), generator=g)
    one_hot = (
        labels.unsqueeze(2).float() if channels == 1 else torch.nn.functional.one_hot(labels).movedim(-1, 2).float()
    )
    present = torch.ones(count, 4, dtype=torch.bool)
    present[0, 2:] = False
    return Batch(torch.rand(count, in_channels, 16, 16, generator=g), one_hot, present)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["velocity", "endpoint"])
def test_losses_are_finite_and_only_the_flow_has_gradient_in_stage_2(form: str, channels: int) -> None:
    method = atfm(form, channels=channels)
    for stage in method.stages():
        method.zero_grad()
        losses = stage.method.loss(batch(channels=channels))
        assert all(torch.isfinite(value) and value.dim() == 0 for value in losses.values())
        sum(losses.values()).backward()  # type: ignore[union-attr]
        if stage.name == "gtr":
            assert all(p.grad is not None for p in method.truncation.parameters())
        else:
            assert set(losses) == {"flow", "semantic"}
            assert all(p.grad is None for p in method.truncation.parameters())
            assert all(p.grad is not None for p in method.network.parameters())


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_have_the_promised_shapes_and_ranges(channels: int) -> None:
    for method in (gtr(channels), atfm(channels=channels), atfm("velocity", channels=channels)):
        drawn = method.sample(batch().image, 5, generator=Noise(0, ["a", "b", "c"]))
        assert drawn.masks.shape == drawn.probabilities.shape == (3, 5, channels, 16, 16)
        assert drawn.masks.dtype == torch.bool
        assert drawn.probabilities.min() >= 0
        assert drawn.probabilities.max() <= 1
        if channels > 1:
            assert (drawn.masks.sum(2) == 1).all()


@pytest.mark.parametrize("make", [gtr, atfm])
def test_a_sample_is_the_same_at_batch_1_and_8_and_among_4_and_100(make: object) -> None:
    method, image = make(), torch.rand(8, 1, 16, 16)  # type: ignore[operator]
    keys = [f"case-{i}" for i in range(8)]
    few = method.sample(image, 4, generator=Noise(3, keys))
    many = method.sample(image[2:3], 100, generator=Noise(3, keys[2:3]))
    torch.testing.assert_close(few.probabilities[2], many.probabilities[0, :4], atol=1e-5, rtol=1e-4)
    away = (few.probabilities[2] - 0.5).abs() > 1e-4  # Rounding may decide a pixel that lies on the threshold.
    assert torch.equal(few.masks[2][away], many.masks[0, :4][away])


def test_the_noise_decides_the_sample_and_the_seed_the_noise() -> None:
    method, image = atfm(), torch.rand(1, 1, 16, 16)
    first, again, other = (method.sample(image, 2, generator=Noise(s, ["a"])).probabilities for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first[0, 0], first[0, 1])


def test_one_euler_step_of_the_endpoint_form_is_its_prediction() -> None:
    method, image = atfm(), torch.rand(1, 1, 16, 16)
    method.steps = 1
    noise = Noise(0, ["a"])
    features = method.truncation.network.features(image)
    x_0 = method.truncation.draw(method.truncation.network.distribution(features), 1, noise)
    logits = method.network(x_0[0], torch.zeros(1), method.context(image, features))
    torch.testing.assert_close(method.sample(image, 1, generator=noise).probabilities[0], logits.sigmoid())


def test_chunks_and_other_solvers_change_nothing_but_rounding() -> None:
    method, image = atfm(), torch.rand(2, 1, 16, 16)
    whole = method.sample(image, 5, generator=Noise(0, ["a", "b"])).probabilities
    method.chunk = 3
    torch.testing.assert_close(whole, method.sample(image, 5, generator=Noise(0, ["a", "b"])).probabilities)
    method.solver, method.steps = HEUN, 20
    assert torch.isfinite(method.sample(image, 5, generator=Noise(0, ["a", "b"])).probabilities).all()


def test_outside_the_window_nothing_is_segmented() -> None:
    method = gtr(window=(8, 8))
    torch.nn.init.constant_(method.network.mean.bias, 9.0)
    drawn = method.sample(torch.rand(1, 1, 16, 16), 2, generator=Noise(0, ["a"]))
    assert drawn.masks[..., 4:12, 4:12].float().mean() > 0.9
    assert drawn.masks.sum() == drawn.masks[..., 4:12, 4:12].sum()


def test_the_truncation_stays_in_evaluation_mode() -> None:
    method = atfm().train()
    assert method.training
    assert not method.truncation.training


def test_a_colour_image_can_enter_the_flow_as_grey() -> None:
    truncation = gtr(in_channels=3)
    network = STNet(4, 1, (8,), patch=2)
    method = ATFM(
        truncation, network, form="velocity", coupling=independent, starts=1, pairs=1, alpha=0, steps=2, grey=True
    )
    assert set(method.loss(batch(in_channels=3))) == {"flow"}
    assert method.sample(torch.rand(1, 3, 16, 16), 2, generator=Noise(0, ["a"])).masks.shape == (1, 2, 1, 16, 16)


def test_images_that_do_not_fit_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"expected \[B, 1, 16, 16\], got \[1, 1, 20, 16\]"):
        gtr().sample(torch.rand(1, 1, 20, 16), 2, generator=Noise(0, ["a"]))
    with pytest.raises(InputError, match="NaN or infinity"):
        atfm().sample(torch.full((1, 1, 16, 16), float("nan")), 2, generator=Noise(0, ["a"]))


def test_entropy_is_in_bits_and_the_mean_counts_masks() -> None:
    masks = torch.tensor([1, 1, 0, 0]).bool().reshape(1, 4, 1, 1, 1)
    drawn = Samples(masks, masks.float())
    assert drawn.mean_probability.item() == 0.5
    assert drawn.entropy.item() == pytest.approx(1.0)
    assert Samples(masks[:, :2], masks[:, :2].float()).entropy.item() == 0


def test_the_temperature_scales_the_noise_of_the_start() -> None:
    method, noise = gtr(), Noise(0, ["a"])
    distribution = method.distribution(torch.rand(1, 1, 16, 16))
    cold, warm = (method.draw(distribution, 3, noise, t).logit().double() for t in (0.5, 1.0))
    mean = distribution.mean.unsqueeze(1).double()
    torch.testing.assert_close(2 * (cold - mean), warm - mean, atol=1e-3, rtol=1e-3)
