"""Training throughput and the convolution it is compared with."""

from pathlib import Path

import pytest
import torch
from atfm.build import build

from atfm.bench.convolution import convolution_peak, widths_of
from atfm.bench.operations import count_of
from atfm.bench.training import training_speed
from atfm.data.batch import Batch
from atfm.train.presets import PRESETS, resolve

CPU = torch.device("cpu")


def test_the_numbers_fit_each_other(small: Path) -> None:
    config = resolve("phantom").model_copy(update=resolve(str(small / "other.toml")).model_dump(include={"seed"}))
    found = training_speed(config, CPU, size=(16, 16), steps=3, batch=2, work=1e6)
    peak = max(found["convolution_gflop_per_second"].values())
    assert {"gtr", "sfm"} <= set(found["stages"]) and found["precision"] == "float32"
    for stage in found["stages"].values():
        assert stage["images_per_second"] == pytest.approx(2 / stage["seconds_per_step"])
        assert stage["gflop_per_second"] == pytest.approx(stage["gflop_per_step"] / stage["seconds_per_step"])
        assert stage["share_of_convolution"] == pytest.approx(stage["gflop_per_second"] / peak)


def test_the_operations_of_a_step_are_those_of_loss_and_backward() -> None:
    config = PRESETS["phantom"]
    found = training_speed(config, CPU, size=(16, 16), steps=3, batch=2, work=1e6)
    method = build(config, in_channels=1, channels=1, size=(16, 16))
    batch = Batch(torch.rand(2, 1, 16, 16), torch.ones(2, 4, 1, 16, 16), torch.ones(2, 4, dtype=torch.bool))
    expected = count_of(lambda: method.truncation.loss(batch)["likelihood"].backward())
    assert found["stages"]["gtr"]["gflop_per_step"] == pytest.approx(expected / 1e9)


def test_convolutions_are_measured_for_every_width() -> None:
    assert widths_of(PRESETS["lidc"]) == [16, 24, 32, 48, 64, 96]
    speeds = convolution_peak([4, 8], CPU, work=1e7)
    assert set(speeds) == {4, 8} and min(speeds.values()) > 1e6
