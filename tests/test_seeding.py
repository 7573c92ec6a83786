"""Noise belongs to (seed, case, sample)."""

import math

import pytest
import torch

from atfm.errors import InputError
from atfm.seeding import Draw, Noise, seed_of, step_generator

KINDS = [
    Draw("normal", (5, 7)),
    Draw("uniform", (5, 7)),
    Draw("gumbel", (3,)),
    Draw("categorical", categories=6),
    Draw("normal", (4,), on_device=True),
]


@pytest.mark.parametrize("draw", KINDS, ids=lambda draw: draw.kind)
def test_a_sample_is_the_same_among_4_and_100_and_from_where_one_goes_on(draw: Draw) -> None:
    noise = Noise(3, ["a", "b"])
    few, many, later = (noise.draw({"x": draw}, n, first=first)["x"] for n, first in ((4, 0), (100, 0), (20, 80)))
    assert few.shape == (2, 4, *draw.shape)
    assert torch.equal(few, many[:, :4])
    assert torch.equal(later, many[:, 80:])


@pytest.mark.parametrize("draw", KINDS, ids=lambda draw: draw.kind)
def test_a_case_is_the_same_alone_and_among_8(draw: Draw) -> None:
    keys = [f"case-{i}" for i in range(8)]
    together = Noise(3, keys).draw({"x": draw}, 3)["x"]
    for row, key in zip(together, keys, strict=True):
        assert torch.equal(row, Noise(3, [key]).draw({"x": draw}, 3)["x"][0])


def test_seed_case_sample_and_name_all_matter() -> None:
    drawn = [
        Noise(0, ["a"]).normal("x", 2, (4,))[0, 0],
        Noise(1, ["a"]).normal("x", 2, (4,))[0, 0],
        Noise(0, ["b"]).normal("x", 2, (4,))[0, 0],
        Noise(0, ["a"]).normal("y", 2, (4,))[0, 0],
        Noise(0, ["a"]).normal("x", 2, (4,))[0, 1],
    ]
    assert len({tuple(row.tolist()) for row in drawn}) == 5


def test_several_names_are_drawn_at_once_and_apart() -> None:
    noise = Noise(0, ["a"])
    drawn = noise.draw({"x": Draw("normal", (4,)), "u": Draw("uniform")}, 3)
    assert torch.equal(drawn["x"], noise.normal("x", 3, (4,)))
    assert torch.equal(drawn["u"], noise.uniform("u", 3, ()))


def test_each_kind_has_its_law() -> None:
    noise, many = Noise(0, ["a", "b"]), 200
    normal = noise.draw({"x": Draw("normal", (400,))}, many)["x"]
    assert normal.mean().abs() < 0.01 and (normal.std() - 1).abs() < 0.01
    uniform = noise.draw({"x": Draw("uniform", (400,))}, many)["x"]
    assert uniform.min() >= 0 and uniform.max() < 1
    assert (uniform.mean() - 0.5).abs() < 0.01 and (uniform.var() - 1 / 12).abs() < 0.001
    gumbel = noise.draw({"x": Draw("gumbel", (400,))}, many)["x"]
    assert torch.isfinite(gumbel).all()
    assert (gumbel.mean() - 0.57722).abs() < 0.02 and (gumbel.var() - math.pi**2 / 6).abs() < 0.03
    categorical = noise.draw({"x": Draw("categorical", (400,), categories=5)}, many)["x"]
    assert categorical.dtype == torch.long
    shares = categorical.flatten().bincount() / categorical.numel()
    assert len(shares) == 5 and (shares - 0.2).abs().max() < 0.01


def test_gumbel_numbers_choose_by_logits() -> None:
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    chosen = (logits + Noise(0, ["a"]).draw({"x": Draw("gumbel", (3,))}, 5000)["x"][0]).argmax(1)
    torch.testing.assert_close(chosen.bincount() / 5000, logits.exp(), atol=0.02, rtol=0)


def test_normals_are_those_that_were_drawn_when_the_weights_were_shipped() -> None:
    """The seed is BLAKE2b of the words, the numbers are those of torch's own generator."""
    generator = torch.Generator().manual_seed(seed_of(7, "case", 2, "pixel"))
    assert torch.equal(Noise(7, ["case"]).normal("pixel", 3, (40,))[0, 2], torch.empty(40).normal_(generator=generator))
    assert seed_of(7, "case", 2, "pixel") == 1322309762836999480


def test_images_without_names_have_places_and_a_negative_start_is_refused() -> None:
    assert Noise.unnamed(0, 2).keys == ("image-0", "image-1") and len(Noise.unnamed(0, 2)) == 2
    with pytest.raises(InputError, match="got -1 and 3"):
        Noise(0, ["a"]).normal("x", 3, (2,), first=-1)


def test_step_generators_do_not_depend_on_history() -> None:
    assert torch.equal(
        torch.rand(3, generator=step_generator(0, "gtr", 5)), torch.rand(3, generator=step_generator(0, "gtr", 5))
    )
    assert seed_of(0, "ab", "c") != seed_of(0, "a", "bc")
