"""What is measured: a trained model, or a preset with fresh weights, since speed does not depend on their values."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from atfm.build import build
from atfm.methods.method import Method
from atfm.models import load, shipped
from atfm.train.config import Config
from atfm.train.presets import resolve

__all__ = ["SIZE", "Subject", "images", "open_subject"]

SIZE = (128, 128)  # of LIDC's crops; a trained model keeps its own


@dataclass(frozen=True)
class Subject:
    """A method under measurement.

    Args:
        name: what the user called it.
        method: in evaluation mode, on its device.
        config: what it was built from.
        trained: False for a preset with fresh weights.
        patients: hashes of those that it was trained on, for the guard of an evaluation.
    """

    name: str
    method: Method
    config: Config
    trained: bool
    patients: frozenset[str] = frozenset()

    @property
    def parameters(self) -> int:
        """Numbers that were, or would be, trained in all stages."""
        return sum(parameter.numel() for parameter in self.method.parameters())


def open_subject(
    name: str, device: torch.device | str = "cpu", *, size: tuple[int, ...] | None = None, fresh: bool = False
) -> Subject:
    """Open a run folder, a weight file, shipped weights, or a preset (its name, or a TOML or YAML file).

    Args:
        name: weights are looked for first.
        device: where the method lies.
        size: of a preset's images; None: 128x128.
        fresh: build the preset of this name even if there are weights of the same name.

    Raises:
        CheckpointError: a damaged weight file.
        ConfigError: neither weights nor a preset of this name.
    """
    if not fresh and (name in shipped() or name.endswith(".safetensors") or Path(name).is_dir()):
        model = load(name, device)
        config = Config.model_validate_json(json.dumps(model.card["config"]))
        return Subject(name, model.method, config, True, model.patients)
    config = resolve(name)
    torch.manual_seed(0)
    method = build(config, in_channels=config.in_channels or 1, channels=1, size=config.crop or size or SIZE)
    return Subject(name, method.eval().requires_grad_(False).to(device), config, False)


def images(method: Method, count: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return seeded noise as images of the method's size: `[count, C_in, *spatial]` in [0, 1]."""
    generator = torch.Generator().manual_seed(count)
    return torch.rand(count, method.in_channels, *method.size, generator=generator).to(device)
