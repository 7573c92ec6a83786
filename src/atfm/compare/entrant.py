"""`Entrant`: what is compared: a finished evaluation, and the model that it is of, if that is at hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from atfm.data.store import Store
from atfm.disk.sealed import digest
from atfm.errors import AtfmError, InputError, LeakError
from atfm.evaluate import Kept, is_kept, keep, prepare, read_kept, settings_digest, weights_digest
from atfm.io.naming import is_folder_name
from atfm.models import Model, load

__all__ = ["Entrant", "Named", "Scoring", "enter", "named"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Named:
    """What a user asks for.

    Args:
        label: the row's name; several of one label are several trainings of one method.
        what: run folder, weight file, shipped weights or the folder of a finished evaluation.
    """

    label: str
    what: str


@dataclass(frozen=True)
class Scoring:
    """How models that are not evaluated yet are scored.

    Args:
        store, split, samples, limit, seed, batch, device, allow_leak, patient_key: as for `atfm.evaluate.prepare`.
        folder: the evaluations are kept in it, each in a folder of its own.
        command: the command line that makes them again.
    """

    store: Store
    folder: Path
    split: str = "test"
    samples: int = 100
    limit: int | None = None
    seed: int = 0
    batch: int = 4
    device: torch.device | str = "cpu"
    allow_leak: bool = False
    patient_key: bytes = b""
    command: str = "atfm compare"

    def options(self) -> dict[str, Any]:
        """The options of `prepare`."""
        names = ("split", "samples", "limit", "seed", "batch", "device", "allow_leak", "patient_key")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Entrant:
    """A training of a method, scored.

    Args:
        label: of its row.
        kept: its evaluation.
        model: draws and is timed; None where the weights are not at hand.
        missing: why there is no model.
    """

    label: str
    kept: Kept
    model: Model | None
    missing: str = ""

    @property
    def title(self) -> str:
        """What the method is, in words."""
        summary = self.kept.summary
        return str(summary.get("titles", {}).get(summary["method"], summary["method"]))


def named(text: str) -> Named:
    """Read `LABEL=WHAT`, or `WHAT`, which goes by the last part of its name.

    Raises:
        InputError: a label that no folder can be named after.
    """
    label, separator, what = text.partition("=")
    if not separator or Path(text).exists():
        what = text
        label = Path(text).resolve().name.removesuffix(".safetensors")
    if not label or not what or not is_folder_name(label):
        raise InputError(
            f"{text}: expected a run, weights or an evaluation, or LABEL=ONE, with a label without / in it"
        )
    return Named(label, what)


def enter(
    asked: Sequence[Named],
    scoring: Scoring | None,
    *,
    allow_leak: bool = False,
    device: torch.device | str = "cpu",
    tell: Tell = lambda line: None,
    progress: Callable[[str], Callable[[int, int], object]] = lambda label: lambda done, total: None,
) -> list[Entrant]:
    """Evaluate what is not evaluated yet, and return all that is compared.

    Args:
        asked: what a user asks for.
        scoring: how models are scored; None where only finished evaluations are compared.
        allow_leak: let in what was scored on images that it was trained on; its row says so.
        device: where models are.
        tell: is told a line of each that is evaluated.
        progress: for a label, is told how many cases of how many are done.

    Raises:
        InputError: the same twice, or a model without a store to score it on; what `prepare` and `read_kept` raise.
        LeakError: a model, or an evaluation, of images that the model was trained on.
    """
    entrants = []
    for one in asked:
        if is_kept(Path(one.what)):
            entrants.append(_finished(one, device))
            continue
        model = load(one.what, device)
        if scoring is None:
            raise InputError(f"{one.what}: is not evaluated yet; give the store to score it on with --store")
        plan = prepare(model, scoring.store, **scoring.options())
        folder = scoring.folder / f"{one.label}-{digest(plan.identity())[:8]}"
        if not is_kept(folder):
            tell(f"{one.label}: evaluates {one.what} into {folder}")
        kept = keep(plan, folder, scoring.command, tell=tell, progress=progress(one.label))
        entrants.append(Entrant(one.label, kept, model))
    _check_apart(entrants)
    for entrant in entrants:
        leak = entrant.kept.summary["leak"]
        if leak["found"] and not allow_leak:
            raise LeakError(
                f"{entrant.label}: was scored on what it was trained on ({leak['line']}); leave it out, or give "
                "--allow-leak: its row says so"
            )
    return entrants


def _finished(one: Named, device: torch.device | str) -> Entrant:
    """A finished evaluation, with its model where the weights that were scored are at hand."""
    kept = read_kept(Path(one.what))
    name = str(kept.summary["model"])
    try:
        model = load(name, device)
    except AtfmError as error:
        return Entrant(one.label, kept, None, f"its weights are not at hand ({error})")
    made, method = kept.made_by, str(kept.summary["method"])
    steps = _of(made, "steps", method)
    if steps is not None and model.method.steps is not None:
        model = replace(model, method=model.method.with_steps(int(steps)))
    same = weights_digest(model.method) == _of(made, "weights", method)
    if not same or settings_digest(model.method) != _of(made, "settings", method):
        return Entrant(one.label, kept, None, f"{name} holds other weights now than those that were scored")
    return Entrant(one.label, kept, model)


def _of(made_by: Mapping[str, Any], field: str, method: str) -> Any:
    """A field of what made an evaluation; those of masks from elsewhere have none."""
    found = made_by.get(field)
    return found.get(method) if isinstance(found, dict) else None


def _check_apart(entrants: Sequence[Entrant]) -> None:
    """Refuse the same twice: it would count as two trainings."""
    seen: dict[tuple[str, str], str] = {}
    for entrant in entrants:
        made = digest(entrant.kept.made_by)
        if (entrant.label, made) in seen:
            raise InputError(
                f"{entrant.label}: {seen[entrant.label, made]} and {entrant.kept.folder} are the same evaluation; "
                "give each training once, or labels of their own"
            )
        seen[entrant.label, made] = str(entrant.kept.folder)
