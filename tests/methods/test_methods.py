"""Both verbs of both methods: gradients, shapes, the noise of a sample, windows, refusals."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.errors import ConfigError, InputError
from atfm.flow.solver import HEUN
from atfm.methods import Drawn, Frame, Method, Samples
from atfm.methods.atfm import ATFM, ATFMConfig, SFMConfig
from atfm.methods.gtr import GTR, EnergyConfig, GTRConfig, PresenceConfig
from atfm.seeding import Draw, Noise

HURDLE = PresenceConfig(widths=(4, 8), dropout=0.0)


def gtr(channels: int = 1, in_channels: int = 1, window: tuple[int, ...] = (), **fields: Any) -> GTR:
    torch.manual_seed(0)
    frame = Frame(in_channels, channels, (16, 16), window)
    return GTRConfig(widths=(8, 16), rank=3, patch=2, monte_carlo=4, **fields).build(frame).eval()


def atfm(form: str = "endpoint", channels: int = 1, in_channels: int = 1, **fields: Any) -> ATFM:
    torch.manual_seed(0)
    shared = {name: fields.pop(name) for name in ("presence",) if name in fields}
    flow = {
        "widths": (8, 16),
        "patch": 2,
        "form": form,
        "coupling": "optimal" if form == "endpoint" else "independent",
        "condition": "features" if form == "endpoint" else "image",
        "starts": 4,
        "pairs": 2,
        "alpha": 0.1,
        "steps": 3,
        "draws": 3,
    }
    truncation = GTRConfig(widths=(8, 16), rank=3, patch=2, monte_carlo=4, **shared)
    method = ATFMConfig(gtr=truncation, sfm=SFMConfig(**(flow | fields)))
    return method.build(Frame(in_channels, channels, (16, 16))).eval()


def batch(count: int = 3, channels: int = 1, in_channels: int = 1) -> Batch:
    g = torch.Generator().manual_seed(5)
    labels = torch.randint(max(2, channels), (count, 4, 16, 16), generator=g)
    one_hot = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    present = torch.ones(count, 4, dtype=torch.bool)
    present[0, 2:] = False
    return Batch(torch.rand(count, in_channels, 16, 16, generator=g), one_hot, present)


def with_empty(whole: Batch) -> Batch:
    """The same, where nobody marks anything of the first image, and one reader nothing of the second."""
    annotations = whole.annotations.clone()
    nothing = torch.zeros_like(annotations[0, 0])
    if len(nothing) > 1:
        nothing[0] = 1
    annotations[0] = annotations[1, 0] = nothing
    return Batch(whole.image, annotations, whole.present)


# Training.


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["velocity", "endpoint"])
def test_every_stage_trains_what_it_names_and_nothing_else(form: str, channels: int) -> None:
    method = atfm(form, channels, presence=HURDLE)
    losses = {
        "presence": {"presence"},
        "gtr": {"likelihood"},
        "sfm": {"flow", "semantic"},
        "energy": {"energy"},
    }
    for stage in method.stages():
        method.requires_grad_(False)
        stage.trained.requires_grad_(True)
        method.zero_grad()
        found = stage.loss(with_empty(batch(channels=channels)))
        assert found.keys() == losses.pop(stage.name)
        assert all(torch.isfinite(value) and value.dim() == 0 for value in found.values())
        sum(found.values()).backward()  # type: ignore[union-attr]
        trained = set(stage.trained.parameters())
        assert all((p.grad is not None) == (p in trained) for p in method.parameters())
    assert not losses


def test_the_prior_lets_stage_3_train_gtr_too() -> None:
    method = atfm(prior=0.5)
    stage = method.stages()[-1]
    trained = set(stage.trained.parameters())
    assert trained == {*method.truncation.network.parameters(), *method.network.parameters()}
    torch.manual_seed(0)
    found = stage.loss(batch())
    sum(found.values()).backward()  # type: ignore[union-attr]
    assert found.keys() == {"energy", "likelihood"} and all(p.grad is not None for p in trained)


@pytest.mark.parametrize("presence", [None, HURDLE])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("draws", [2, 3])
def test_gtr_is_tuned_by_the_score_of_its_own_samples(draws: int, channels: int, presence: Any) -> None:
    """The likelihood as without it, and beside it the score of independent samples, written out image by image.

    Two of them are halves of the four antithetic ones of the likelihood, three have to be drawn.
    """
    fields = EnergyConfig(weight=7.0, draws=draws, slope=1.0)
    method, plain = (gtr(channels, presence=presence, energy=energy) for energy in (fields, None))
    whole = with_empty(batch(channels=channels))
    torch.manual_seed(2)
    found = method.loss(whole)
    torch.manual_seed(2)
    assert found.keys() == {"likelihood", "score"}
    assert torch.equal(found["likelihood"], plain.loss(whole)["likelihood"])
    torch.manual_seed(2)
    distribution = method.network(whole.image)
    pairs = distribution.antithetic(4)
    torch.testing.assert_close(
        pairs[:, :2] + pairs[:, 2:], 2 * distribution.mean.unsqueeze(1).expand(-1, 2, -1, -1, -1)
    )
    logits = pairs[:, :2] if draws == 2 else distribution.rsample((3,)).movedim(0, 1)
    masks = logits > 0 if channels == 1 else F.one_hot(logits.argmax(2), channels).movedim(-1, 2)[:, :, 1:] > 0
    truth = (whole.annotations if channels == 1 else whole.annotations[:, :, 1:]) > 0
    total = 0.0
    for image in range(len(masks)):
        readers = [mask for mask, there in zip(truth[image], whole.present[image], strict=True) if there]
        marking = readers if presence is None else [mask for mask in readers if mask.any()]
        if not marking:
            continue
        across = [distance(sample, reader) for sample in masks[image] for reader in marking]
        within = [distance(a, b) for i, a in enumerate(masks[image]) for j, b in enumerate(masks[image]) if i != j]
        score = 2 * sum(across) / len(across) - sum(within) / len(within)
        total += (len(marking) / len(readers)) ** 2 * score / len(masks)
    assert found["score"].item() == pytest.approx(7 * found["likelihood"].item() * total, rel=1e-5)
    sum(found.values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in method.network.parameters())


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """`1 - IoU` with a pixel added to both, the mean over the classes."""
    return sum(1 - ((x & y).sum().item() + 1) / ((x | y).sum().item() + 1) for x, y in zip(a, b, strict=True)) / len(a)


def test_behind_a_hurdle_empty_masks_teach_the_masks_nothing() -> None:
    """Stage 2 sees the images and readers that mark something, as if there were no others."""
    method = atfm(presence=HURDLE)
    whole = with_empty(batch())
    marks = whole.present[1:].clone()
    marks[0, 0] = False
    seen = Batch(whole.image[1:], whole.annotations[1:], marks)
    for stage in method.stages()[2:3]:
        torch.manual_seed(3)
        found = stage.loss(whole)
        torch.manual_seed(3)
        method.truncation.presence, kept = None, method.truncation.presence
        expected = method.loss(seen)
        method.truncation.presence = kept
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value)
    nobody = Batch(whole.image[:1], whole.annotations[:1], whole.present[:1])
    assert [sum(stage.loss(nobody).values()).item() for stage in method.stages()[1:]] == [0, 0, 0]  # type: ignore[union-attr]


# Sampling.


def methods(channels: int = 1) -> list[Method]:
    return [
        gtr(channels),
        gtr(channels, presence=HURDLE),
        atfm(channels=channels),
        atfm("velocity", channels),
        atfm(channels=channels, presence=HURDLE),
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("which", range(5))
def test_samples_have_the_promised_shapes_and_ranges(channels: int, which: int) -> None:
    method = methods(channels)[which]
    drawn = method.sample(batch().image, 5, noise=Noise(0, ["a", "b", "c"]))
    assert drawn.masks.shape == drawn.probabilities.shape == (3, 5, channels, 16, 16)
    assert drawn.masks.dtype == torch.bool
    assert drawn.probabilities.min() >= 0 and drawn.probabilities.max() <= 1
    assert drawn.weights is None
    if channels > 1:
        assert (drawn.masks.sum(2) == 1).all()


@pytest.mark.parametrize("which", range(5))
def test_a_sample_is_the_same_at_batch_1_and_8_among_4_and_100_and_from_where_one_goes_on(which: int) -> None:
    method, image = methods()[which], torch.rand(8, 1, 16, 16)
    keys = [f"case-{i}" for i in range(8)]
    few = method.sample(image, 4, noise=Noise(3, keys))
    many = method.sample(image[2:3], 100, noise=Noise(3, keys[2:3]))
    later = method.sample(image[2:3], 20, noise=Noise(3, keys[2:3]), first=80)
    for one, other in (
        ((few.probabilities[2], few.masks[2]), (many.probabilities[0, :4], many.masks[0, :4])),
        ((later.probabilities, later.masks), (many.probabilities[:, 80:], many.masks[:, 80:])),
    ):
        torch.testing.assert_close(one[0], other[0], atol=1e-5, rtol=1e-4)
        away = (one[0] - 0.5).abs() > 1e-4  # Rounding may decide a pixel that lies on the threshold.
        assert torch.equal(one[1][away], other[1][away])


def test_the_noise_decides_the_sample_and_the_seed_the_noise() -> None:
    method, image = atfm(), torch.rand(1, 1, 16, 16)
    first, again, other = (method.sample(image, 2, noise=Noise(s, ["a"])).probabilities for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first[0, 0], first[0, 1])


@pytest.mark.parametrize("which", range(5))
def test_sample_is_the_pure_function_of_image_and_noise(which: int) -> None:
    method, image = methods()[which], torch.rand(2, 1, 16, 16)
    noise = Noise(0, ["a", "b"]).draw(method.needs((16, 16)), 3)
    with torch.no_grad():
        drawn = method(image, noise)
    found = method.sample(image, 3, noise=Noise(0, ["a", "b"]))
    assert torch.equal(drawn.probabilities, found.probabilities)
    assert (drawn.empty is None) == (found.empty is None)


@pytest.mark.parametrize("channels", [1, 3])
def test_behind_a_hurdle_as_many_are_empty_as_it_says(channels: int) -> None:
    for method in (gtr(channels, presence=HURDLE), atfm(channels=channels, presence=HURDLE)):
        drawn = method.sample(torch.rand(1, 1, 16, 16), 400, noise=Noise(0, ["a"]))
        foreground = drawn.masks if channels == 1 else drawn.masks[:, :, 1:]
        empty = 1 - foreground.flatten(2).any(2).float()
        assert drawn.empty is not None and 0 < drawn.empty.item() < 1
        torch.testing.assert_close(empty.mean(1), drawn.empty, atol=0.08, rtol=0)


def test_one_euler_step_of_the_endpoint_form_is_its_prediction() -> None:
    method, image = atfm().with_steps(1), torch.rand(1, 1, 16, 16)
    noise = Noise(0, ["a"]).draw(method.needs((16, 16)), 1)
    features = method.truncation.network.features(image)
    x_0 = method.truncation.start(method.truncation.network.distribution(features), noise)
    logits = method.network(x_0[0], torch.zeros(1), method.context(image, features))
    torch.testing.assert_close(method(image, noise).probabilities[0], logits.sigmoid())


def test_chunks_and_other_solvers_change_nothing_but_rounding() -> None:
    method, image = atfm(), torch.rand(2, 1, 16, 16)
    whole = method.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities
    method.chunk = 3
    torch.testing.assert_close(whole, method.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities)
    method.solver, method.steps = HEUN, 20
    assert torch.isfinite(method.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities).all()


def test_the_temperature_scales_the_noise_of_the_start() -> None:
    method, image = gtr(), torch.rand(1, 1, 16, 16)
    distribution, noise = method.distribution(image), Noise(0, ["a"]).draw(method.needs((16, 16)), 3)
    cold, warm = (method.start(distribution, noise, t).logit().double() for t in (0.5, 1.0))
    mean = distribution.mean.unsqueeze(1).double()
    torch.testing.assert_close(2 * (cold - mean), warm - mean, atol=1e-3, rtol=1e-3)


def test_outside_the_window_nothing_is_segmented() -> None:
    method = gtr(window=(8, 8))
    torch.nn.init.constant_(method.network.mean.bias, 9.0)
    drawn = method.sample(torch.rand(1, 1, 16, 16), 2, noise=Noise(0, ["a"]))
    assert drawn.masks[..., 4:12, 4:12].float().mean() > 0.9
    assert drawn.masks.sum() == drawn.masks[..., 4:12, 4:12].sum()


def test_a_colour_image_can_enter_the_flow_as_grey() -> None:
    method = atfm("velocity", in_channels=3, grey=True)
    assert method.network.read.stem.in_channels == 4  # one channel of 2x2 pixels
    image = torch.rand(1, 3, 16, 16)
    grey = (image * torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    features = method.truncation.network.features(image)
    torch.testing.assert_close(method.context(image, features), method.context(grey.expand_as(image), features))
    assert method.sample(image, 2, noise=Noise(0, ["a"])).masks.shape == (1, 2, 1, 16, 16)


# Refusals.


def test_images_and_numbers_that_do_not_fit_are_refused_by_name() -> None:
    for arguments, said in (
        ((torch.rand(1, 1, 20, 16), 2), r"expected \[B, 1, 16, 16\], got \[1, 1, 20, 16\]"),
        ((torch.full((1, 1, 16, 16), float("nan")), 2), "NaN or infinity"),
        ((torch.rand(1, 1, 16, 16), 0), "n: expected at least 1 sample, got 0"),
        ((torch.rand(3, 1, 16, 16), 2), "one key for each of 3 images, got 1"),
    ):
        with pytest.raises(InputError, match=said):
            atfm().sample(*arguments, noise=Noise(0, ["a"]))


class Told(Method):
    """Says what it is told to."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__(Frame(1, drawn.probabilities.shape[2], tuple(drawn.probabilities.shape[3:])))
        self.drawn = drawn

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {}

    def forward(self, image: torch.Tensor, noise: Mapping[str, torch.Tensor]) -> Drawn:
        return self.drawn


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_probability_that_is_not_finite_is_no_empty_mask(bad: float) -> None:
    probabilities = torch.zeros(1, 2, 1, 4, 4)
    probabilities[0, 1, 0, 2, 2] = bad
    with pytest.raises(InputError, match="not finite; its weights are damaged or diverged"):
        Told(Drawn(probabilities)).sample(torch.rand(1, 1, 4, 4), 2, noise=Noise(0, ["a"]))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"size": (16,)}, "size: expected two or three whole numbers"),
        ({"size": (16, 0)}, "size: expected two or three whole numbers"),
        ({"in_channels": 0}, "in_channels: expected a whole number of at least 1"),
        ({"channels": 1.0}, "channels: expected a whole number"),
        ({"window": (20, 8)}, r"field 'window': expected at most the image's size \[16, 16\], got \[20, 8\]"),
        ({"window": (8, 8, 8)}, "field 'window'"),
    ],
)
def test_frames_that_no_image_has_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Frame(**{"in_channels": 1, "channels": 1, "size": (16, 16)} | fields)
    assert Frame(1, 1, (16, 16)).window == (16, 16) and Frame(1, 1, (8, 8, 8)).dims == 3


# Samples.


def test_entropy_is_in_bits_and_the_mean_counts_masks() -> None:
    masks = torch.tensor([1, 1, 0, 0]).bool().reshape(1, 4, 1, 1, 1)
    drawn = Samples(masks, masks.float())
    assert drawn.mean_probability.item() == 0.5
    assert drawn.entropy.item() == pytest.approx(1.0)
    assert Samples(masks[:, :2], masks[:, :2].float()).entropy.item() == 0


def test_weights_are_shares_of_the_mean_and_the_entropy() -> None:
    masks = torch.tensor([1, 0, 0]).bool().reshape(1, 3, 1, 1, 1)
    drawn = Samples(masks, masks.float(), torch.tensor([[0.25, 0.7, 0.05]]))
    assert drawn.mean_probability.item() == pytest.approx(0.25)
    assert drawn.entropy.item() == pytest.approx(2 - 0.75 * 1.584963, abs=1e-5)
