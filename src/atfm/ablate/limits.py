"""What limits a preset: the same training with fewer patients, other widths, less or more time."""

from atfm.ablate.rows import Row

__all__ = ["CURVES", "LIMITS"]


def _row(name: str, about: str, patients: float = 1, width: float = 1, time: float = 1) -> Row:
    """Scored by what its first stage draws alone, and as the preset samples."""
    return Row(name, about, section="limits", steps=(0, None), patients=patients, width=width, time=time)


LIMITS: tuple[Row, ...] = (
    _row("reference", "the preset, shortened"),
    _row("patients-16th", "a sixteenth of the training patients", patients=1 / 16),
    _row("patients-quarter", "a quarter of them", patients=1 / 4),
    _row("width-half", "half of all widths", width=1 / 2),
    _row("width-more", "one and a half times all widths", width=3 / 2),
    _row("time-quarter", "a quarter of the steps", time=1 / 4),
    _row("time-half", "half of the steps", time=1 / 2),
    _row("time-twice", "twice the steps", time=2),
)

# The rows of each learning curve, with what changes as a share of the reference.
CURVES: dict[str, dict[str, float]] = {
    name: {row.name: getattr(row, name) for row in LIMITS if row.name == "reference" or getattr(row, name) != 1}
    for name in ("patients", "width", "time")
}
