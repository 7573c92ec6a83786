"""Counts against numbers worked out by hand, and against what a real run does."""

import pytest
import torch

from atfm.bench.operations import CONVENTION, Operations, count_of, count_operations, evaluations
from atfm.bench.subject import open_subject
from atfm.flow import HEUN, STNet, independent
from atfm.methods import ATFM, GTR
from atfm.seeding import Noise
from atfm.truncation import GTRNetwork


def method(attention: bool = False, form: str = "velocity") -> ATFM:
    truncation = GTR(GTRNetwork(1, 1, (8, 8), rank=3), size=(16, 16))
    network = STNet(1, 1, (8,), attention=attention)
    return ATFM(truncation, network, form=form, coupling=independent, starts=1, pairs=1, alpha=0, steps=4).eval()  # type: ignore[arg-type]


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    """A padded convolution over 16x16 pixels; a multiply-add is two."""
    return 2 * kernel**2 * inputs * outputs * 16 * 16


def test_a_small_st_net_by_hand() -> None:
    block = 2 * conv(8, 8)
    joined = conv(16, 8) + conv(8, 8) + conv(16, 8, kernel=1)  # two inputs side by side, and the path around
    operations = count_operations(method())
    assert operations.field == conv(1, 8) + block + block + joined + conv(8, 1)
    embedding = 32  # four times the width; 64 sines and 64 cosines
    assert operations.time == 2 * (128 * embedding + embedding * embedding) + 3 * 2 * embedding * 2 * 8
    assert operations.context == conv(1, 8)
    assert operations.draw == 2 * 3 * 16 * 16


@pytest.mark.parametrize("attention", [False, True])
def test_shapes_alone_count_what_a_real_run_does(attention: bool) -> None:
    real = method(attention)
    image = torch.rand(2, 1, 16, 16)
    counted = count_of(lambda: real.sample(image, 5, generator=Noise(0, ["a", "b"])))
    assert count_operations(real).total(5, images=2) == counted
    real.chunk = 4  # three chunks of ten samples, and so three embeddings of the time
    assert count_operations(real).total(5, images=2) == count_of(
        lambda: real.sample(image, 5, generator=Noise(0, ["a", "b"]))
    )


def test_gtr_alone_has_no_flow() -> None:
    real = method().truncation
    counted = count_of(lambda: real.sample(torch.rand(1, 1, 16, 16), 7, generator=Noise(0, ["a"])))
    assert count_operations(real).total(7) == counted


def test_counting_leaves_the_method_as_it_was() -> None:
    real = method()
    before = real.network.stem.weight.clone()
    count_operations(real)
    assert torch.equal(real.network.stem.weight, before)


@pytest.mark.parametrize(("form", "expected"), [("velocity", 8), ("endpoint", 7)])
def test_evaluations_of_heun_in_four_steps(form: str, expected: int) -> None:
    real = method(form=form)
    assert evaluations(real) == 4
    real.solver = HEUN
    calls = []
    real.network.register_forward_hook(lambda *_: calls.append(1))
    real.sample(torch.rand(1, 1, 16, 16), 1, generator=Noise(0, ["a"]))
    assert evaluations(real) == len(calls) == expected


def test_totals_add_up() -> None:
    operations = Operations(gtr=7, context=5, draw=2, field=11, time=3, evaluations=4, chunk=6)
    assert operations.total(10) == 7 + 5 + 20 + 4 * (110 + 2 * 3)
    assert operations.total(10, images=3) == 3 * (7 + 5 + 20) + 4 * (330 + 5 * 3)
    assert sum(operations.as_json(10).values()) == pytest.approx(operations.total(10) / 1e9)


def test_the_papers_preset_counts_what_the_paper_prints_and_ours_a_thousandth() -> None:
    paper = count_operations(open_subject("paper", fresh=True).method)
    assert paper.field / 1e9 == pytest.approx(182, rel=0.05)
    assert paper.total(100) / 1e9 == pytest.approx(455_000, rel=0.05)
    assert f"counts {paper.field / 1e9:.0f} here" in CONVENTION
    ours = count_operations(open_subject("lidc").method)
    assert ours.total(100) <= 80e9
    assert paper.total(100) >= 1000 * ours.total(100)
