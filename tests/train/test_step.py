"""One step: parts, gradients that are not finite, precision, the optimiser's state; and that none asks the device."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from atfm.data.augment import AugmentationRange
from atfm.data.batch import Batch
from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.plan import Plan
from atfm.errors import ConfigError, TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Frame, Method, Stage
from atfm.train.config import override
from atfm.train.presets import resolve
from atfm.train.processes import Processes
from atfm.train.step import Stepper, check_parts, schedule

CPU = torch.device("cpu")
KEPT = "the checkpoint of step 7 is kept"

# What gives the host a number, or a size, that depends on what the device has computed: operations, and what torch's
# own language for them does not show.
OPERATIONS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
    "unique_consecutive",
    "_unique2",
}
READINGS = {"tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "item"}


class Asked(TorchDispatchMode):
    """Notes every operation for which a GPU would have to be waited for."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found += [func.overloadpacket.__name__] if func.overloadpacket.__name__ in OPERATIONS else []
        return func(*args, **(kwargs or {}))


class Read(TorchFunctionMode):
    """Notes every reading of a tensor, likewise."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found += [func.__name__] if func.__name__ in READINGS else []
        return func(*args, **(kwargs or {}))


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


def images(parts: int = 1, count: int = 8) -> Iterator[Batch]:
    g = torch.Generator().manual_seed(3)
    image, truth = torch.rand(2, count, 1, 4, 4, generator=g)

    for number in range(parts):
        rows = slice(number * count // parts, (number + 1) * count // parts)
        yield Batch(image[rows], truth[rows].unsqueeze(1), torch.ones(count // parts, 1, dtype=torch.bool))


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
    steps.check(KEPT)
    assert steps.skipped == 1
    method.factor = 1.0
    steps.step(2, images())
    steps.check(KEPT)
    assert steps.skipped == 1 and not torch.equal(method.network.weight, weights["network.weight"])


def test_ten_such_steps_in_a_row_end_the_training_and_nine_do_not() -> None:
    method = Line()
    steps = stepper(method)
    for number in range(30):  # nine, then a good one, twice; then ten
        method.factor = 1.0 if number in (9, 19) else float("nan")
        steps.step(number, images())
        if number < 29:
            steps.check(KEPT)
            assert steps.skipped == number + 1 - (number >= 9) - (number >= 19)
    with pytest.raises(
        TrainingError, match=r"stage line: .* checkpoint of step 7 is kept; lower stages.line.lr \(now 0.01\)"
    ):
        steps.check(KEPT)


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


@pytest.mark.parametrize(
    ("stage", "own"),
    [("gtr", []), ("energy", []), ("sfm", ["numpy"])],  # who meets which annotator is solved on the host, for each part
)
def test_a_step_waits_for_nothing_of_its_own(stage: str, own: list[str]) -> None:
    fields = {
        "gtr": {"widths": [8], "rank": 2, "monte_carlo": 4},
        "sfm": {"widths": [8], "context_widths": [], "steps": 2},
    }
    config = override(resolve("phantom"), {"method": fields})
    method = config.build(in_channels=1, channels=1, size=(32, 32))
    plan = StageConfig(steps=5, batch=4, parts=2)
    cases = Held(list(phantom_cases(0, 4, annotators=3)), 1)
    chosen = next(one for one in method.stages() if one.name == stage)
    steps = Stepper(chosen, plan, 0, torch.device("cpu"))
    limits = AugmentationRange(**config.augment.model_dump())
    seen = Plan(0, stage, len(cases), plan.batch, limits, method.window, parts=plan.parts)
    parts = list(cases.batches(seen, [(step, part) for step in range(2) for part in range(2)]))
    steps.step(0, iter(parts[:2]))
    found: list[str] = []
    with Read(found), Asked(found):
        steps.step(1, iter(parts[2:]))
        assert found == 2 * own
        steps.check(KEPT)
        assert found == [*own, *own, "tolist"], "to tell is to ask"


def test_every_process_needs_a_part() -> None:
    stages = {"first": StageConfig(parts=4), "second": StageConfig(parts=2), "third": StageConfig(steps=0)}
    check_parts(stages, Processes(0, 2))
    with pytest.raises(
        ConfigError, match=r"3 processes: a step of stage second has 2 part.*stages\.second\.parts to 3"
    ):
        check_parts(stages, Processes(2, 3))


def test_parts_are_equal() -> None:
    with pytest.raises(ConfigError, match=r"stages\.first\.parts: a batch of 16 has no 3 equal parts"):
        check_parts({"first": StageConfig(batch=16, parts=3)}, Processes())
