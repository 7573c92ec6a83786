"""Every stage in bf16, on the CPU under autocast with CUDA's promotion rules: it runs, and its loss is that of float32.

CUDA's autocast is not the CPU's. It runs some functions in float32 whatever they are given, widens the arguments of a
few others to one type, and leaves the rest as they are: `torch.lerp` then refuses two types (PyTorch, "Autocast op
reference").
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.flow.coupling import optimal
from atfm.flow.energy import energy_score
from atfm.flow.loss import cross_entropy, flow_matching, semantic
from atfm.methods import Frame, Method, MethodConfig
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.ensemble import EnsembleConfig
from atfm.methods.flow_ssn import FlowSSNConfig
from atfm.methods.flow_ssn.config import LightConfig
from atfm.methods.gtr import GTRConfig, PresenceConfig
from atfm.methods.hpunet import HPUNetConfig
from atfm.methods.medfm import MedFMConfig
from atfm.methods.phiseg import PHiSegConfig
from atfm.methods.prob_unet import ProbUNetConfig
from atfm.methods.unet import UNetConfig
from atfm.methods.unet.config import SegmenterConfig
from atfm.seeding import Noise
from atfm.truncation.likelihood import all_annotators
from atfm.truncation.presence import presence_loss

IN_FLOAT32 = {
    "__pow__", "__rpow__", "acos", "asin", "binary_cross_entropy_with_logits", "cosh", "cosine_similarity",
    "cross_entropy", "cumprod", "cumsum", "dist", "erfinv", "exp", "expm1", "group_norm", "kl_div", "l1_loss",
    "layer_norm", "log", "log10", "log1p", "log2", "log_softmax", "logsumexp", "mse_loss", "nll_loss", "norm",
    "normalize", "pow", "prod", "reciprocal", "renorm", "rsqrt", "sinh", "smooth_l1_loss", "softmax", "softmin",
    "softplus", "sum", "tan",
}  # fmt: skip
WIDENED = {"addcdiv", "addcmul", "atan2", "bilinear", "cat", "cross", "dot", "grid_sample", "index_put", "stack"}
REFUSES_TWO_TYPES = {"lerp", "lerp_"}
UNSAFE = {"binary_cross_entropy"}


class LikeCUDA(TorchFunctionMode):
    """CUDA's rules, where CPU autocast is on."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if not torch.is_autocast_enabled("cpu"):
            return func(*args, **kwargs)
        given = {x.dtype for x in tensors([*args, *kwargs.values()]) if x.is_floating_point()}
        if name in UNSAFE:
            raise RuntimeError(f"{name} is unsafe to autocast")
        if name in REFUSES_TWO_TYPES and len(given) > 1:
            raise RuntimeError(f"{name}: expected one type, got {given}")
        if name in IN_FLOAT32 or (name in WIDENED and len(given) > 1):
            with torch.autocast("cpu", enabled=False):
                return func(*wide(args), **{key: wide(value) for key, value in kwargs.items()})
        return func(*args, **kwargs)


def tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


def wide(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(wide, value))
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value


def in_bf16(run: Callable[[], Any]) -> Any:
    with torch.autocast("cpu", torch.bfloat16), LikeCUDA():
        return run()


def test_the_emulation_does_what_cuda_does() -> None:
    half, full = torch.ones(3, dtype=torch.bfloat16), torch.ones(3)
    assert in_bf16(lambda: F.softplus(half)).dtype == torch.float32
    assert in_bf16(lambda: half.sum()).dtype == torch.float32
    assert in_bf16(lambda: torch.addcmul(full, half, half)).dtype == torch.float32
    assert in_bf16(lambda: F.linear(full, torch.ones(2, 3))).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="one type"):
        in_bf16(lambda: torch.lerp(full, half, 0.5))
    with pytest.raises(RuntimeError, match="unsafe"):
        in_bf16(lambda: F.binary_cross_entropy(full, full))


GTR = GTRConfig(widths=(8, 16), rank=3, patch=2, monte_carlo=8)
ONE = GTRConfig(widths=(8, 16), rank=3, patch=2, monte_carlo=8, annotators="one")
SEEN = GTRConfig(widths=(8, 16), rank=3, patch=2, monte_carlo=8, presence=PresenceConfig(widths=(4, 8), members=2))
OURS = {"widths": (8, 16), "context_widths": (8,), "patch": 2, "starts": 4, "steps": 2, "alpha": 0.1}
PAPER = {"widths": (8, 16), "attention": True, "form": "velocity", "coupling": "independent", "condition": "image"}
SMALL = SegmenterConfig(widths=(8, 16), patch=2, dropout=0.1)
LIGHT = LightConfig(widths=(8, 16), head=0, patch=2)

CONFIGS: dict[str, MethodConfig] = {
    "gtr": GTR,
    "ours": ATFMConfig(gtr=GTR, sfm=SFMConfig(**OURS, prior=0.01, temperature=1.2)),
    "hurdle": ATFMConfig(gtr=SEEN, sfm=SFMConfig(**OURS, prior=0.01)),
    "paper": ATFMConfig(gtr=ONE, sfm=SFMConfig(**PAPER, steps=3)),
    "unet": UNetConfig(network=SMALL),
    "ensemble": EnsembleConfig(members=2, network=SMALL),
    "medfm": MedFMConfig(network="st", widths=(8, 16), context_widths=(8,), patch=2, steps=3),
    "medfm, published form": MedFMConfig(widths=(8, 16), blocks=1, attention=(1,), steps=3),
    "flow-ssn": FlowSSNConfig(base=LIGHT, flow=LIGHT, steps=3),
    "prob-unet": ProbUNetConfig(widths=(8, 16), norm="group"),
    "phiseg": PHiSegConfig(widths=(8, 16, 16), levels=2),
    "hpunet": HPUNetConfig(widths=(8, 16, 16), latents=(1, 1), hardest=0.5, draw=False),
}


