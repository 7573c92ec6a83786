"""Names, run folders and weight files to a ready method: the one place where the parts are joined."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from atfm.errors import CheckpointError, ConfigError
from atfm.flow.coupling import independent, optimal
from atfm.flow.network import STNet
from atfm.flow.solver import SOLVERS
from atfm.io.decoding import brief
from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.methods.method import Method
from atfm.train.checkpoint import load_pair, save_pair
from atfm.train.config import Config
from atfm.truncation.network import GTRNetwork

__all__ = ["Model", "build", "load", "publish", "set_steps", "shipped"]

WEIGHTS = "weights.safetensors"  # in a run folder; the shipped ones are atfm/weights/<name>.safetensors


@dataclass(frozen=True)
class Model:
    """A method ready to draw, and what is known of it.

    Args:
        method: the method, in evaluation mode.
        name: what the user called it.
        patients: hashes of all patients that it was trained on (`atfm.data.splits.patient_hash`).
        card: configuration, data, versions, steps, scores: the JSON beside the weights.
    """

    method: Method
    name: str
    patients: frozenset[str]
    card: dict[str, Any]


def build(config: Config, *, in_channels: int, channels: int, size: tuple[int, ...]) -> ATFM:
    """Return the method of a configuration with fresh weights; both stages, of which the first may be trained alone.

    Raises:
        ConfigError: parts that do not fit each other or the image.
    """
    _check_image(in_channels, channels, size)
    window = config.window or size
    _check_fit(config, size, window)
    gtr, sfm = config.gtr, config.sfm
    dims = len(size)
    truncation = GTRNetwork(
        in_channels,
        channels,
        gtr.widths,
        blocks=gtr.blocks,
        bottom=gtr.bottom,
        rank=gtr.rank,
        patch=gtr.patch,
        dims=dims,
    )
    stage1 = GTR(
        truncation,
        size=size,
        window=window,
        in_channels=in_channels,
        monte_carlo=gtr.monte_carlo,
        shared=gtr.annotators == "all",
        stride=math.lcm(*_strides(config).values()) if config.crop else None,
    )
    condition = (1 if sfm.grey else in_channels) * sfm.patch**dims
    network = STNet(
        condition + (gtr.widths[0] if sfm.condition == "features" else 0),
        channels,
        sfm.widths,
        blocks=sfm.blocks,
        context_widths=sfm.context_widths,
        patch=sfm.patch,
        attention=sfm.attention,
        dims=dims,
    )
    return ATFM(
        stage1,
        network,
        form=sfm.form,
        coupling={"independent": independent, "optimal": optimal}[sfm.coupling],
        starts=sfm.starts,
        pairs=sfm.pairs,
        alpha=sfm.alpha,
        steps=sfm.steps,
        solver=SOLVERS[sfm.solver],
        temperature=sfm.temperature,
        draws=sfm.draws,
        prior=sfm.prior,
        start=sfm.start,
        condition=sfm.condition,
        grey=sfm.grey,
    )


def _check_image(in_channels: int, channels: int, size: tuple[int, ...]) -> None:
    if len(size) not in (2, 3) or any(type(side) is not int or side < 1 for side in size):
        raise ConfigError(f"size: expected two or three whole numbers of at least 1, got {brief(list(size))}")
    for name, number in (("in_channels", in_channels), ("channels", channels)):
        if type(number) is not int or not 1 <= number < 2**16:
            raise ConfigError(f"{name}: expected a whole number of at least 1, got {brief(number)}")


def _check_fit(config: Config, size: tuple[int, ...], window: tuple[int, ...]) -> None:
    gtr, sfm = config.gtr, config.sfm
    if config.crop and (config.window or len(config.crop) != len(size)):
        raise ConfigError(
            f"field 'crop': expected {len(size)} numbers and no window beside it, got {list(config.crop)}"
        )
    if len(window) != len(size) or any(inner > outer for inner, outer in zip(window, size, strict=False)):
        raise ConfigError(f"field 'window': expected at most the image's size {list(size)}, got {list(window)}")
    for part, patch in (("gtr", gtr.patch), ("sfm", sfm.patch)):
        if any(width % patch for width in window):
            raise ConfigError(f"field '{part}.patch': {patch} does not divide the window {list(window)}; try 1")
    if sfm.condition == "features" and sfm.patch != gtr.patch:
        raise ConfigError(
            f"field 'sfm.patch': expected gtr.patch = {gtr.patch}, since sfm.condition is 'features', got {sfm.patch}"
        )
    _check_depth(config, window)


def _strides(config: Config) -> dict[str, int]:
    """The pixels from one position of the coarsest level of each network to the next."""
    gtr, sfm = config.gtr, config.sfm
    levels = {
        "gtr.widths": (gtr.patch, gtr.widths),
        "sfm.widths": (sfm.patch, sfm.widths),
        "sfm.context_widths": (sfm.patch, sfm.context_widths or (0,)),
    }
    return {name: patch * 2 ** (len(widths) - 1) for name, (patch, widths) in levels.items()}


def _check_depth(config: Config, window: tuple[int, ...]) -> None:
    """Refuse networks that halve what they look at until a single position is left, which cannot be normalised."""
    seen = config.crop or window
    for name, stride in _strides(config).items():
        if math.prod(math.ceil(side / stride) for side in seen) < 2:
            raise ConfigError(
                f"field '{name}': so many levels leave a single position of {list(seen)} pixels; take fewer"
            )


def publish(path: Path, method: Method, card: dict[str, Any]) -> None:
    """Write the weights of a method (of GTR alone while stage 2 has not begun) and their card."""
    described = card | {
        "method": type(method).__name__.lower(),
        "in_channels": method.in_channels,
        "channels": method.channels,
        "size": list(method.size),
    }
    save_pair(path, method.state_dict(), described)


def shipped() -> list[str]:
    """Return the names of the weights that come with the package."""
    folder = resources.files("atfm") / "weights"
    return sorted(
        file.name.removesuffix(".safetensors") for file in folder.iterdir() if file.name.endswith(".safetensors")
    )


def load(name: str | Path, device: torch.device | str = "cpu") -> Model:
    """Return the model of a run folder, a weight file or the name of shipped weights.

    Raises:
        CheckpointError: nothing of that name, or a file that is truncated, damaged or of another version.
    """
    path = _find(str(name))
    tensors, card = load_pair(path)
    try:
        config = Config.model_validate_json(json.dumps(card["config"]))
        described = {"in_channels": card["in_channels"], "channels": card["channels"], "size": tuple(card["size"])}
        with torch.device("meta"):  # what the card claims takes memory only where the tensors bear it out
            _check_shapes(_pick(build(config, **described), card), tensors)
        method = _pick(build(config, **described), card)
        method.load_state_dict(tensors)
        patients = _patients(card)
    except (KeyError, TypeError, ValidationError, ConfigError, CheckpointError) as error:
        text = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: its JSON and its weights do not belong together ({text})") from error
    method.eval().requires_grad_(False)
    return Model(method.to(device), str(name), patients, card)


def _pick(method: ATFM, card: Mapping[str, Any]) -> Method:
    return method.stages()[0].method if card["method"] == "gtr" else method


def _check_shapes(claimed: Method, tensors: Mapping[str, Tensor]) -> None:
    wanted = {name: list(tensor.shape) for name, tensor in claimed.state_dict().items()}
    given = {name: list(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            found = given.get(name, "none")
            raise CheckpointError(f"tensor {brief(name)}: expected {wanted.get(name, 'none')}, found {found}")


def _patients(card: Mapping[str, Any]) -> frozenset[str]:
    listed = card["patients"]
    if not isinstance(listed, list) or not all(isinstance(patient, str) for patient in listed):
        raise TypeError(f"patients: expected a list of hashes, got {brief(listed)}")
    return frozenset(listed)


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        if not (path / WEIGHTS).exists():
            raise CheckpointError(f"{path}: expected a run folder with {WEIGHTS}, found none; train it first")
        return path / WEIGHTS
    if path.suffix == ".safetensors":
        return path
    if name in shipped():
        return Path(str(resources.files("atfm") / "weights" / f"{name}.safetensors"))
    names = ", ".join(shipped()) or "none"
    raise CheckpointError(f"model {name!r}: expected a run folder, a .safetensors file or shipped weights ({names})")


def set_steps(method: Method, steps: int) -> None:
    """Let a method with a flow integrate in so many steps.

    Raises:
        ConfigError: a method without a flow, or fewer than one step.
    """
    if not isinstance(method, ATFM):
        raise ConfigError("steps: this model has no flow (its stage 2 was not trained); leave the steps out")
    if steps < 1:
        raise ConfigError(f"steps: expected at least 1, got {steps}")
    method.steps = steps
