"""Published rows beside ours: tables of their own, each row with what forbids a comparison."""

from collections.abc import Sequence

from atfm.compare.table import better, name_of, number, short
from atfm.data.store import Store
from atfm.report.grid import Column, Grid
from atfm.report.published import OwnSet, PublishedRow, PublishedTable, all_tables, obstacles, published_tables

__all__ = ["own_set", "published_grids", "tables_for"]


def own_set(store: Store, split: str, scored: int) -> OwnSet:
    """What we scored, as far as a published row can be held against it: of another split than test nothing counts."""
    counts = {name: len(store.split(name)) for name in store.info.splits}
    train = sum(count for name, count in counts.items() if name.startswith("train"))
    sizes = (train, counts.get("val", 0), counts.get("test", 0))
    return OwnSet(cases=len(store), split=sizes, scored=scored if split == "test" else 0)


def tables_for(store: Store | None, name: str) -> tuple[PublishedTable, ...]:
    """The published tables of a store's family; all there are where it has none."""
    source = "" if store is None else store.info.source
    return published_tables(name, source) or all_tables()


def published_grids(tables: Sequence[PublishedTable], own: OwnSet | None) -> list[tuple[str, Grid, Sequence[str]]]:
    """Return of every published set its name, its table and what to know before comparing.

    Args:
        tables: which.
        own: what we scored; None where that is not known.
    """
    return [(table.name, _grid(table, own), _cautions(table)) for table in tables]


def _grid(table: PublishedTable, own: OwnSet | None) -> Grid:
    columns = [Column("method", text=True), *(Column(name_of(name), better(name)) for name in table.columns)]
    columns += [Column("steps"), Column("seconds (100)"), Column("image views")]
    columns += [Column("comparable", text=True), Column("source", text=True)]
    rows = [
        [
            row.method,
            *(number(row.scores[name]) if name in row.scores else "" for name in table.columns),
            "" if row.steps is None else str(row.steps),
            "" if row.seconds is None else f"{short(row.seconds)} on {row.hardware}",
            _views(row),
            _verdict(obstacles(table, row, own)),
            "; ".join(filter(None, (row.source, row.note))),
        ]
        for row in table.rows
    ]
    return Grid(columns, rows, table.protocol)


def _views(row: PublishedRow) -> str:
    if row.views is None:
        return ""
    return short(row.views) + (f" ({row.views_note})" if row.views_note else "")


def _verdict(found: Sequence[str]) -> str:
    return f"no: {'; '.join(found)}" if found else "yes, the same cases and split"


def _cautions(table: PublishedTable) -> list[str]:
    impossible = [row.method for row in table.rows if row.impossible]
    told = list(table.cautions)
    if impossible:
        told.append(
            f"From 32 to 100 samples GED falls by .0213 at most (self-pairs); by more in {', '.join(impossible)}."
        )
    return told
