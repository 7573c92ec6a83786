"""Sliding windows: coverage, exactness for what is local, no seams, a noise that is smooth and falls apart far away."""

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from atfm.errors import InputError
from atfm.flow import STNet, optimal
from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.methods.method import Frame
from atfm.methods.sliding import NoiseField, Tiling, begins, knot_weights
from atfm.seeding import Noise
from atfm.truncation import GTRNetwork

OPTIONS = {"starts": 2, "pairs": 1, "alpha": 0.1, "steps": 2}


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_every_pixel_is_covered_and_tiles_begin_at_multiples_of_the_stride(stride: int) -> None:
    for length, width in itertools.product(range(5, 90, 7), (8, 16, 24)):
        starts = begins(length, width, stride)
        assert starts[0] == 0
        assert all(start % stride == 0 for start in starts)
        assert all(b - a <= max(width / 2, stride) + stride for a, b in itertools.pairwise(starts))
        assert length <= starts[-1] + width < max(length, width) + stride


def test_blending_is_the_weighted_mean_of_a_naive_loop() -> None:
    tiling = Tiling((11, 19), (8, 8), stride=2, chunk=3)
    said = {corner: torch.rand(2, 1, 8, 8) for corner in tiling.corners}
    blended = tiling.blend((2, 1), lambda corners: torch.cat([said[c] for c in corners]), torch.zeros(1))
    for b, y, x in itertools.product(range(2), range(0, tiling.padded[0], 5), range(0, tiling.padded[1], 6)):
        terms = [
            (tiling.weight[y - top, x - left], said[top, left][b, 0, y - top, x - left])
            for top, left in tiling.corners
            if 0 <= y - top < 8 and 0 <= x - left < 8
        ]
        expected = sum(w * v for w, v in terms) / sum(w for w, _ in terms)
        torch.testing.assert_close(blended[b, 0, y, x], expected)


@pytest.mark.parametrize(
    ("size", "tile"), [((11, 19), (8, 8)), ((40, 9), (8, 8)), ((13, 9, 17), (4, 8, 8)), ((8, 8), (8, 8))]
)
def test_slabs_are_the_whole_in_parts(size: tuple[int, ...], tile: tuple[int, ...]) -> None:
    tiling = Tiling(size, tile, stride=2, chunk=3)
    said = {corner: torch.rand(2, 3, *tile) for corner in tiling.corners}

    def tiles(corners: list[tuple[int, ...]]) -> Tensor:
        return torch.cat([said[corner] for corner in corners])

    found = list(tiling.slabs((2, 3), tiles, torch.zeros(1)))
    assert [rows.start for rows, _ in found] == sorted({corner[0] for corner in tiling.corners})
    assert [rows.stop for rows, _ in found] == [*(rows.start for rows, _ in found[1:]), tiling.padded[0]]
    assert torch.equal(torch.cat([part for _, part in found], 2), tiling.blend((2, 3), tiles, torch.zeros(1)))
    total, weighed = torch.zeros(2, 3, *tiling.padded), torch.zeros(tiling.padded)
    for corner, part in said.items():
        box = (..., *(slice(first, first + width) for first, width in zip(corner, tile, strict=True)))
        total[box] += part * tiling.weight
        weighed[box] += tiling.weight
    torch.testing.assert_close(torch.cat([part for _, part in found], 2), total / weighed)


def test_starts_made_slab_by_slab_are_those_of_the_whole_distribution() -> None:
    torch.manual_seed(0)
    method, image = atfm().truncation, torch.rand(2, 1, 50, 44)
    tiling = method.tiling((50, 44))
    assert tiling is not None
    noise = Noise(0, ["a", "b"]).draw(method.needs(tiling.padded), 3)
    field = NoiseField(tiling.padded, tiling.tile)
    logits = method.blended(tiling, image).from_fields(field.components(1.2 * noise["low-rank"]), 1.2 * noise["pixel"])
    torch.testing.assert_close(method.slid(tiling, image, noise, 1.2), logits.sigmoid(), atol=1e-5, rtol=1e-5)


SHAPES = [((64, 64), (16, 16)), ((16, 100), (16, 8)), ((16, 24, 200), (16, 16, 16)), ((5, 33, 65), (4, 16, 64))]


def weights_of(field: NoiseField) -> Tensor:
    """How much of each knot's noise each pixel has, `[*size, knots]`, as it is spread."""
    count = torch.Size(field.knots).numel()
    (spread,) = field.components(torch.eye(count).reshape(count, 1, 1, *field.knots))
    return spread[:, 0].movedim(0, -1)


