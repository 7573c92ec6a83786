"""`Convention`: how somebody else's masks were kept and understood, and what their reader has to know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Convention", "some"]

_NAMED = 5


@dataclass(frozen=True)
class Convention:
    """The convention report of a folder of predictions.

    Args:
        name: what the predictions are called.
        folder: where they are, as the user gave it.
        digest: SHA-256 over all files that were scored and the rule by which they were understood.
        cases, files: how many were scored.
        masks: how many cases have how many masks.
        scored: masks of each case that were scored, the first ones.
        rule: what of the values is the region, as stated.
        kept: how files kept their masks, with how many did so.
        all_empty, all_alike: cases whose masks are all empty; all one mask.
        labels: in how many cases each label but the background was predicted, by what it is called.
        weighted: cases whose masks have weights.
        missing: cases that were left out, as there is nothing of them.
        surplus: files that are nobody's.
        others: cases of the store outside what was scored, of which there is something too.
        trained_on: on what the model was trained, as stated.
        drawn_by: of results of `atfm sample`: SHA-256 of the weights, or what the user called them.
        told: what was guessed or does not fit, a sentence each.
    """

    name: str
    folder: str
    digest: str
    cases: int
    files: int
    masks: Mapping[int, int]
    scored: int
    rule: str
    kept: Mapping[str, int]
    all_empty: int
    all_alike: int
    labels: Mapping[str, int]
    weighted: int = 0
    missing: Sequence[str] = ()
    surplus: Sequence[str] = ()
    others: int = 0
    trained_on: str = "not known"
    drawn_by: Sequence[str] = ()
    told: Sequence[str] = field(default=())

    @property
    def facts(self) -> dict[str, str]:
        """What a reader is told of them, in a few lines."""
        drawn = f"; drawn by atfm, {some(self.drawn_by)}" if self.drawn_by else ""
        numbers = ", ".join(f"{masks} ({cases:,} cases)" for masks, cases in sorted(self.masks.items()))
        kept = ", ".join(f"{how} ({count:,})" for how, count in Counter(self.kept).most_common(_NAMED))
        return {
            "Predictions": f"{self.folder}, {self.files:,} files, SHA-256 {self.digest[:16]}{drawn}",
            "Their masks": f"of each case {numbers}; the first {self.scored} are scored; "
            + (f"weights in {self.weighted:,} cases" if self.weighted else "no weights"),
            "Their convention": f"{kept}{', ...' if len(self.kept) > _NAMED else ''}; region: {self.rule}",
            "Their empty masks": f"{self.all_empty:,} of {self.cases:,} cases have none but empty ones, "
            f"{self.all_alike:,} one mask all over",
            "Trained on": self.trained_on,
        }

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know, one sentence each."""
        said = list(self.told)
        if self.missing:
            said.append(
                f"Of {len(self.missing):,} cases there are no masks ({some(self.missing)}): they are left out, and the "
                "scores are not those of the whole split."
            )
        if self.surplus:
            said.append(
                f"{len(self.surplus):,} files or folders belong to no case and were left out ({some(self.surplus)})."
            )
        if len(self.masks) > 1:
            said.append(
                f"Cases have from {min(self.masks)} to {max(self.masks)} masks; the first {self.scored} are scored."
            )
        if self.all_alike > self.all_empty and self.all_alike == self.cases:
            said.append("The masks of each case are all alike: this is one answer, drawn again and again.")
        never = [name for name, cases in self.labels.items() if not cases]
        if never:
            said.append(f"Never predicted: {some(never)}.")
        return said

    def as_json(self) -> dict[str, Any]:
        """For the summary; of long lists the first names, and how many there are."""
        return {
            "name": self.name,
            "folder": self.folder,
            "digest": self.digest,
            "cases": self.cases,
            "files": self.files,
            "masks": {str(masks): cases for masks, cases in sorted(self.masks.items())},
            "scored": self.scored,
            "rule": self.rule,
            "kept": dict(self.kept),
            "all_empty": self.all_empty,
            "all_alike": self.all_alike,
            "labels": dict(self.labels),
            "weighted": self.weighted,
            "missing": {"count": len(self.missing), "names": list(self.missing[:_NAMED])},
            "surplus": {"count": len(self.surplus), "names": list(self.surplus[:_NAMED])},
            "others": self.others,
            "trained_on": self.trained_on,
            "drawn_by": list(self.drawn_by),
            "warnings": self.warnings,
        }


def some(names: Sequence[str], most: int = _NAMED) -> str:
    """The first names, and the number of the others."""
    others = len(names) - most
    named = ", ".join(names[:most])
    return f"{named} and {others} more" if others > 0 else named
