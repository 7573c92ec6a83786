"""MoSE's costs, its gate, its weighted samples, and its size against the published one."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from atfm.data.batch import Batch
from atfm.errors import ConfigError
from atfm.methods import Frame
from atfm.methods.mose import MoSE, MoSEConfig
from atfm.methods.mose.method import costs, gate_loss
from atfm.seeding import Noise
from atfm.train.presets import presets


def mose(channels: int = 1, **fields: object) -> MoSE:
    torch.manual_seed(0)
    config = MoSEConfig.model_validate({"widths": (8, 8), "convs": 1, "gate": 1, "draws": 2} | fields)
    return config.build(Frame(1, channels, (8, 8))).eval()


def test_costs_are_those_of_a_naive_loop_over_pixels_that_count() -> None:
    torch.manual_seed(0)
    p = torch.rand(2, 3, 3, 5, 4).softmax(2)
    valid = torch.rand(2, 2, 5, 4) > 0.3
    y = torch.nn.functional.one_hot(torch.randint(3, (2, 2, 5, 4)), 3).movedim(-1, 2) * valid.unsqueeze(2).float()
    found = costs(p, y, valid)
    for b in range(2):
        for s in range(3):
            for k in range(2):
                each = []
                for c in (1, 2):
                    a, t = p[b, s, c][valid[b, k]], y[b, k, c][valid[b, k]]
                    each.append(1 - ((a * t).sum() + 1) / ((a + t - a * t).sum() + 1))
                torch.testing.assert_close(found[b, s, k], torch.stack(each).mean())
    torch.testing.assert_close(costs(p, y, torch.ones_like(valid)), costs(p, y))


def test_the_loss_of_stage_1_is_the_transport_solved_by_a_linear_programme() -> None:
    """The whole loss, against scipy's programme on the costs of the very samples that were drawn."""
    method = mose(coupling="exact", share=0.5)
    seen: list[torch.Tensor] = []
    method.network.head.register_forward_hook(lambda module, given, logits: seen.append(logits))
    masks = (torch.rand(2, 3, 1, 8, 8) > 0.5).float()
    present = torch.tensor([[True, True, True], [True, False, True]])
    torch.manual_seed(4)
    bounded, _ = method.stages()
    found = bounded.loss(Batch(torch.rand(2, 1, 8, 8), masks, present))
    p = seen[0].unflatten(0, (2, 8)).softmax(2)
    cost = costs(p, torch.cat([1 - masks, masks], 2)).detach().double().numpy()
    expected = []
    for b in range(2):
        some = cost[b][:, present[b].numpy()]
        samples, readers = some.shape
        answer = linprog(
            some.ravel(),
            A_ub=np.kron(np.eye(samples), np.ones((1, readers))),
            b_ub=np.full(samples, 0.5),
            A_eq=np.kron(np.ones((1, samples)), np.eye(readers)),
            b_eq=np.full(readers, 1 / readers),
        )
        expected.append(answer.fun)
    assert found["transport"].item() == pytest.approx(np.mean(expected), abs=1e-5)


def test_the_gates_loss_is_the_divergence_and_is_least_at_what_the_experts_took() -> None:
    taken = torch.tensor([[0.5, 0.0, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])
    gate = torch.randn(2, 2, requires_grad=True)
    q = gate.softmax(1).repeat_interleave(2, 1) / 2
    by_hand = sum(t * math.log(t / r) for t, r in zip(taken.flatten().tolist(), q.flatten().tolist(), strict=True) if t)
    assert gate_loss(taken, gate, 2).item() == pytest.approx(by_hand / 8, abs=1e-6)
    best = torch.tensor([[0.5, 0.5], [0.3, 0.7]]).log().requires_grad_(True)
    gate_loss(taken, best, 2).backward()
    torch.testing.assert_close(best.grad, torch.zeros(2, 2), atol=1e-7, rtol=0)


def test_weights_are_the_gates_and_both_forms_mean_the_same_law() -> None:
    weighted, plain = mose(weighted=True), mose()
    plain.load_state_dict(weighted.state_dict())
    with torch.no_grad():
        weighted.network.gate[-1].weight.mul_(30)  # type: ignore[union-attr,operator]
        plain.load_state_dict(weighted.state_dict())
    image, noise = torch.rand(1, 1, 8, 8), Noise(0, ["a"])
    drawn = weighted.sample(image, 2000, noise=noise)
    often = plain.sample(image, 2000, noise=noise)
    assert drawn.weights is not None and often.weights is None
    torch.testing.assert_close(drawn.weights.sum(1), torch.ones(1))
    assert len(drawn.weights.unique()) == 4, "one weight for each expert"
    mean = (drawn.probabilities * drawn.weights[:, :, None, None, None]).sum(1)
    torch.testing.assert_close(mean, often.probabilities.mean(1), atol=0.02, rtol=0)


def test_the_published_size_is_37_28_megabytes_not_millions() -> None:
    """4 bytes for each parameter: with the biases before batch normalisations, which are left out here, 9,319,950."""
    with torch.device("meta"):
        method = presets()["mose-paper"].build(in_channels=1, channels=1, size=(128, 128))
    widths = (32, 64, 128, 192, 192, 192, 192)
    biases = 3 * sum(widths) + 3 * sum(widths[:-1]) + 2
    count = sum(parameter.numel() for parameter in method.parameters()) + biases
    assert count == 9_319_950 and round(4 * count / 1e6, 2) == 37.28


def test_what_does_not_fit_is_refused() -> None:
    for fields, said in (
        ({"gate": 2}, "a level from 0 to 1"),
        ({"experts": 1, "draws": 1}, "less than all annotations"),
    ):
        with pytest.raises(ConfigError, match=said):
            mose(**fields)
    with pytest.raises(ConfigError, match="field 'crop'"):
        MoSEConfig().build(Frame(1, 1, (128, 128), slides=True))
