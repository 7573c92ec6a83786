"""Counts against numbers worked out by hand, and against what a real run does."""

from pathlib import Path

import pytest
import torch

from atfm.bench.contender import fresh, open_contender
from atfm.bench.operations import CONVENTION, Operations, count_of, count_operations
from atfm.errors import AtfmWarning
from atfm.methods import Frame, Method
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.gtr import GTRConfig, PresenceConfig
from atfm.seeding import Noise
from atfm.train.presets import resolve

FRAME = Frame(1, 1, (16, 16))
GTR_ALONE = GTRConfig(widths=(8, 8), rank=3)
SMALL = {"widths": (8,), "condition": "image", "form": "velocity", "steps": 4}


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    """A padded convolution over 16x16 pixels; a multiply-add is two."""
    return 2 * kernel**2 * inputs * outputs * 16 * 16


def counted(method: Method, samples: int) -> int:
    image = torch.rand(1, 1, *method.size)
    return count_of(lambda: method.eval().sample(image, samples, noise=Noise(0, ["a"])))


def test_a_small_st_net_by_hand() -> None:
    operations = count_operations(ATFMConfig(gtr=GTR_ALONE, sfm=SFMConfig(**SMALL)).build(FRAME).eval())
    block = 2 * conv(8, 8)
    joined = conv(16, 8) + conv(8, 8) + conv(16, 8, kernel=1)  # two inputs side by side, and the path around
    field = conv(1, 8) + block + block + joined + conv(8, 1)
    start = 2 * 3 * 16 * 16  # the factor times its noise
    assert operations.each == start + 4 * field
    alone = count_operations(GTR_ALONE.build(FRAME).eval())
    assert alone.each == start
    embedding = 32  # four times the width; 64 sines and 64 cosines; once for all samples of an evaluation
    time = 2 * (128 * embedding + embedding * embedding) + 3 * 2 * embedding * 2 * 8
    assert operations.once == alone.once + conv(1, 8) + 4 * time


@pytest.mark.parametrize(
    "method",
    [
        ATFMConfig(gtr=GTR_ALONE, sfm=SFMConfig(**SMALL, attention=True)),
        ATFMConfig(gtr=GTR_ALONE, sfm=SFMConfig(**{**SMALL, "form": "endpoint", "solver": "heun"})),
        ATFMConfig(gtr=GTRConfig(widths=(8, 8), rank=3, presence=PresenceConfig(widths=(4, 4)))),
        GTR_ALONE,
    ],
    ids=["attention", "heun", "hurdle", "gtr"],
)
def test_shapes_alone_count_what_a_real_run_does(method: ATFMConfig | GTRConfig) -> None:
    real = method.build(FRAME)
    assert count_operations(real.eval()).total(7) == counted(real, 7)


def test_counting_leaves_the_method_as_it_was() -> None:
    real = GTR_ALONE.build(FRAME)
    before = {name: value.clone() for name, value in real.state_dict().items()}
    count_operations(real)
    assert all(torch.equal(value, before[name]) for name, value in real.state_dict().items())


def test_totals_add_up() -> None:
    assert Operations(once=7, each=5).total(10) == 57


def test_the_papers_preset_counts_what_the_paper_prints_and_ours_a_thousandth() -> None:
    with torch.device("meta"):
        paper = count_operations(fresh(resolve("paper")).eval())
    evaluation = paper.each / 25 / 1e9
    assert evaluation == pytest.approx(182, rel=0.05)
    assert paper.total(100) / 1e9 == pytest.approx(455_000, rel=0.05)
    assert f"counts {evaluation:.0f} here" in CONVENTION
    ours = count_operations(open_contender("lidc").method)
    assert ours.total(100) <= 80e9
    assert paper.total(100) >= 1000 * ours.total(100)


def test_a_contender_is_weights_or_a_preset_for_the_images_it_is_meant_for(small: Path) -> None:
    run = open_contender(str(small / "run"))
    assert run.trained and run.method.size == (16, 16)
    assert not open_contender("lidc", preset=True).trained and open_contender("lidc").trained
    for name, channels, classes, size in (
        ("paper-isic3", 3, 1, (128, 128)),
        ("phantom-classes", 1, 3, (32, 32)),
        ("phantom-volume", 1, 1, (16, 32, 32)),
    ):
        with torch.device("meta"):
            method = fresh(resolve(name))
        assert (method.in_channels, method.channels, method.size) == (channels, classes, size)
    assert open_contender(str(small / "other.toml"), size=(24, 24)).method.size == (24, 24)


def test_a_folder_named_like_a_preset_does_not_hide_it(small: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper").symlink_to(small / "run")
    with pytest.warns(AtfmWarning, match=r"paper: taken for the settings of the preset .* give \./paper"):
        assert not open_contender("paper").trained
    assert open_contender("./paper").trained