def built(config: MethodConfig, channels: int) -> Method:
    torch.manual_seed(0)
    return config.build(Frame(1, channels, (32, 32)))


def batch(channels: int) -> Batch:
    """Discs of different sizes, an empty mask among them."""
    axis = torch.arange(32) - 15.5
    radius = (axis[:, None] ** 2 + axis**2).sqrt()
    size = torch.tensor([[9.0, 6.0, 0.0, 7.0], [3.0, 5.0, 12.0, 4.0], [6.0, 6.0, 5.0, 9.0]])
    disc = (radius < size[:, :, None, None]).long()  # [B, K, H, W]
    labels = disc + (radius < size[:, :, None, None] / 2) if channels > 1 else disc
    annotations = F.one_hot(labels, channels).movedim(-1, 2) if channels > 1 else labels.unsqueeze(2)
    g = torch.Generator().manual_seed(1)
    image = disc.float().mean(1, keepdim=True) * 0.6 + 0.3 * torch.rand(3, 1, 32, 32, generator=g)
    return Batch(image, annotations.float(), torch.ones(3, 4, dtype=torch.bool))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_loss_in_bf16_is_that_of_float32_within_a_hundredth(name: str, channels: int) -> None:
    """Half a hundredth of a likelihood or cross-entropy is what 8 bits in the networks change; sums are exact."""
    method, images = built(CONFIGS[name], channels), batch(channels)
    for stage in method.stages():
        method.eval().requires_grad_(False)
        stage.trained.requires_grad_(True)
        found = []
        for run in (lambda f: f(), in_bf16):
            torch.manual_seed(2)
            losses = run(lambda: stage.loss(images))  # noqa: B023
            method.zero_grad()
            sum(losses.values()).backward()
            gradient = torch.cat([p.grad.flatten() for p in stage.trained.parameters()])
            assert all(value.dtype == torch.float32 for value in losses.values())
            assert torch.isfinite(gradient).all()
            found.append((losses, gradient))
        (full, true), (half, near) = found
        for key, value in full.items():
            assert half[key].item() == pytest.approx(value.item(), rel=0.01, abs=0.01), (stage.name, key)
        assert F.cosine_similarity(true, near, dim=0) > 0.9, stage.name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_samples_in_bf16_are_probabilities_in_float32(name: str, channels: int) -> None:
    method, image = built(CONFIGS[name], channels).eval(), batch(channels).image
    noise = Noise(0, ["a", "b", "c"])
    full, half = method.sample(image, 4, noise=noise), in_bf16(lambda: method.sample(image, 4, noise=noise))
    assert half.probabilities.dtype == torch.float32
    assert (full.masks == half.masks).float().mean() > 0.98


SHAPE = (2, 3, 1, 64, 64)
LOGITS, ANNOTATIONS = torch.randn(SHAPE) * 3, (torch.rand(SHAPE) > 0.5).float()
PRESENT, VALID = torch.ones(2, 3, dtype=torch.bool), torch.rand(2, 3, 64, 64) > 0.1

SUMS: dict[str, Callable[[], Tensor]] = {
    "likelihood": lambda: all_annotators(LOGITS, ANNOTATIONS, PRESENT),
    "likelihood with void pixels": lambda: all_annotators(LOGITS, ANNOTATIONS, PRESENT, VALID),
    "energy score": lambda: energy_score(LOGITS.sigmoid(), ANNOTATIONS, PRESENT),
    "semantic": lambda: semantic(LOGITS.sigmoid(), ANNOTATIONS, PRESENT, VALID),
    "flow matching": lambda: flow_matching(LOGITS[:, 0], ANNOTATIONS[:, 0], VALID[:, 0]),
    "cross-entropy": lambda: cross_entropy(LOGITS[:, 0], ANNOTATIONS[:, 0], VALID[:, 0]),
    "presence": lambda: presence_loss(LOGITS[0, :, 0, 0, :2], PRESENT, PRESENT),
    "coupling": lambda: optimal(LOGITS.sigmoid(), ANNOTATIONS, PRESENT, torch.Generator().manual_seed(0)),
    "start": lambda: start(1.3),
}


def start(temperature: float) -> Tensor:
    method = built(GTR, 1)
    g = torch.Generator().manual_seed(0)
    mean, factor, deviation = (
        torch.randn(2, *shape, generator=g) for shape in ((1, 32, 32), (3, 1, 32, 32), (1, 32, 32))
    )
    numbers = Noise(0, ["a", "b"]).draw(method.needs((32, 32)), 3)
    return method.start(LowRankNormal(mean, factor, deviation.square()), numbers, temperature)  # type: ignore[operator]


@pytest.mark.parametrize("name", SUMS)
def test_sums_over_pixels_lose_no_bit_whatever_surrounds_them(name: str) -> None:
    assert torch.equal(in_bf16(SUMS[name]), SUMS[name]())
