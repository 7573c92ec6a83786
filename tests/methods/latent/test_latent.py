"""What holds for every method with latent variables: sampling, shapes, readers, void pixels, refusals, a training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.fit import fit
from atfm.methods import METHODS, Frame
from atfm.methods.hpunet import HPUNetConfig
from atfm.methods.hpunet.hardest import cross_entropies
from atfm.methods.latent import LatentConfig, LatentMethod, negative_log_likelihood
from atfm.methods.phiseg import PHiSegConfig
from atfm.methods.prob_unet import ProbUNetConfig
from atfm.models import load
from atfm.seeding import Noise
from atfm.train.cases import Cases
from atfm.train.config import override
from atfm.train.presets import presets

SMALL: dict[str, LatentConfig] = {
    "prob-unet": ProbUNetConfig(widths=(4, 6, 8), convs=1, norm="group", latents=3, combine=2),
    "phiseg": PHiSegConfig(widths=(4, 6, 8), convs=1, levels=2),
    "hpunet": HPUNetConfig(widths=(4, 6, 8), convs=1, latents=(2, 1), hardest=0.2),
}
NAMES = pytest.mark.parametrize("name", SMALL)


def built(name: str, channels: int = 1, size: tuple[int, ...] = (16, 16), **fields: Any) -> LatentMethod:
    torch.manual_seed(0)
    method = SMALL[name].model_copy(update=fields).build(Frame(1, channels, size)).eval()
    assert isinstance(method, LatentMethod)
    return method


def batch(channels: int = 1, size: tuple[int, ...] = (16, 16)) -> Batch:
    g = torch.Generator().manual_seed(5)
    labels = torch.randint(max(2, channels), (3, 4, *size), generator=g)
    masks = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    present = torch.ones(3, 4, dtype=torch.bool)
    present[0, 1:] = False
    return Batch(torch.rand(3, 1, *size, generator=g), masks, present)


def total(method: LatentMethod, images: Batch, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.stack(list(method.loss(images).values())).sum()


@NAMES
def test_a_sample_depends_on_its_own_noise_alone(name: str) -> None:
    method, image = built(name), torch.rand(2, 1, 16, 16)
    many = method.sample(image, 6, noise=Noise(0, ["a", "b"])).probabilities
    assert torch.equal(many, method.sample(image, 6, noise=Noise(0, ["a", "b"])).probabilities)
    later = method.sample(image, 2, noise=Noise(0, ["a", "b"]), first=4).probabilities
    torch.testing.assert_close(many[:, 4:], later)
    alone = method.sample(image[1:], 6, noise=Noise(0, ["b"])).probabilities
    torch.testing.assert_close(many[1:], alone)
    method.chunk = 5
    torch.testing.assert_close(many, method.sample(image, 6, noise=Noise(0, ["a", "b"])).probabilities)
    other = method.sample(image, 6, noise=Noise(1, ["a", "b"])).probabilities
    assert not torch.allclose(many, other) and not torch.allclose(many[:, 0], many[:, 1])


@NAMES
@pytest.mark.parametrize(("channels", "size"), [(1, (16, 16)), (3, (13, 18)), (1, (8, 12, 10)), (2, (8, 8, 8))])
def test_every_weight_learns_of_masks_and_volumes_of_one_and_more_classes(
    name: str, channels: int, size: tuple[int, ...]
) -> None:
    method = built(name, channels, size, readers=2).train()
    total(method, batch(channels, size)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in method.parameters())
    drawn = method.eval().sample(torch.rand(1, 1, *size), 3, noise=Noise(0, ["a"]))
    assert drawn.masks.shape == (1, 3, channels, *size)
    if channels > 1:
        torch.testing.assert_close(drawn.probabilities.sum(2), torch.ones(1, 3, *size))


@NAMES
def test_a_reader_who_is_not_there_is_never_shown(name: str) -> None:
    method, images = built(name, readers=4), batch()
    other = Batch(images.image, images.annotations.clone(), images.present)
    other.annotations[0, 1:] = 1 - other.annotations[0, 1:]
    torch.testing.assert_close(total(method, images), total(method, other), rtol=0, atol=0)
    other.annotations[0, 0] = 1 - other.annotations[0, 0]
    assert total(method, images) != total(method, other)


@NAMES
def test_where_all_pixels_are_said_of_it_is_as_if_nothing_were_said_about_that(name: str) -> None:
    method, images = built(name), batch()
    valid = torch.ones(3, 4, 16, 16, dtype=torch.bool)
    whole = Batch(images.image, images.annotations, images.present, valid)
    torch.testing.assert_close(total(method, images), total(method, whole))


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_which_nothing_is_said_are_not_shown_and_not_explained(channels: int) -> None:
    method, images = built("prob-unet", channels), batch(channels)
    valid = torch.rand(3, 4, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.3
    annotations = images.annotations * valid.unsqueeze(2)
    told = method.told(Batch(images.image, annotations, images.present, valid))
    assert told.said is not None
    silent = ~told.said.unsqueeze(1).expand_as(told.mask)
    assert (told.seen[:, 1:][silent] == 0).all() and (told.seen[:, 1:][~silent].abs() == 0.5).all()
    logits = torch.randn(3, channels, 16, 16)
    expected = torch.where(told.said, cross_entropies(logits, told.mask), 0.0).flatten(1).sum(1)
    torch.testing.assert_close(negative_log_likelihood(logits, told), expected)


@NAMES
def test_crops_and_too_many_levels_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match=r"field 'crop': .* draws its latent variables for an image as a whole"):
        SMALL[name].build(Frame(1, 1, (16, 16), slides=True))
    with pytest.raises(ConfigError, match=r"field 'method.widths': so many levels leave a single position"):
        SMALL[name].model_copy(update={"widths": (4,) * 7}).build(Frame(1, 1, (16, 16)))


def test_levels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"field 'method.levels': 4 of the 3 levels"):
        built("phiseg", levels=4)
    with pytest.raises(ConfigError, match=r"field 'method.latents': 3 levels .* at most 2, got 3"):
        built("hpunet", latents=(1, 1, 1))


@NAMES
def test_a_window_is_put_into_its_place(name: str) -> None:
    torch.manual_seed(0)
    method = SMALL[name].build(Frame(1, 1, (16, 16), (8, 8))).eval()
    drawn = method.sample(torch.rand(1, 1, 16, 16), 2, noise=Noise(0, ["a"]))
    assert drawn.probabilities.shape == (1, 2, 1, 16, 16)
    assert drawn.probabilities[..., 4:12, 4:12].min() > 0
    drawn.probabilities[..., 4:12, 4:12] = 0
    assert not drawn.probabilities.any()


@pytest.fixture(scope="module")
def cases() -> Iterator[Cases]:
    drawn = list(phantom_cases(0, 60, annotators=4))
    yield Cases(drawn[:48], drawn[48:], {"name": "sixty"}, [case.patient_id for case in drawn[:48]])


@NAMES
def test_sixty_steps_on_the_phantom_explain_masks_better(name: str, cases: Cases, tmp_path: Path) -> None:
    preset = presets()[f"{name}-phantom"]
    (stage,) = preset.stages
    plan = {"steps": 60, "batch": 8, "parts": 2, "warmup": 5, "ema": 0.9, "lr": 3e-3}
    method = {**SMALL[name].model_dump(mode="json"), "widths": [8, 12, 16], "readers": 2}
    short = {"method": method, "stages": {stage: plan}, "validate_cases": 4, "validate_samples": 4}
    config = override(preset, short)
    torch.manual_seed(0)
    before = config.build(in_channels=1, channels=1, size=(32, 32))
    fitted = fit(config, cases, tmp_path / "run", device=torch.device("cpu"))
    assert fitted.steps == 60 and fitted.validation is not None and fitted.validation["ged_4"] > 0
    after = load(tmp_path / "run").method
    assert type(after) is type(before)
    assert explained(after, cases) < 0.7 * explained(before.eval(), cases)  # type: ignore[arg-type]


def explained(method: LatentMethod, cases: Cases) -> float:
    """The cross-entropy of held-out masks with samples of the prior: what both loss terms are there to lower."""
    held = Held(cases.validation, 1)
    found = []
    for index, case_id in enumerate(held.case_ids):
        annotations, _ = held.annotations(index)
        share = torch.as_tensor(annotations).float().mean(0)
        drawn = method.sample(held.image(index).unsqueeze(0), 8, noise=Noise(0, [case_id]))
        found.append(F.binary_cross_entropy(drawn.probabilities[0].mean(0), share).item())
    return sum(found) / len(found)


def test_they_are_listed() -> None:
    for name in SMALL:
        assert {f"{name}-{kind}" for kind in ("paper", "phantom", "lidc")} == METHODS[name].presets.keys()
