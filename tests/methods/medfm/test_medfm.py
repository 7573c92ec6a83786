"""Plain flow matching against its closed form: independent pixels that are set with a known probability."""

import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.methods import Frame
from atfm.methods.medfm import MedFM
from atfm.seeding import Noise
from atfm.train.presets import presets


class Exact(nn.Module):
    """The field `E[x_1 - x_0 | x_t]` of pixels that are 1 with probability `p`, else -1, and room to leave it.

    q = p N(x; t, (1 - t)^2) / ( p N(x; t, (1 - t)^2) + (1 - p) N(x; -t, (1 - t)^2) ),   g = (2 q - 1 - x) / (1 - t)
    """

    patch = 1

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.away = nn.Parameter(torch.zeros(4))

    def context(self, condition: Tensor) -> Tensor:
        return condition

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        t = t.reshape(-1, 1, 1, 1).clamp_max(1 - 1e-4)
        odds = torch.tensor(self.p).logit() + 2 * x * t / (1 - t).square()  # log N(x; t) - log N(x; -t)
        field = (2 * odds.sigmoid() - 1 - x) / (1 - t)
        return field + self.away[0] + self.away[1] * x + self.away[2] * t + self.away[3] * context


def exact(p: float, steps: int = 100, pairs: int = 4) -> MedFM:
    return MedFM(Exact(p), Frame(1, 1, (16, 16)), pairs=pairs, steps=steps)


def test_the_exact_field_is_where_the_loss_is_least() -> None:
    """The loss is quadratic in what is added to the field, so a gradient of zero is its minimum."""
    torch.manual_seed(0)
    gradients = []
    for _ in range(60):
        method = exact(0.3)
        masks = (torch.rand(8, 4, 1, 16, 16) < 0.3).float()
        present = torch.ones(8, 4, dtype=torch.bool)
        method.loss(Batch(torch.rand(8, 1, 16, 16), masks, present))["flow"].backward()
        gradients.append(method.network.away.grad)  # type: ignore[attr-defined]
    found = torch.stack(gradients)
    error = found.std(0) / len(found) ** 0.5
    assert (found.mean(0).abs() < 4 * error).all() and error.max() < 0.03
    other = exact(0.4)
    other.loss(Batch(torch.rand(64, 1, 16, 16), (torch.rand(64, 4, 1, 16, 16) < 0.3).float(), torch.ones(64, 4) > 0))[
        "flow"
    ].backward()
    assert other.network.away.grad[0].abs() > 0.1, "of another law it is not"  # type: ignore[attr-defined,index]


def test_the_exact_field_carries_noise_to_the_law_of_the_masks() -> None:
    for p in (0.15, 0.6):
        drawn = exact(p).sample(torch.rand(1, 1, 16, 16), 100, noise=Noise(0, ["a"]))
        assert abs(drawn.masks.float().mean().item() - p) < 0.013, "four deviations are .012"
        assert (drawn.probabilities - drawn.masks.float()).abs().mean() < 0.02, (
            "what flowed is a mask nearly everywhere"
        )


def test_pixels_of_which_nothing_is_said_have_no_gradient() -> None:
    class Anything(nn.Module):
        patch = 1

        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Parameter(torch.zeros(2, 1, 16, 16))

        def context(self, condition: Tensor) -> Tensor:
            return condition

        def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
            return self.out + 0 * x

    method = MedFM(Anything(), Frame(1, 1, (16, 16)), pairs=1, steps=2)
    valid = torch.rand(2, 1, 16, 16) > 0.5
    masks = (torch.rand(2, 1, 1, 16, 16) > 0.5).float() * valid.unsqueeze(2)
    method.loss(Batch(torch.rand(2, 1, 16, 16), masks, torch.ones(2, 1, dtype=torch.bool), valid))["flow"].backward()
    gradient = method.network.out.grad  # type: ignore[attr-defined]
    assert torch.equal(gradient != 0, valid)


def test_the_published_setting() -> None:
    with torch.device("meta"):
        config = presets()["medfm-paper"]
        method = config.build(in_channels=1, channels=1, size=(128, 128))
    stage = config.stages["flow"]
    assert (method.steps, stage.batch, stage.lr, stage.ema, stage.weight_decay) == (250, 16, 1e-4, 0.9999, 0)
    assert stage.steps * stage.batch == 308_500 * 16 and config.window is None