@pytest.mark.parametrize(("size", "tile"), SHAPES)
def test_the_noise_has_variance_1_everywhere_and_the_stated_covariance(
    size: tuple[int, ...], tile: tuple[int, ...]
) -> None:
    weight = weights_of(NoiseField(size, tile))
    torch.testing.assert_close(weight.square().sum(-1), torch.ones(size))
    g = torch.Generator().manual_seed(0)
    for _ in range(50):
        x, y = ([int(torch.randint(n, (), generator=g)) for n in size] for _ in range(2))
        near = [
            [min(max(p, (t - 1) / 2), n - (t + 1) / 2) / t for p, t, n in zip(at, tile, size, strict=True)]
            for at in (x, y)
        ]
        expected = math.exp(-0.5 * math.dist(*near) ** 2)
        assert (weight[tuple(x)] @ weight[tuple(y)]).item() == pytest.approx(expected, abs=1e-5)


def test_the_noise_is_one_within_a_tile_and_independent_far_away() -> None:
    weight = knot_weights(320, 32)
    correlation = (weight @ weight.T)[48, 48:272]  # of a pixel that no border is near
    assert correlation[: 16 + 1].min() > 0.88
    assert correlation[80:].max() < 0.05  # from two and a half tiles on
    assert correlation[3 * 32 :].max() < 0.012
    ends = knot_weights(320, 32)[[0, -1]]
    assert ends[0] @ ends[1] < 1e-6


def test_the_variance_of_many_samples_is_1_at_every_pixel() -> None:
    field = NoiseField((20, 70), (16, 16))
    (drawn,) = field.components(Noise(0, ["a"]).normal("low-rank", 20_000, (1, *field.knots)))
    torch.testing.assert_close(drawn[0].var(0), torch.ones(20, 70), atol=0.04, rtol=0)
    torch.testing.assert_close(drawn[0].mean(0), torch.zeros(20, 70), atol=0.03, rtol=0)


def test_an_image_little_larger_than_a_tile_has_nearly_one_noise() -> None:
    weight = weights_of(NoiseField((18, 16), (16, 16))).flatten(0, 1)
    assert (weight @ weight.T).min() > 0.98


def test_logits_have_the_normal_that_the_tiles_gave_them() -> None:
    """Means and variances of `X` are those of the blended distribution; only how far places go together is another."""
    torch.manual_seed(0)
    method, image = atfm().truncation, torch.rand(1, 1, 16, 60)
    blended = method.distribution(image)
    noise = Noise(0, ["a"]).draw(method.needs((16, 60)), 8000)
    assert noise["low-rank"].shape == (1, 8000, 3, *NoiseField((16, 60), (16, 16)).knots)
    tiling = method.tiling((16, 60))
    assert tiling is not None
    drawn = torch.logit(method.slid(tiling, image, noise).double())
    torch.testing.assert_close(drawn.mean(1).float(), blended.mean, atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.var(1).float(), blended.variance, atol=0.01, rtol=0.08)


class Local(nn.Module):
    """A GTR network that sees a single pixel: tiles can lack no context."""

    channels, rank = 1, 2

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.inner = GTRNetwork(1, 1, (4,), rank=2, dims=dims)
        kind = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        self.inner.stem, self.inner.backbone = kind(1, 4, 1), nn.Tanh()

    def forward(self, image: Tensor) -> object:
        return self.inner(image)


@pytest.mark.parametrize(("size", "tile"), [((29, 40), (16, 16)), ((9, 20, 14), (8, 12, 8)), ((6, 30), (16, 16))])
def test_what_is_local_gives_the_whole_image_exactly(size: tuple[int, ...], tile: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = Local(len(size))
    tiled = GTR(network, Frame(1, 1, tile, slides=True), stride=4)  # type: ignore[arg-type]
    image = torch.rand(2, 1, *size)
    tiling = tiled.tiling(size)
    assert tiling is not None
    blended, whole = tiled.distribution(image), network(image)
    for name in ("mean", "factor", "diagonal"):
        got = tiling.crop(getattr(blended, name))
        torch.testing.assert_close(got, getattr(whole, name), atol=1e-5, rtol=1e-5)


def atfm(tile: Sequence[int] = (16, 16), *, stride: int | None = 4, patch: int = 2, channels: int = 1) -> ATFM:
    torch.manual_seed(0)
    dims = len(tile)
    network = GTRNetwork(1, channels, (8, 8), rank=3, patch=patch, dims=dims)
    for head in (network.mean, network.factor):
        nn.init.normal_(head.weight, std=1.0)
    truncation = GTR(network, Frame(1, channels, tuple(tile), slides=stride is not None), stride=stride)
    flow = STNet(patch**dims + 8, channels, (8, 8), patch=patch, dims=dims)
    options = OPTIONS | {"stride": stride}
    return ATFM(truncation, flow, condition="features", form="endpoint", coupling=optimal, **options).eval()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "tile"), [((40, 29), (16, 16)), ((9, 20, 21), (8, 16, 16)), ((10, 12), (16, 16))])
def test_samples_of_any_size_have_the_shape_of_the_image(
    size: tuple[int, ...], tile: tuple[int, ...], channels: int
) -> None:
    method, image = atfm(tile, channels=channels), torch.rand(2, 1, *size)
    for drawing in (method, method.truncation):
        drawn = drawing.sample(image, 3, noise=Noise(0, ["a", "b"]))
        assert drawn.masks.shape == (2, 3, channels, *size)
        assert torch.isfinite(drawn.probabilities).all()
        if channels > 1:
            assert (drawn.masks.sum(2) == 1).all()


