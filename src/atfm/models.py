"""Names, run folders and weight files to a ready method, and back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from atfm.data.seen.seen import Seen, seen_of
from atfm.disk.lock import folder_lock
from atfm.errors import CheckpointError, ConfigError
from atfm.io.decoding import brief
from atfm.io.naming import hidden_by, is_folder_name, is_name
from atfm.methods.method import Method
from atfm.metrics.masks import Array
from atfm.predict import Chunk, Point, Prediction, Prepared, Window, prepare_array, sample, stream
from atfm.train.card import edited
from atfm.train.checkpoint import load_pair, save_pair, seal_beside
from atfm.train.config import Config
from atfm.train.migration import migrated
from atfm.train.presets import presets
from atfm.train.publication import publish

__all__ = ["Model", "amend", "edit", "find", "load", "publish", "shipped"]

WEIGHTS = "weights.safetensors"  # in a run folder; the shipped ones are atfm/weights/<name>.safetensors
RUNS = Path("runs")  # where trainings are put that are given no folder


@dataclass(frozen=True)
class Model:
    """A method ready to draw, and what is known of it.

    Args:
        method: the method, in evaluation mode.
        name: what the user called it.
        patients: hashes of all patients that it was trained on; `seen` tells more.
        card: configuration, data, versions, steps, scores: the JSON beside the weights.
    """

    method: Method = field(repr=False)
    name: str
    patients: frozenset[str] = field(repr=False)
    card: dict[str, Any] = field(repr=False)

    @cached_property
    def seen(self) -> Seen:
        """What it was trained on, as far as its card tells.

        Raises:
            CheckpointError: fields of the card that are none.
        """
        return seen_of(self.card, self.patients, self.name)

    def sample(
        self,
        image: Array | Sequence[Array] | Prepared,
        n: int = 16,
        seed: int = 0,
        *,
        steps: int | None = None,
        key: str | None = None,
        at: Point | None = None,
        spacing: Sequence[float] | None = None,
        window: Window | None = None,
        chunk: int | None = None,
        progress: Callable[[int, int], object] = lambda done, of: None,
    ) -> Prediction | list[Prediction]:
        """Draw `n` masks of an image, or of each image of a batch; `atfm.predict.sample` says what of."""
        return sample(
            self,
            image,
            n,
            seed=seed,
            steps=steps,
            key=key,
            at=at,
            spacing=spacing,
            window=window,
            chunk=chunk,
            progress=progress,
        )

    def prepare(
        self,
        image: Array,
        *,
        key: str = "image-0",
        at: Point | None = None,
        spacing: Sequence[float] | None = None,
        window: Window | None = None,
    ) -> Prepared:
        """Put an image into [0, 1] by the model's own rule; see `atfm.predict.prepare_array`."""
        return prepare_array(self, image, key=key, at=at, spacing=spacing, window=window)

    def stream(
        self,
        image: Array | Prepared,
        n: int = 16,
        seed: int = 0,
        *,
        steps: int | None = None,
        chunk: int | None = None,
    ) -> Iterator[Chunk]:
        """Draw `n` masks of an image chunk by chunk, keeping none of them; see `atfm.predict.stream`."""
        prepared = image if isinstance(image, Prepared) else self.prepare(image)
        return stream(self, prepared, n, seed=seed, steps=steps, chunk=chunk)


def shipped() -> list[str]:
    """Return the names of the weights that come with the package."""
    folder = resources.files("atfm") / "weights"
    return sorted(
        file.name.removesuffix(".safetensors") for file in folder.iterdir() if file.name.endswith(".safetensors")
    )


def load(name: str | Path, device: torch.device | str = "cpu") -> Model:
    """Return the model of a run folder, a weight file or the name of shipped weights.

    Args:
        name: a name of shipped weights is taken as such, even where a folder of that name lies in the working
            directory, which a warning then names; a path, with a separator or as a `Path`, is always a path.
        device: where the method lies.

    Raises:
        CheckpointError: nothing of that name, or a file that is truncated, damaged or of another version.
    """
    path = find(name)
    tensors, card = load_pair(path)
    try:
        card = migrated(card)
        config = Config.model_validate_json(json.dumps(card["config"]))
        described = {"in_channels": card["in_channels"], "channels": card["channels"], "size": tuple(card["size"])}
        with torch.device("meta"):  # what the card claims takes memory only where the tensors bear it out
            _check_shapes(_pick(config.build(**described), card), tensors)
        method = _pick(config.build(**described), card)
        method.load_state_dict(tensors)
        patients = _patients(card)
    except (KeyError, TypeError, ValidationError, ConfigError, CheckpointError) as error:
        text = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: its JSON and its weights do not belong together ({text})") from error
    for name_, value in method.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path}: tensor {name_} is not finite; train it again with a lower learning rate")
    method.eval().requires_grad_(False)
    return Model(method.to(device), str(name), patients, card)


def edit(path: Path, changes: Mapping[str, Any], *, when: str) -> None:
    """Edit the card of a weight file, and record the edits in it; without changes, seal it.

    Args:
        path: the file.
        changes: see `atfm.train.card.edited`.
        when: of the edit, for the record.

    Raises:
        ConfigError: a change that a card cannot have.
        CheckpointError, BusyError, DiskError: as `amend`.
    """
    amend(path, lambda card: edited(card, changes, when))


def amend(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write a weight file's card changed and sealed again, while nobody else writes in its folder.

    Raises:
        CheckpointError: weights that do not load as they are.
        BusyError: another process is writing there.
        DiskError: the folder cannot be written; the card stays as it was.
    """
    load(path)
    with folder_lock(path.parent):
        tensors, card = load_pair(path)
        new = change(card)
        if "bytes" in card:  # it lies beside its tensors, which stay as they are
            seal_beside(path, new)
        else:
            save_pair(path, tensors, new)


def _pick(method: Method, card: Mapping[str, Any]) -> Method:
    """What could be sampled when the weights were written: in stage 1 of ATFM, GTR alone."""
    return {stage.name: stage.method for stage in method.stages()}[card["training"]["stage"]]


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


def find(name: str | Path) -> Path:
    """Return the weight file of a run folder, a weight file or the name of shipped weights.

    A name that is neither is that of a run in `runs`, where `atfm train` puts it; shipped weights come first.

    Raises:
        CheckpointError: nothing of that name.
    """
    path, called = Path(name), str(name)
    if is_name(name) and called in shipped():
        hidden_by(called, "the shipped weights")
        return _shipped(called)
    if path.is_dir():
        if not (path / WEIGHTS).exists():
            raise CheckpointError(f"{path}: expected a run folder with {WEIGHTS}, found none; train it first")
        return path / WEIGHTS
    if path.suffix == ".safetensors":
        return path
    if called in shipped():
        return _shipped(called)
    if is_name(name) and is_folder_name(called) and (RUNS / called / WEIGHTS).exists():
        return RUNS / called / WEIGHTS
    names = ", ".join(shipped()) or "none"
    preset = f"; `atfm train {called}` trains that preset into {RUNS / called}" if called in presets() else ""
    raise CheckpointError(
        f"model {called!r}: expected a run folder, a .safetensors file or shipped weights ({names}){preset}"
    )


def _shipped(name: str) -> Path:
    return Path(str(resources.files("atfm") / "weights" / f"{name}.safetensors"))
