"""A model that was trained on crops with a single lesion draws far lesions apart, and each of them in one piece.

`python tests/methods/test_far_lesions.py` trains longer and prints the tables of docs/experiments.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.flow import STNet, optimal
from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.methods.method import Frame, Method
from atfm.methods.sliding import NoiseField, Tiling
from atfm.seeding import Noise
from atfm.truncation import GTRNetwork

TILE, STRIDE = 32, 8
ODDS, STYLE = 0.5, 0.7  # of a lesion to be marked; how far, in pixels, annotators' outlines differ


class Scene(NamedTuple):
    """Discs on a grey ground: images `[B, 1, TILE, W]`, and how deep each pixel lies in each disc `[B, L, TILE, W]`."""

    image: Tensor
    depth: Tensor


def scene(g: torch.Generator, centres: Tensor, width: int) -> Scene:
    """Put discs of radius 4 to 6 at the columns `centres [B, L]` of the middle row; NaN leaves one out."""
    y, x = torch.meshgrid(torch.arange(TILE) - (TILE - 1) / 2, torch.arange(width).float(), indexing="ij")
    radius = 4 + 2 * torch.rand(centres.shape, generator=g)
    depth = radius[..., None, None] - torch.hypot(x - centres[..., None, None], y)
    depth = depth.nan_to_num(-99.0)
    image = 0.3 + 0.3 * torch.special.ndtr(depth).sum(1) + 0.02 * torch.randn(len(centres), TILE, width, generator=g)
    return Scene(image.unsqueeze(1), depth)


def crops(g: torch.Generator, count: int, annotators: int = 8) -> Batch:
    """Training: in four of five crops a lesion, somewhere, that each annotator marks or not by his own coin."""
    column = (TILE + 8) * torch.rand(count, 1, generator=g) - 4
    column[torch.rand(count, generator=g) < 0.2] = torch.nan
    image, depth = scene(g, column, TILE)
    coin = torch.rand(count, annotators, 1, 1, generator=g) < ODDS
    edge = STYLE * torch.randn(count, annotators, 1, 1, generator=g)
    masks = coin & (depth + edge > 0)  # [B, K, TILE, TILE]
    return Batch(image, masks.unsqueeze(2).float(), torch.ones(count, annotators, dtype=torch.bool))


def trained(gtr_steps: int, flow_steps: int, seed: int = 0) -> dict[str, Method]:
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed + 1)
    gtr = GTR(GTRNetwork(1, 1, (8, 16, 16), rank=4, patch=2), Frame(1, 1, (TILE, TILE), slides=True), stride=STRIDE)
    flow = STNet(4 + 8, 1, (8, 16), patch=2)
    options = {"starts": 8, "pairs": 2, "alpha": 0.1, "steps": 2, "stride": STRIDE}
    atfm = ATFM(gtr, flow, condition="features", form="endpoint", coupling=optimal, **options)  # type: ignore[arg-type]
    seen = crops(g, 512)
    for stage, steps in zip(atfm.stages(), (gtr_steps, flow_steps), strict=False):
        stage.method.train()
        optimizer = torch.optim.Adam(stage.trained.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
        for _ in range(steps):
            rows = torch.randint(len(seen.image), (16,), generator=g)
            loss = sum(
                stage.method.loss(Batch(*(x[rows] for x in (seen.image, seen.annotations, seen.present)))).values()
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            nn.utils.clip_grad_norm_(stage.trained.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        stage.method.eval()
    return {"GTR alone": gtr, "ATFM": atfm}


def one_vector(self: NoiseField, noise: Tensor, rows: slice = slice(None)) -> list[Tensor]:
    """What there was before: the same noise at every place."""
    first, *others = self._weights
    size = [len(weight) for weight in (first[rows], *others)]
    return [x[..., :1, :1].expand(*x.shape[:2], *size) for x in noise.unbind(2)]


def shares(method: Method, seen: Scene, n: int) -> Tensor:
    """How much of the left and of the right half of each disc a sample marks, `[B, S, L, 2]`."""
    noise = Noise(0, [f"scene-{number}" for number in range(len(seen.image))])
    masks = method.sample(seen.image, n, noise=noise).masks[:, :, 0].float()  # [B, S, H, W]
    disc = seen.depth > 0  # [B, L, H, W]
    middle = (disc * torch.arange(disc.shape[-1])).sum((2, 3)) / disc.sum((2, 3))  # [B, L]
    left = torch.arange(disc.shape[-1]) < middle[..., None, None]
    halves = torch.stack([disc & left, disc & ~left], 2).float()  # [B, L, 2, H, W]
    return torch.einsum("bshw,blehw->bsle", masks, halves) / halves.sum((-2, -1)).unsqueeze(1)


def correlation(method: Method, apart: int, *, images: int, n: int, width: int) -> tuple[float, float]:
    """How the presence of two discs goes together over the samples of an image: the mean of images, and its error."""
    g = torch.Generator().manual_seed(3)
    first = (width - 1 - apart) / 2 + 8 * torch.rand(images, 1, generator=g) - 4
    present = (shares(method, scene(g, torch.cat([first, first + apart], 1), width), n).mean(-1) > 0.5).double()
    off = present - present.mean(1, keepdim=True)  # [B, S, 2]
    found = off.prod(-1).mean(1) / off.square().mean(1).prod(-1).sqrt()  # [B]
    return found.mean().item(), found.std().item() / images**0.5


def torn(method: Method, columns: Sequence[float], *, images: int, n: int, width: int) -> float:
    """How often one half of a disc is marked and the other is not."""
    g = torch.Generator().manual_seed(4)
    marked = shares(method, scene(g, torch.tensor(columns).expand(images, -1), width), n) > 0.5
    return (marked[..., 0] != marked[..., 1]).double().mean().item()


@pytest.fixture(scope="module")
def methods() -> dict[str, Method]:
    return trained(200, 100)


@pytest.mark.parametrize("name", ["GTR alone", "ATFM"])
def test_far_lesions_are_there_independently_of_each_other(
    methods: dict[str, Method], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"images": 6, "n": 64, "width": 160}
    far, _ = correlation(methods[name], 3 * TILE, **options)
    assert abs(far) < 0.12  # more than two standard errors of 6 images with 64 samples each
    monkeypatch.setattr(NoiseField, "components", one_vector)
    coupled, _ = correlation(methods[name], 3 * TILE, **options)
    assert coupled > 0.8


@pytest.mark.parametrize("name", ["GTR alone", "ATFM"])
def test_a_lesion_across_a_seam_is_no_more_often_torn_than_elsewhere(methods: dict[str, Method], name: str) -> None:
    """The noise differs by a hair from one half of a lesion to the other, wherever it lies."""
    border, tied = [31.5, 63.5, 95.5, 127.5], [23.5, 55.5, 87.5, 119.5]  # of a tile; where two tiles weigh the same
    corners = [left for _, left in Tiling((TILE, 160), (TILE, TILE), stride=STRIDE).corners]
    assert corners == list(range(0, 129, 16))
    over, between = (torn(methods[name], columns, images=6, n=64, width=160) for columns in (border, tied))
    within = torn(methods[name], [15.5], images=24, n=64, width=TILE)
    assert over == pytest.approx(between, abs=0.03)
    assert max(over, between) < within + 0.05


def far_table(found: dict[str, Method]) -> None:
    options = {"images": 16, "n": 200, "width": 8 * TILE}
    print("| | tiles apart | one vector | a field |\n|---|---|---|---|")
    for name, method in found.items():
        for tiles in (0.5, 1, 2, 3, 4):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(NoiseField, "components", one_vector)
                before, error = correlation(method, round(tiles * TILE), **options)
            after, its_error = correlation(method, round(tiles * TILE), **options)
            print(f"| {name} | {tiles:g} | {before:.3f} +- {error:.3f} | {after:.3f} +- {its_error:.3f} |", flush=True)


def torn_table(found: dict[str, Method]) -> None:
    options = {"images": 16, "n": 200, "width": 8 * TILE}
    border = [TILE * number - 0.5 for number in range(1, 8)]
    print(
        "| | a tile alone | over a tile's border | where two tiles weigh the same | one vector |\n|---|---|---|---|---|"
    )
    for name, method in found.items():
        rates = [torn(method, [(TILE - 1) / 2], images=112, n=200, width=TILE), torn(method, border, **options)]
        rates.append(torn(method, [column + TILE / 4 for column in border], **options))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(NoiseField, "components", one_vector)
            rates.append(torn(method, border, **options))
        print(f"| {name} | {' | '.join(f'{rate:.3f}' for rate in rates)} |", flush=True)


if __name__ == "__main__":
    trained_longer = trained(1500, 750)
    far_table(trained_longer)
    torn_table(trained_longer)
