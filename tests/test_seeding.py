"""Noise belongs to (seed, case, sample)."""

import pytest
import torch

from atfm.seeding import Noise, as_noise, seed_of, step_generator


def test_a_sample_is_the_same_among_4_and_100() -> None:
    few, many = (Noise(3, ["a"]).normal("pixel", n, (5, 7)) for n in (4, 100))
    assert torch.equal(few, many[:, :4])


def test_a_case_is_the_same_alone_and_among_8() -> None:
    keys = [f"case-{i}" for i in range(8)]
    together = Noise(3, keys).normal("pixel", 3, (6,))
    for row, key in zip(together, keys, strict=True):
        assert torch.equal(row, Noise(3, [key]).normal("pixel", 3, (6,))[0])


def test_seed_case_sample_and_name_all_matter() -> None:
    drawn = [
        Noise(0, ["a"]).normal("x", 2, (4,))[0, 0],
        Noise(1, ["a"]).normal("x", 2, (4,))[0, 0],
        Noise(0, ["b"]).normal("x", 2, (4,))[0, 0],
        Noise(0, ["a"]).normal("y", 2, (4,))[0, 0],
        Noise(0, ["a"]).normal("x", 2, (4,))[0, 1],
    ]
    assert len({tuple(row.tolist()) for row in drawn}) == 5


def test_noise_is_standard_normal() -> None:
    drawn = Noise(0, ["a", "b"]).normal("x", 50, (400,))
    assert drawn.mean().abs() < 0.02
    assert (drawn.std() - 1).abs() < 0.02


def test_a_torch_generator_will_do() -> None:
    first, second = (as_noise(torch.Generator().manual_seed(7), 2) for _ in range(2))
    assert first.seed == second.seed
    assert len(first) == 2


def test_wrong_number_of_keys_is_named() -> None:
    with pytest.raises(ValueError, match="one key for each of 3 images, got 2"):
        as_noise(Noise(0, ["a", "b"]), 3)


def test_step_generators_do_not_depend_on_history() -> None:
    assert torch.equal(
        torch.rand(3, generator=step_generator(0, "gtr", 5)), torch.rand(3, generator=step_generator(0, "gtr", 5))
    )
    assert seed_of(0, "ab", "c") != seed_of(0, "a", "bc")
