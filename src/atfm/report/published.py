"""Published scores, each with its data set, protocol and source, to be read beside ours and never mixed with them.

They stand in `published.toml`. "LIDC" names at least four sets of slices, so a published row may only be compared with
a row of the same set and split; `obstacles` tells what forbids it.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

from atfm.metrics.ged import consistent

__all__ = ["OwnSet", "PublishedRow", "PublishedTable", "all_tables", "obstacles", "published_tables"]

ROUNDING = 0.0005  # of a score printed with three digits
ORDER = (
    *("ged_16", "ged_32", "ged_50", "ged_100"),
    *("hm_iou_16", "hm_iou_32", "mdm_32", "best_k_iou_100"),
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedRow(_Part):
    """One row of a paper's table: scores under the names of this package (`ged_16`, `hm_iou_32`, `mdm_32`, ...).

    Args:
        method: its name, with the year.
        scores: as printed.
        source: where they are printed.
        steps: of its solver, 1 for a method without.
        views: images that it saw in training, steps x batch.
        views_note: what to know of that number.
        seconds: for 100 samples of an image.
        hardware: on which.
        split: cases for training, validation and test, where they are its own.
        note: what else to know.
        deviates: why it cannot be held against other methods even on the same cases.
    """

    method: str
    scores: dict[str, float]
    source: str
    steps: int | None = None
    views: int | None = None
    views_note: str = ""
    seconds: float | None = None
    hardware: str = ""
    split: tuple[int, int, int] | None = None
    note: str = ""
    deviates: str = ""

    @property
    def impossible(self) -> bool:
        """Whether GED_32 - GED_100 is larger than any one model can show: the two are not of one run."""
        if not {"ged_32", "ged_100"} <= self.scores.keys():
            return False
        return not consistent(self.scores["ged_32"], self.scores["ged_100"], rounding=ROUNDING)


class PublishedTable(_Part):
    """The published rows of one data set and protocol.

    Args:
        name: what the literature or this project calls the set.
        word: a store whose name or source holds this word is of the same family.
        slices: how many slices the set has.
        protocol: where the set comes from and how it is split.
        rows: the scores.
        split: cases for training, validation and test, where they are published.
        cautions: what a reader has to know before comparing, one sentence each.
    """

    name: str
    word: str
    slices: int
    protocol: str
    rows: tuple[PublishedRow, ...] = Field(alias="row")
    split: tuple[int, int, int] | None = None
    cautions: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of the scores that any row holds, in the order of first appearance of a fixed list."""
        return [name for name in ORDER if any(name in row.scores for row in self.rows)]


class OwnSet(_Part):
    """The cases that we scored, as far as a published row can be held against them.

    Args:
        cases: of the whole store.
        split: cases for training, validation and test.
        scored: how many were scored.
    """

    cases: int
    split: tuple[int, int, int]
    scored: int


@cache
def all_tables() -> tuple[PublishedTable, ...]:
    """Return every published table that is known."""
    text = resources.files("atfm.report").joinpath("published.toml").read_text(encoding="utf-8")
    return tuple(PublishedTable.model_validate(table) for table in tomllib.loads(text)["table"])


def published_tables(name: str, source: str = "") -> tuple[PublishedTable, ...]:
    """The published tables whose set is of the same family as a store.

    Args:
        name: the name of the store.
        source: where its data came from.

    Returns:
        None, one or several tables; belonging to the family does not make rows comparable, see `obstacles`.
    """
    text = f"{name} {source}".lower()
    return tuple(table for table in all_tables() if table.word in text)


def obstacles(table: PublishedTable, row: PublishedRow, own: OwnSet | None) -> list[str]:
    """Return why a published row cannot be compared with ours, a few words each; none where it can.

    Args:
        table: that the row is of.
        row: the published row.
        own: what we scored; None where that is not known.
    """
    found: list[str] = []
    if own is None:
        found.append("how many cases our set has is not known")
    elif own.cases != table.slices:
        found.append(f"another set: {table.slices:,} slices, ours has {own.cases:,}")
    else:
        found += _by_split(row.split or table.split, own)
    if row.impossible:
        found.append("its GED_32 and GED_100 cannot be of one model")
    return found + ([row.deviates] if row.deviates else [])


def _by_split(split: Sequence[int] | None, own: OwnSet) -> list[str]:
    """The same set: is it the same split, and was all of its test scored?"""
    if split is None:
        return ["its split is not published"]
    if tuple(split) != own.split:
        told = ("/".join(f"{count:,}" for count in each) for each in (split, own.split))
        return ["another split: {}, ours {}".format(*told)]
    if own.scored != split[2]:
        return [f"its test has {split[2]:,} cases, of which {own.scored:,} were scored"]
    return []
