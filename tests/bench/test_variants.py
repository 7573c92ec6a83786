"""Other ways to run the same weights give the same masks."""

from pathlib import Path

import pytest
import torch

from atfm.bench.subject import images, open_subject
from atfm.bench.variants import compare_variants, variant
from atfm.errors import ConfigError
from atfm.seeding import Noise

CPU = torch.device("cpu")


def test_layout_chunks_and_inference_mode_change_rounding_at_most(small: Path) -> None:
    method = open_subject(str(small / "run")).method
    names = ("contiguous", "chunk=3+inference", "bf16")
    found = compare_variants(method, names, images(method, 1), 8, repeats=1)
    assert [way["name"] for way in found] == ["default", *names]
    assert all(way["equal_pixels"] > 0.999 for way in found[:3]) and found[3]["equal_pixels"] > 0.9
    assert all(way["seconds"] > 0 and way["first_seconds"] > 0 for way in found)


def test_bf16_is_really_used_and_the_method_is_left_alone(small: Path) -> None:
    method = open_subject(str(small / "run")).method
    image, noise, kinds = images(method, 1), Noise(0, ["a"]), []
    run = variant(method, "bf16", CPU)
    method.register_forward_hook(lambda *_: None)
    own = method.sample(image, 2, generator=noise).probabilities
    other = run(image, 2, noise).probabilities
    kinds = [bool((own - other).abs().max() > 1e-4), bool((own - other).abs().max() < 0.2)]
    assert kinds == [True, True]
    assert method.chunk == 64 and method.network.stem.weight.dtype == torch.float32  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "message"),
    [("fp8", "variant 'fp8' is unknown"), ("chunk=x", "unknown"), ("graphs", "need a GPU")],
)
def test_ways_that_cannot_be_are_refused(small: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        variant(open_subject(str(small / "run")).method, name, CPU)


def test_gtr_alone_has_no_chunks(small: Path) -> None:
    with pytest.raises(ConfigError, match="no flow"):
        variant(open_subject(str(small / "gtr")).method, "chunk=4", CPU)
