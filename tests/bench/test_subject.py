"""Names to methods."""

from pathlib import Path

import pytest
import torch

from atfm.bench.subject import images, open_subject
from atfm.errors import CheckpointError, ConfigError


def test_weights_come_before_presets_of_the_same_name(small: Path) -> None:
    assert open_subject("lidc").trained
    assert not open_subject("lidc", fresh=True).trained
    trained = open_subject(str(small / "run"))
    assert trained.trained and trained.method.size == (16, 16) and trained.config.preset == "phantom"
    assert open_subject(str(small / "run" / "weights.safetensors")).parameters == trained.parameters


def test_a_preset_file_is_built_in_the_size_asked_for(small: Path) -> None:
    subject = open_subject(str(small / "other.toml"), size=(32, 32))
    assert subject.method.size == (32, 32) and not subject.method.training
    assert subject.parameters == sum(p.numel() for p in subject.method.parameters())
    assert open_subject(str(small / "other.toml")).method.size == (128, 128)


def test_names_that_are_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        open_subject("lidk")
    with pytest.raises(CheckpointError):
        open_subject(str(tmp_path))


def test_images_are_seeded_and_in_range(small: Path) -> None:
    method = open_subject(str(small / "run")).method
    first, again = images(method, 3), images(method, 3)
    assert torch.equal(first, again) and first.shape == (3, 1, 16, 16)
    assert first.min() >= 0 and first.max() <= 1
