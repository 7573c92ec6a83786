"""What every plain method owes: shapes, its noise, readers and pixels that do not count, volumes, a loss that falls."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.fit import fit
from atfm.methods import Frame, Method, MethodConfig
from atfm.methods.ensemble import EnsembleConfig
from atfm.methods.flow_ssn import FlowSSNConfig
from atfm.methods.flow_ssn.config import LightConfig
from atfm.methods.medfm import MedFMConfig
from atfm.methods.mose import MoSEConfig
from atfm.methods.ssn import SSNConfig
from atfm.methods.unet import UNetConfig
from atfm.methods.unet.config import SegmenterConfig
from atfm.models import load
from atfm.seeding import Noise
from atfm.train.cases import Cases
from atfm.train.config import override
from atfm.train.presets import presets

SMALL = SegmenterConfig(widths=(8, 8), patch=2, dropout=0.3)
LIGHT = LightConfig(widths=(8, 8), head=0, dropout=0.0, patch=2)
CONFIGS: dict[str, MethodConfig] = {
    "unet": UNetConfig(network=SMALL),
    "still": UNetConfig(network=SMALL, test_time_dropout=False),
    "ensemble": EnsembleConfig(members=3, network=SMALL),
    "ensemble of votes": EnsembleConfig(members=3, network=SMALL, readers="all"),
    "medfm": MedFMConfig(network="st", widths=(8, 8), context_widths=(8,), patch=2, pairs=2, steps=3, attention=()),
    "medfm, published form": MedFMConfig(widths=(8, 8), blocks=1, attention=(1,), dropout=0.1, steps=3),
    "mose": MoSEConfig(widths=(8, 8), convs=1, gate=1, draws=2),
    "mose, weighted": MoSEConfig(widths=(8, 8), convs=1, gate=1, draws=2, coupling="exact", weighted=True),
    "ssn": SSNConfig(widths=(8, 8), convs=1, rank=3, monte_carlo=4),
    "flow-ssn": FlowSSNConfig(base=LIGHT, flow=LIGHT, steps=3),
    "flow-ssn, learnt": FlowSSNConfig(
        base=LIGHT, flow=LIGHT, steps=3, deviation=None, velocity="marginal", monte_carlo=2
    ),
}


def built(name: str, channels: int = 1, size: tuple[int, ...] = (16, 16), **fields: Any) -> Method:
    torch.manual_seed(0)
    method = CONFIGS[name].build(Frame(1, channels, size, **fields))
    for parameter in method.parameters():  # what begins at zero would hide what is not seen
        parameter.data += 0.05 * torch.randn_like(parameter)
    return method.eval()


def batch(channels: int = 1, size: tuple[int, ...] = (16, 16)) -> Batch:
    g = torch.Generator().manual_seed(5)
    labels = torch.randint(max(2, channels), (3, 4, *size), generator=g)
    masks = labels.unsqueeze(2) if channels == 1 else F.one_hot(labels).movedim(-1, 2)
    present = torch.tensor([[True, True, False, False], [True] * 4, [False, True, False, False]])
    valid = torch.rand(3, 4, *size, generator=g) > 0.2
    image = torch.rand(3, 1, *size, generator=g)
    return Batch(image, masks * (valid & present.reshape(3, 4, *[1] * len(size))).unsqueeze(2).float(), present, valid)


@pytest.mark.parametrize("size", [(16, 16), (8, 8, 8)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_all_that_is_trained_has_a_gradient_and_samples_have_shapes(
    name: str, channels: int, size: tuple[int, ...]
) -> None:
    method, images = built(name, channels, size), batch(channels, size)
    stage = method.stages()[0]
    losses = stage.loss(images)
    assert all(value.dim() == 0 and torch.isfinite(value) for value in losses.values())
    sum(losses.values()).backward()  # type: ignore[union-attr]
    assert set(stage.trained.parameters()) == set(method.parameters())
    assert [key for key, parameter in method.named_parameters() if parameter.grad is None] == []
    drawn = method.sample(images.image, 4, noise=Noise(0, ["a", "b", "c"]))
    assert drawn.probabilities.shape == drawn.masks.shape == (3, 4, channels, *size)
    assert drawn.probabilities.min() >= 0 and drawn.probabilities.max() <= 1
    assert channels == 1 or bool((drawn.masks.sum(2) == 1).all())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_sample_is_the_same_alone_among_many_and_from_where_one_goes_on(name: str) -> None:
    method, image = built(name), torch.rand(3, 1, 16, 16)
    few = method.sample(image, 4, noise=Noise(3, ["a", "b", "c"])).probabilities
    many = method.sample(image[1:2], 70, noise=Noise(3, ["b"])).probabilities
    later = method.sample(image[1:2], 20, noise=Noise(3, ["b"]), first=50).probabilities
    torch.testing.assert_close(few[1], many[0, :4], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(later, many[:, 50:], atol=1e-5, rtol=1e-4)
    other = method.sample(image[1:2], 70, noise=Noise(4, ["b"])).probabilities
    differ = not torch.allclose(many, other, atol=1e-3)
    assert differ == (name != "still"), "the seed decides, where anything is left to it"


@pytest.mark.parametrize("name", CONFIGS)
def test_padding_counts_for_nothing(name: str) -> None:
    method, images = built(name), batch()
    losses = []
    for value in (0.0, 1.0):
        annotations = images.annotations.clone()
        annotations[~images.present] = value
        torch.manual_seed(1)
        losses.append(sum(method.loss(Batch(images.image, annotations, images.present, images.valid)).values()))
    assert torch.equal(*losses)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["unet", "still", "ensemble", "medfm"])
def test_crops_are_slid_over_larger_images_and_one_tile_is_the_image(name: str) -> None:
    method = built(name, slides=True)
    larger = method.sample(torch.rand(1, 1, 40, 23), 3, noise=Noise(0, ["a"]))
    assert larger.masks.shape == (1, 3, 1, 40, 23)
    image = torch.rand(2, 1, 16, 16)
    whole = method.sample(image, 3, noise=Noise(0, ["a", "b"])).probabilities
    method.size = method.window = (8, 8)  # the same image, now of several tiles: seams alone may differ
    slid = method.sample(image, 3, noise=Noise(0, ["a", "b"])).probabilities
    assert slid.shape == whole.shape and torch.isfinite(slid).all()


def test_what_does_not_fit_is_refused_in_a_line() -> None:
    slides = Frame(1, 1, (16, 16), slides=True)
    for config, frame, said in (
        (FlowSSNConfig(), slides, "field 'crop': flow-ssn looks at an image as a whole"),
        (FlowSSNConfig(base=LightConfig(widths=(8,), head=3)), Frame(1, 1, (16, 16)), "'method.base.head': 3 does not"),
        (MedFMConfig(attention=(7,)), Frame(1, 1, (64, 64)), "'method.attention': expected levels from 0 to 4, got 7"),
        (MedFMConfig(context_widths=(8,)), slides, "'method.context_widths': is of network 'st'"),
        (MedFMConfig(), Frame(1, 1, (16, 16)), "'method.widths': so many levels"),
        (UNetConfig(network=SegmenterConfig(patch=3)), slides, "'method.network.patch': 3 does not divide"),
    ):
        with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
            config.build(frame)


@pytest.mark.parametrize("name", ["unet", "ensemble", "medfm", "flow-ssn", "mose", "ssn"])
def test_on_the_phantom_the_loss_falls(name: str, tmp_path: Path) -> None:
    preset = presets()[f"{name}-phantom"]
    plan = {"batch": 8, "parts": 1, "warmup": 5, "ema": 0.9}
    steps = [60 if not number else 0 for number in range(len(preset.stages))]  # one stage of it
    fields = {
        "method": json.loads(CONFIGS[name].model_dump_json()),
        "stages": {stage: {"steps": count} | plan for stage, count in zip(preset.stages, steps, strict=True)},
        "validate_cases": 2,
        "validate_samples": 4,
    }
    drawn = list(phantom_cases(0, 24, annotators=3))
    cases = Cases(drawn[:20], drawn[20:], {"name": "few"}, [case.patient_id for case in drawn[:20]])
    fitted = fit(override(preset, fields), cases, tmp_path / "run", device=torch.device("cpu"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    told = [
        sum(line[key] for key in line.keys() - {"step", "stage", "gradient"}) for line in lines if "gradient" in line
    ]
    most = 0.95 if name == "mose" else 0.8  # 1 - IoU of small lesions begins at 1 and falls late
    assert len(told) == 7 and sum(told[-3:]) / 3 < most * told[0]
    assert fitted.validation is not None and load(tmp_path / "run").method.channels == 1
