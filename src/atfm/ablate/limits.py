"""What limits a preset: the same training with fewer patients, other widths, less or more time."""

from atfm.ablate.rows import QUIET, Row, stretch
from atfm.train.config import Config

__all__ = ["CURVES", "LIMITS", "shortened"]


def shortened(preset: Config, steps: int) -> Config:
    """Return a preset with `steps` steps of its first stage, and its other stages shortened alike."""
    return stretch(preset, steps / preset.stage1.steps).model_copy(update=QUIET)


_WAYS = (0, None)  # stage 1 alone, and as the preset samples

LIMITS: tuple[Row, ...] = (
    Row("reference", "limits", "the preset, shortened", steps=_WAYS),
    Row("patients-16th", "limits", "a sixteenth of the training patients", steps=_WAYS, patients=1 / 16),
    Row("patients-quarter", "limits", "a quarter of them", steps=_WAYS, patients=1 / 4),
    Row("width-half", "limits", "half of all widths", steps=_WAYS, width=1 / 2),
    Row("width-more", "limits", "one and a half times all widths", steps=_WAYS, width=3 / 2),
    Row("time-quarter", "limits", "a quarter of the steps", steps=_WAYS, time=1 / 4),
    Row("time-half", "limits", "half of the steps", steps=_WAYS, time=1 / 2),
    Row("time-twice", "limits", "twice the steps", steps=_WAYS, time=2),
)

# The rows of each learning curve, with what changes as a share of the reference.
CURVES: dict[str, dict[str, float]] = {
    name: {row.name: getattr(row, name) for row in LIMITS if row.name == "reference" or getattr(row, name) != 1}
    for name in ("patients", "width", "time")
}