def test_an_image_of_one_tile_is_drawn_as_without_tiles() -> None:
    image, noise = torch.rand(1, 1, 16, 16), Noise(0, ["a"])
    untiled, tiled = (atfm(stride=stride).sample(image, 3, noise=noise) for stride in (None, 4))
    assert torch.equal(untiled.probabilities, tiled.probabilities)
    # The machinery itself, forced: a single tile passes through it unchanged.
    method = atfm()
    forced = method.slide(Tiling((16, 16), (16, 16), stride=4), image, 3, noise, 0).probabilities
    torch.testing.assert_close(forced, untiled.probabilities, atol=1e-5, rtol=1e-4)


def test_the_noise_of_a_single_tile_is_one_vector_bit_for_bit() -> None:
    method, noise, field = atfm().truncation, Noise(0, ["a"]), NoiseField((16, 16), (16, 16))
    assert method.needs((16, 16)) == GTR(method.network, Frame(1, 1, (16, 16))).needs((16, 16))
    vector = noise.normal("low-rank", 3, (3,))
    for r, spread in enumerate(field.components(noise.normal("low-rank", 3, (3, *field.knots)))):
        assert torch.equal(spread, vector[:, :, r, None, None].expand_as(spread))


def test_noise_depends_on_neither_batch_nor_number() -> None:
    method, image = atfm(), torch.rand(4, 1, 40, 24)
    keys = [f"case-{i}" for i in range(4)]
    few = method.sample(image, 2, noise=Noise(3, keys))
    many = method.sample(image[2:3], 9, noise=Noise(3, keys[2:3]))
    torch.testing.assert_close(few.probabilities[2], many.probabilities[0, :2], atol=1e-5, rtol=1e-4)


def test_what_is_kept_of_the_image_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    method, image = atfm(), torch.rand(1, 1, 40, 24)
    kept = method.sample(image, 5, noise=Noise(0, ["a"])).probabilities
    monkeypatch.setattr("atfm.methods.sliding._KEPT", 2000)  # Less than one context; two samples at a time.
    method.chunk = 3
    torch.testing.assert_close(method.sample(image, 5, noise=Noise(0, ["a"])).probabilities, kept)


def seam(x: Tensor, columns: Sequence[int]) -> float:
    """The mean step from a column to the next, at these columns, as a multiple of the steps right before and after."""
    steps = (x[..., 1:] - x[..., :-1]).abs().mean(tuple(range(x.dim() - 1)))  # [W - 1]
    return (sum(steps[c - 1] for c in columns) / sum((steps[c - 2] + steps[c]) / 2 for c in columns)).item()


def test_there_are_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the borders of tiles an image steps no further than beside them; where tiles are put side by side it does."""
    torch.manual_seed(1)
    image = nn.functional.avg_pool2d(torch.rand(8, 1, 38, 70), 7, 1)  # [8, 1, 32, 64], as smooth as anatomy
    network = GTRNetwork(1, 1, (8,), rank=3)
    truncation = GTR(network, Frame(1, 1, (32, 32), slides=True), stride=1).eval()
    flow = STNet(9, 1, (8,))
    method = ATFM(truncation, flow, condition="features", form="endpoint", coupling=optimal, stride=1, **OPTIONS).eval()
    noise = Noise(0, list("abcdefgh"))
    tiling = method.tiling((32, 64))
    assert tiling is not None
    vector, no_grain = noise.normal("low-rank", 2, (3,)), torch.zeros(8, 2, 1, 32, 64)
    field = NoiseField(tiling.padded, tiling.tile)
    low_rank = noise.normal("low-rank", 2, (3, *field.knots))
    borders = sorted({left for _, left in tiling.corners} - {0})
    assert borders == [16, 32]

    blended = truncation.distribution(image).from_fields(field.components(low_rank), no_grain)
    assert seam(blended, borders) == pytest.approx(1, abs=0.12)
    monkeypatch.setattr(truncation, "slid", lambda *_: blended.sigmoid())  # starts without grain
    assert seam(method.sample(image, 2, noise=noise).probabilities, borders) == pytest.approx(1, abs=0.12)

    halves = [network(image[..., left : left + 32]).from_noise(vector, no_grain[..., :32]) for left in (0, 32)]
    assert seam(torch.cat(halves, -1), [32]) > 1.2


def test_too_small_an_image_is_refused() -> None:
    method = atfm()
    assert method.accepts((4, 400)) and not method.accepts((3, 400)) and not method.accepts((16, 16, 16))
    with pytest.raises(InputError, match=r"expected \[B, 1, 4 or more, 4 or more\], got \[1, 1, 3, 400\]"):
        method.sample(torch.rand(1, 1, 3, 400), 2, noise=Noise(0, ["a"]))
