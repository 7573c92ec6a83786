"""One step: parts of a batch, gradients that are not finite, precision, the optimiser's state."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.errors import TrainingError
from atfm.methods import Frame, Method, Stage, StageConfig
from atfm.train.step import Stepper, schedule

CPU = torch.device("cpu")


class Line(Method):
    """`y = w x`, by least squares."""

    def __init__(self) -> None:
        super().__init__(Frame(1, 1, (4, 4)))
        torch.manual_seed(0)
        self.network = nn.Conv2d(1, 1, 3, padding=1)
        self.factor = 1.0
        self.seen: list[torch.dtype] = []

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        found = self.network(batch.image)
        self.seen.append(found.dtype)
        return {
            "square": self.factor * (found.float() - batch.annotations[:, 0]).square().mean(),
            "zero": found.sum() * 0,
        }


def stepper(method: Line, **fields: object) -> Stepper:
    plan = StageConfig(**{"steps": 20, "batch": 8, "lr": 1e-2, "warmup": 0, "decay": "none"} | fields)  # type: ignore[arg-type]
    return Stepper(Stage("line", method, method, method.loss), plan, 0, CPU)


def images(parts: int = 1, count: int = 8) -> Callable[[int], Batch]:
    g = torch.Generator().manual_seed(3)
    image, truth = torch.rand(2, count, 1, 4, 4, generator=g)

    def part(number: int) -> Batch:
        rows = slice(number * count // parts, (number + 1) * count // parts)
        return Batch(image[rows], truth[rows].unsqueeze(1), torch.ones(count // parts, 1, dtype=torch.bool))

    return part


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_gradient_and_the_losses_of_the_whole(parts: int) -> None:
    one, several = Line(), Line()
    whole = stepper(one).step(0, images())
    told = stepper(several, parts=parts).step(0, images(parts))
    for a, b in zip(one.parameters(), several.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
        torch.testing.assert_close(a, b)
    assert whole.keys() == told.keys() == {"square", "zero", "gradient"}
    for name in whole:
        torch.testing.assert_close(whole[name], told[name])


def test_each_part_has_noise_of_its_own_and_the_same_in_every_run() -> None:
    class Noisy(Line):
        def loss(self, batch: Batch) -> dict[str, Tensor]:
            self.drawn = [*getattr(self, "drawn", []), float(torch.rand(()))]
            return super().loss(batch)

    first, again = Noisy(), Noisy()
    for method in (first, again):
        steps = stepper(method, parts=2)
        for number in (0, 1):
            steps.step(number, images(2))
        torch.rand(5)
    assert first.drawn == again.drawn and len(set(first.drawn)) == 4


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(bad: float) -> None:
    method = Line()
    steps = stepper(method)
    steps.step(0, images())
    weights = {name: value.clone() for name, value in method.state_dict().items()}
    state = {name: value.clone() for name, value in steps.tensors().items()}
    method.factor = bad
    losses = steps.step(1, images())
    assert not torch.isfinite(losses["square"])
    assert all(torch.equal(value, weights[name]) for name, value in method.state_dict().items())
    assert all(torch.equal(value, state[name]) for name, value in steps.tensors().items())
    assert steps.check(0) == 1
    method.factor = 1.0
    steps.step(2, images())
    assert steps.check(0) == 1 and not torch.equal(method.network.weight, weights["network.weight"])


def test_ten_such_steps_in_a_row_end_the_training_and_nine_do_not() -> None:
    method = Line()
    steps = stepper(method)
    for number in range(30):  # nine, then a good one, twice; then ten
        method.factor = 1.0 if number in (9, 19) else float("nan")
        steps.step(number, images())
        if number < 29:
            assert steps.check(7) == number + 1 - (number >= 9) - (number >= 19)
    with pytest.raises(
        TrainingError, match=r"stage line: .* checkpoint of step 7 is kept; lower stages.line.lr \(now 0.01\)"
    ):
        steps.check(7)


def test_the_gradient_is_clipped() -> None:
    method = Line()
    method.factor = 1000.0
    told = stepper(method, clip=0.5).step(0, images())
    norm = torch.stack([p.grad.norm() for p in method.parameters()]).norm()  # type: ignore[union-attr]
    assert told["gradient"] > 0.5
    torch.testing.assert_close(norm, torch.tensor(0.5), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16", torch.bfloat16), ("float32", torch.float32), ("auto", torch.float32)]
)
def test_networks_run_in_the_precision_that_is_asked_for(precision: str, dtype: torch.dtype) -> None:
    method = Line()
    stepper(method, precision=precision).step(0, images())
    assert method.seen == [dtype]
    assert all(p.dtype == torch.float32 for p in method.parameters())


def test_the_optimiser_goes_on_from_its_tensors() -> None:
    whole, halted = Line(), Line()
    steps = stepper(whole)
    for number in range(4):
        steps.step(number, images())
    before = stepper(halted)
    for number in range(2):
        before.step(number, images())
    after = stepper(halted)
    after.restore({name: value.clone() for name, value in before.tensors().items()})
    for number in range(2, 4):
        after.step(number, images())
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), halted.parameters(), strict=True))


def test_the_rate_rises_then_falls_to_a_hundredth() -> None:
    plan = StageConfig(steps=110, warmup=10)
    assert [schedule(plan, step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert schedule(plan, 10) == pytest.approx(1.0)
    assert schedule(plan, 60) == pytest.approx(0.505)
    assert schedule(plan, 110) == pytest.approx(0.01)
    assert schedule(StageConfig(steps=110, warmup=10, decay="none"), 60) == 1.0
