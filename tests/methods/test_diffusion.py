"""What the four methods of diffusion promise alike: shapes, noise, windows, readers, refusals, a loss that falls."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.data.phantom.kinds import simulated_case
from atfm.errors import ConfigError
from atfm.methods import Frame, Method, MethodConfig
from atfm.methods.analog_bits import AnalogBitsConfig
from atfm.methods.ccdm import CCDMConfig
from atfm.methods.cimd import CIMDConfig
from atfm.methods.diffusion import DiffusionMethod, NetworkConfig
from atfm.methods.tdpm import TDPMConfig
from atfm.seeding import Noise
from atfm.train.presets import presets

SMALL = NetworkConfig(widths=(8, 16), patch=2)
CONFIGS: dict[str, MethodConfig] = {
    "analog-bits": AnalogBitsConfig(network=SMALL, levels=20, steps=4, readers=2),
    "ccdm": CCDMConfig(network=SMALL, levels=20, steps=4, readers=2),
    "cimd": CIMDConfig(network=SMALL, levels=20, steps=4, readers=2, encoder_widths=(8, 8)),
    "tdpm": TDPMConfig(network=SMALL, levels=20, steps=4, readers=2, truncation=9, discriminator_widths=(8, 8)),
    "tdpm-direct": TDPMConfig(network=SMALL, levels=20, steps=4, truncation=9, implicit="direct"),
}


def adm(**fields: Any) -> dict[str, Any]:
    return {"network": NetworkConfig(**{"kind": "adm", "widths": (8, 16), **fields})}


every = pytest.mark.parametrize("name", CONFIGS)


def build(name: str, channels: int = 1, size: tuple[int, ...] = (16, 16), **frame: Any) -> DiffusionMethod:
    torch.manual_seed(0)
    method = CONFIGS[name].build(Frame(1, channels, size, **frame)).eval()
    assert isinstance(method, DiffusionMethod)
    return method


def batch(channels: int = 1, size: tuple[int, ...] = (16, 16)) -> Batch:
    """Three images, of which the first has two readers and padding that is not to be touched."""
    g = torch.Generator().manual_seed(5)
    labels = torch.randint(max(2, channels), (3, 4, *size), generator=g)
    masks = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    masks[0, 2:] = float("nan")
    present = torch.ones(3, 4, dtype=torch.bool)
    present[0, 2:] = False
    return Batch(torch.rand(3, 1, *size, generator=g), masks, present)


def total(method: Method, seen: Batch, seed: int = 3) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.stack(list(method.loss(seen).values())).sum()


# Training.


@every
@pytest.mark.parametrize(("channels", "size"), [(1, (16, 16)), (3, (16, 16)), (1, (8, 8, 8))])
def test_every_weight_is_trained_whatever_the_mask(name: str, channels: int, size: tuple[int, ...]) -> None:
    method = build(name, channels, size)
    losses = method.loss(batch(channels, size))
    assert all(torch.isfinite(loss) and loss.dim() == 0 for loss in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in method.parameters())


@every
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_which_a_reader_says_nothing_teach_nothing(name: str, channels: int) -> None:
    method, seen = build(name, channels), batch(channels)
    valid = torch.rand(3, 4, 16, 16, generator=torch.Generator().manual_seed(1)) > 0.4
    shown = torch.where(valid.unsqueeze(2), seen.annotations, 0.0)
    other = torch.where(valid.unsqueeze(2), seen.annotations, seen.annotations.roll(1, 2) if channels > 1 else 1.0)
    first = total(method, Batch(seen.image, shown, seen.present, valid))
    assert torch.isfinite(first)
    assert first == total(method, Batch(seen.image, other, seen.present, valid))
    assert first != total(method, Batch(seen.image, other, seen.present))


def phantom(first: int, count: int) -> Batch:
    cases = [simulated_case(0, number) for number in range(first, first + count)]
    masks = torch.from_numpy(np.stack([case.masks for case in cases])).float().unsqueeze(2)
    images = torch.from_numpy(np.stack([case.image for case in cases]))
    return Batch(images, masks, torch.ones(masks.shape[:2], dtype=torch.bool))


@every
def test_a_training_of_40_steps_lowers_the_loss_of_other_cases(name: str) -> None:
    # The losses of both players of a game need not fall; of TDPM it is the denoising that has to.
    told = {"tdpm": "noise", "tdpm-direct": "noise"}.get(name)
    method = build(name, size=(32, 32))
    training, other = phantom(0, 12), phantom(12, 16)

    @torch.no_grad()
    def score() -> float:
        losses = []
        for seed in range(2):
            torch.manual_seed(seed)
            with torch.enable_grad():  # TDPM's penalty is made of a gradient
                found = method.loss(other)
            losses.append(float(found[told] if told else sum(loss.detach() for loss in found.values())))
        return sum(losses) / len(losses)

    before, optimiser = score(), torch.optim.Adam(method.parameters(), 3e-3)
    torch.manual_seed(0)
    for _ in range(40):
        optimiser.zero_grad()
        torch.stack(list(method.loss(training).values())).sum().backward()
        optimiser.step()
    assert score() < 0.8 * before


# Sampling.


@every
@pytest.mark.parametrize(("channels", "size"), [(1, (16, 16)), (3, (16, 16)), (1, (8, 8, 8))])
def test_samples_have_the_promised_shapes_and_ranges(name: str, channels: int, size: tuple[int, ...]) -> None:
    drawn = build(name, channels, size).sample(torch.rand(2, 1, *size), 3, noise=Noise(0, ["a", "b"]))
    assert drawn.masks.shape == drawn.probabilities.shape == (2, 3, channels, *size)
    assert drawn.probabilities.min() >= 0 and drawn.probabilities.max() <= 1
    assert channels == 1 or bool((drawn.masks.sum(2) == 1).all())


@every
def test_a_sample_depends_on_its_own_noise_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At batch 1 and 4, among 2 and 9, from where one goes on, and where noise is drawn in portions."""
    method, image = build(name), torch.rand(4, 1, 16, 16)
    keys = [f"case-{i}" for i in range(4)]
    few = method.sample(image, 2, noise=Noise(3, keys)).probabilities
    many = method.sample(image[2:3], 9, noise=Noise(3, keys[2:3])).probabilities
    later = method.sample(image[2:3], 4, noise=Noise(3, keys[2:3]), first=5).probabilities
    torch.testing.assert_close(few[2], many[0, :2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(later, many[:, 5:], atol=1e-4, rtol=1e-4)
    monkeypatch.setattr("atfm.methods.method._NUMBERS", 2 * 3 * 16 * 16)  # three steps' noise of two samples
    portions = method.sample(image[2:3], 9, noise=Noise(3, keys[2:3])).probabilities
    torch.testing.assert_close(portions, many, atol=1e-4, rtol=1e-4)
    other = method.sample(image[2:3], 2, noise=Noise(4, keys[2:3])).probabilities
    assert not torch.allclose(other, many[:, :2]) and not torch.allclose(many[0, 0], many[0, 1])


@every
def test_chunks_of_samples_change_nothing(name: str) -> None:
    method, image = build(name), torch.rand(2, 1, 16, 16)
    whole = method.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities
    method.chunk = 3
    portions = method.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities
    torch.testing.assert_close(whole, portions, atol=1e-4, rtol=1e-4)


@every
def test_any_number_of_steps_up_to_the_levels_is_made(name: str) -> None:
    method, image = build(name), torch.rand(1, 1, 16, 16)
    for steps in (1, 2, method.most):
        path = method.with_steps(steps).path()
        assert len(path) == steps + 1 and path[0] == method.most and all(a > b for a, b in pairwise(path))
        method.with_steps(steps).sample(image, 2, noise=Noise(0, ["a"]))
    with pytest.raises(ConfigError, match=f"steps: expected at most {method.most}, the levels of noise"):
        method.with_steps(method.most + 1)


@every
def test_outside_the_window_nothing_is_segmented(name: str) -> None:
    drawn = build(name, window=(8, 8)).sample(torch.rand(1, 1, 16, 16), 3, noise=Noise(0, ["a"]))
    assert drawn.masks.sum() == drawn.masks[..., 4:12, 4:12].sum() > 0


# Refusals.


@every
def test_what_does_not_fit_is_refused_in_a_line(name: str) -> None:
    config = CONFIGS[name]
    for changed, frame, said in (
        ({}, Frame(1, 1, (16, 16), slides=True), "field 'crop': .* looks at an image as a whole"),
        ({"steps": 21}, Frame(1, 1, (16, 16)), "field 'method.steps': expected at most the"),
        ({"network": SMALL.model_copy(update={"patch": 3})}, Frame(1, 1, (16, 16)), "field 'method.network.patch': 3"),
        ({"network": NetworkConfig(widths=(8,) * 5)}, Frame(1, 1, (16, 16)), "field 'method.network.widths'"),
        (adm(attention=(2,)), Frame(1, 1, (16, 16)), "field 'method.network.attention': expected levels from 0 to 1"),
        (adm(head=3), Frame(1, 1, (16, 16)), "field 'method.network.head': 3 does not divide"),
        (
            adm(context_widths=(8,)),
            Frame(1, 1, (16, 16)),
            "field 'method.network.context_widths': is not of kind 'adm'",
        ),
        (adm(kind="st", head=8), Frame(1, 1, (16, 16)), "field 'method.network.head': is not of kind 'st'"),
    ):
        with pytest.raises(ConfigError, match=said) as error:
            config.model_copy(update=changed).build(frame)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["analog-bits", "ccdm", "cimd", "tdpm"])
def test_every_preset_can_be_built(name: str) -> None:
    known = presets()
    for preset in (f"{name}-paper", f"{name}-phantom", f"{name}-lidc"):
        with torch.device("meta"):
            config = known[preset]
            size = (32, 32) if config.phantom else (128, 128)
            method = config.build(in_channels=1, channels=1, size=size)
        assert method.steps is not None and method.window == ((64, 64) if preset.endswith("lidc") else size)
