"""A run folder's weights and checkpoint in half the bytes, and the checkpoint made whole again.

Weights become float16, the optimiser's moments bfloat16, whose range squared gradients need. The averaged weights of a
checkpoint are those of the weight file beside it: they are left out here and put back by `filled`.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from atfm.train.checkpoint import load_pair, save_pair

__all__ = ["filled", "halved", "placed"]

AVERAGE = "average."


def halved(run: Path, out: Path) -> dict[str, list[Path]]:
    """Write what a run has: its weights, and its checkpoint without the averaged weights.

    Args:
        run: the run folder.
        out: where to write.

    Returns:
        The files of `weights` and of `checkpoint`.
    """
    made: dict[str, list[Path]] = {"weights": [], "checkpoint": []}
    weights = run / "weights.safetensors"
    if not weights.exists():
        return made
    tensors, card = load_pair(weights)
    made["weights"] = written(out / weights.name, {name: half(name, value) for name, value in tensors.items()}, card)
    complete = sorted(run.glob("checkpoint-*.safetensors"))
    if complete:
        there, state = load_pair(complete[-1])
        kept = {name: half(name, value) for name, value in there.items() if not name.startswith(AVERAGE)}
        made["checkpoint"] = written(out / complete[-1].name, kept, state)
    return made


def half(name: str, value: torch.Tensor) -> torch.Tensor:
    """A tensor in two bytes a number; whole numbers and the optimiser's counts stay as they are."""
    if not value.is_floating_point() or name.endswith(".step"):
        return value
    return value.to(torch.bfloat16 if name.startswith("optimiser.") else torch.float16)


def written(path: Path, tensors: dict[str, torch.Tensor], card: dict[str, object]) -> list[Path]:
    """A pair of tensors and their description."""
    save_pair(path, tensors, card)
    return [path, path.with_suffix(".json")]


def filled(folder: Path) -> list[str]:
    """Put the averaged weights back into every checkpoint below a folder; return the runs that have one."""
    runs = []
    for file in sorted(folder.rglob("checkpoint-*.safetensors")):
        tensors, state = load_pair(file)
        averages, _ = load_pair(file.with_name("weights.safetensors"))
        written(file, tensors | {AVERAGE + name: value for name, value in averages.items()}, state)
        runs.append(str(file.parent.relative_to(folder)))
    return runs


def placed(folder: Path, size: Sequence[int]) -> list[str]:
    """Say of all weights below a folder that they are for images of this size, of which they saw the central parts.

    A method with a window looks at the centre of an image alone, so its weights know nothing of the size.

    Returns:
        The runs that have such weights; those without a window stay as they are.
    """
    runs = []
    for file in sorted(folder.rglob("weights.safetensors")):
        tensors, card = load_pair(file)
        window = card["config"]["window"]
        if window and len(window) == len(size) and all(a <= b for a, b in zip(window, size, strict=True)):
            save_pair(file, tensors, card | {"size": list(size)})
            runs.append(str(file.parent.relative_to(folder)))
    return runs
