"""`Row`: what of a configuration one training of a study changes, and how it is sampled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atfm.errors import ConfigError
from atfm.io.decoding import brief
from atfm.io.naming import is_folder_name
from atfm.train.config import Config, override

__all__ = ["QUIET", "Fields", "Row", "shortened", "stretch", "widen"]

Fields = Mapping[str, Any]

# A study scores its trainings itself, and loses no more than one when it is killed.
QUIET: Mapping[str, Any] = {"save_every": 10**6, "validate_every": 10**6, "validate_cases": 1, "validate_samples": 2}


@dataclass(frozen=True)
class Row:
    """One row: what it is called, what it changes, how it samples.

    Args:
        name: short, unique; a folder is named after it.
        about: one line for the table.
        fields: what of the configuration it overrides: `{"method": {"sfm": {"alpha": 0.0}}, "stages": {...}}`.
        section: of the table: "paper", the paper's own ablation of ATFM, "ours", "limits", or "own".
        steps: numbers of solver steps it is scored with; 0 scores what the first stage draws alone, None takes the
            configuration's own.
        ways: fields of the method under which the trained weights are sampled, one after the other.
        shares: the steps of these stages, as shares of the first stage's.
        patients: share of the training patients.
        width: all widths of all networks, times this.
        time: the steps of all stages, times this.

    Raises:
        ConfigError: a name that no folder can have.
    """

    name: str
    about: str = ""
    fields: Fields = field(default_factory=dict)
    section: str = "own"
    steps: tuple[int | None, ...] = (None,)
    ways: tuple[Fields, ...] = ({},)
    shares: Mapping[str, float] = field(default_factory=dict)
    patients: float = 1.0
    width: float = 1.0
    time: float = 1.0

    def __post_init__(self) -> None:
        if not is_folder_name(self.name):
            raise ConfigError(
                f"row {brief(self.name)!r}: a folder is named after it; expected a name without / and dots"
            )

    def config(self, base: Config) -> Config:
        """Return the configuration of this row.

        Raises:
            ConfigError: a field that is unknown or ill-typed.
        """
        first = next(iter(base.stages.values())).steps
        shares = {name: {"steps": round(share * first)} for name, share in self.shares.items()}
        shared = override(base, {"stages": shares}, source=f"row {self.name}")
        return override(stretch(widen(shared, self.width), self.time), self.fields, source=f"row {self.name}")


def widen(config: Config, factor: float) -> Config:
    """Return the configuration with all widths of all networks times `factor`, in multiples of 8.

    They are the fields of the method, and of its parts, that are called `widths` or end in `_widths`.
    """
    if factor == 1:
        return config
    return override(config, {"method": _wide(config.method.model_dump(mode="json"), factor)})


def _wide(fields: Fields, factor: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found[name] = _wide(value, factor)
        elif name == "widths" or name.endswith("_widths"):
            found[name] = [max(8, 8 * round(width * factor / 8)) for width in value]
    return found


def stretch(config: Config, factor: float) -> Config:
    """Return the configuration with the steps and warm-ups of all stages times `factor`."""
    stages = {
        name: plan.model_copy(update={key: round(getattr(plan, key) * factor) for key in ("steps", "warmup")})
        for name, plan in config.stages.items()
    }
    return config.model_copy(update={"stages": stages})


def shortened(preset: Config, steps: int) -> Config:
    """Return a preset with `steps` steps of the first stage that it trains, and its other stages shortened alike.

    Raises:
        ConfigError: a preset that trains nothing.
    """
    first = next((plan.steps for plan in preset.stages.values() if plan.steps), 0)
    if not first:
        raise ConfigError(f"preset {preset.preset}: all of its stages have 0 steps; take one that trains")
    return stretch(preset, steps / first).model_copy(update=QUIET)
