"""What is measured: a trained model, or a preset with fresh weights, since speed does not depend on their values."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch

from atfm.data.phantom.kinds import kind_of, simulated_case
from atfm.data.seen.seen import Seen
from atfm.io.naming import hidden_by, is_name
from atfm.methods.method import Method
from atfm.models import load, shipped
from atfm.train.config import Config
from atfm.train.presets import presets, resolve

__all__ = ["Contender", "fresh", "images", "open_contender"]


@dataclass(frozen=True)
class Contender:
    """A method under measurement.

    Args:
        name: what the user called it.
        method: in evaluation mode, on its device.
        config: what it was built from.
        trained: False for a preset with fresh weights.
        seen: what it was trained on, for the guard of an evaluation.
    """

    name: str
    method: Method
    config: Config
    trained: bool = False
    seen: Seen = field(default_factory=Seen)

    @property
    def parameters(self) -> int:
        """Numbers that were, or would be, trained in all stages."""
        return sum(parameter.numel() for parameter in self.method.parameters())


def open_contender(
    name: str, device: torch.device | str = "cpu", *, size: tuple[int, ...] | None = None, preset: bool = False
) -> Contender:
    """Open a run folder, a weight file, shipped weights, or a preset (its name, or a TOML or YAML file).

    Args:
        name: of shipped weights or, if there are none, of a preset; else a path. A folder that has the name of either
            is named with a separator: `./paper`.
        device: where the method lies.
        size: of a preset's images; None: those that it is meant for.
        preset: build the preset of this name even if there are weights of the same name.

    Raises:
        CheckpointError: a damaged weight file.
        ConfigError: neither weights nor a preset of this name.
    """
    known = is_name(name) and name not in shipped() and name in presets()
    if known:
        hidden_by(name, "the settings of the preset")
    weights = name in shipped() or name.endswith(".safetensors") or Path(name).is_dir()
    if weights and not preset and not known:
        model = load(name, device)
        config = Config.model_validate_json(json.dumps(model.card["config"]))
        return Contender(name, model.method, config, True, model.seen)
    config = resolve(name)
    torch.manual_seed(0)
    return Contender(name, fresh(config, size=size).eval().requires_grad_(False).to(device), config)


def fresh(config: Config, *, size: tuple[int, ...] | None = None) -> Method:
    """Return the method of a configuration with fresh weights, for images of this size or those that it is meant for.

    Raises:
        ConfigError: parts that do not fit each other or the images.
    """
    if config.phantom is None:
        (channels, *usual), classes = config.images, 1
    else:
        (channels, *usual), classes = (
            simulated_case(0, 0, kind=config.phantom).image.shape,
            kind_of(config.phantom).classes,
        )
    return config.build(in_channels=channels, channels=classes, size=config.crop or size or tuple(usual))


def images(method: Method, count: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return seeded noise as images of the method's size: `[count, C_in, *spatial]` in [0, 1]."""
    generator = torch.Generator().manual_seed(count)
    return torch.rand(count, method.in_channels, *method.size, generator=generator).to(device)
