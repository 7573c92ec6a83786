"""The table of one's own sets: a line for each set and method, as Markdown and CSV, and what it comes to."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from atfm.compare import Comparison, Entrant, Line, Paired, Wanted, compare
from atfm.compare.table import better, name_of, number
from atfm.leaderboard.jobs import Board, Job
from atfm.leaderboard.own import OURS, ROWS
from atfm.leaderboard.run import Failed, seconds_of_training
from atfm.metrics.table import Interval
from atfm.report.grid import Column, Grid, csv_text

__all__ = ["compared", "own_csv", "own_text", "tested", "verdicts"]

Boards = Mapping[str, tuple[Board, Comparison]]

MEAN = "dice_of_mean"
READING = (
    "Every method of a set sees the same images in the same pixels, with the same augmentation, batch and widths, for "
    "the same time; what is chosen among its weights is chosen by the same rule. Brackets are 95 % intervals over "
    f"patients. *less {OURS}*: of the same cases with the same noise, the method less ours; p is corrected for all "
    "differences of the set (Holm)."
)


def tested(samples: int, *, alone: bool) -> list[str]:
    """Return the scores of the table, all of which are held against ours.

    Args:
        samples: of each case.
        alone: of a set with one reader, which has no unbiased GED.
    """
    return [f"ged_{samples}" if alone else "ged", f"hm_iou_{min(16, samples)}", MEAN]


def compared(board: Board, entrants: Sequence[Entrant], tell: Callable[[str], object]) -> Comparison | None:
    """Return what is trained and scored of a set in one comparison; None where it is one method or ours is missing."""
    labels = {entrant.label for entrant in entrants}
    if len(labels) < 2 or OURS not in labels:
        tell(f"{board.name}: fewer than two methods are done, or {OURS} is not: no table")
        return None
    alone = not any("ged" in row.scores for row in entrants[0].kept.own)
    scores = tested(board.samples, alone=alone)
    return compare(entrants, board.store, Wanted(OURS, timed=False, drawn=False, tested=scores))


def own_text(boards: Boards, work: Sequence[Job], failed: Sequence[Failed], command: str) -> str:
    """Return the page.

    Args:
        boards: by name, those that have a table.
        work: all jobs.
        failed: those that came to nothing.
        command: the command line that makes it again.
    """
    parts = ["# One's own sets", f"    {command}"]
    if failed:
        parts.append("\n".join(f"- FAILED on {one.board}: {one.job}: {one.reason}" for one in failed))
    parts += [_grid(boards, work).markdown().rstrip(), "\n".join(f"- {label}: {what}" for label, what in ROWS.items())]
    parts.append(READING)
    parts.append("\n".join(f"- {line}" for line in verdicts(boards)))
    return "\n\n".join(parts) + "\n"


def own_csv(boards: Boards, work: Sequence[Job]) -> str:
    """Return all numbers, a line for each set and method."""
    head = ["set", "train_patients", "scored_cases", "scored_patients", "scored_by", "method", "minutes"]
    metrics = ["ged", "hm_iou_16", MEAN]
    head += [f"{name}{end}" for name in metrics for end in ("", "_low", "_high")]
    head += [f"{name}_less_{OURS}{end}" for name in metrics for end in ("", "_low", "_high", "_p")]
    rows: list[list[object]] = []
    for board, found, line in _lines(boards):
        names = _scores(found)
        row = [*_set(board, found), line.label, f"{_minutes(board, line, work):.2f}"]
        for name in names:
            one = line.scores.get(name)
            row += [None] * 3 if one is None else [one.mean, one.low, one.high]
        for name in names:
            pair = line.pairs.get(name)
            one = None if pair is None else pair.found.interval
            row += [None] * 4 if pair is None or one is None else [one.mean, one.low, one.high, pair.p]
        rows.append(row)
    return csv_text(head, rows)


def verdicts(boards: Boards) -> list[str]:
    """Return what the table comes to, a sentence for each set."""
    return [text for name, (_, found) in boards.items() for text in _verdict(name, found)]


def _verdict(name: str, found: Comparison) -> Iterator[str]:
    """Whether ours is better in GED than each, and no worse than the ensemble in Dice of the mean."""
    ged, _, mean = _scores(found)
    others = [line for line in found.methods if line.label != OURS and ged in line.pairs]
    if not others:
        return
    ours = next(line for line in found.methods if line.label == OURS)
    told = f"{name}: in {_name(ged)} {OURS} ({ours.title}) is {'; '.join(_ahead(line, ged, sign=1) for line in others)}"
    ensemble = next((line for line in others if line.label == "ensemble" and mean in line.pairs), None)
    if ensemble is not None:
        told += f". In {_name(mean)} it is {_ahead(ensemble, mean, sign=-1)}"
    yield told + "."


def _ahead(line: Line, name: str, *, sign: int) -> str:
    """`better than gtr by .031 [.002, .060]`: how far ours is ahead in a score; `sign` is 1 where less is better."""
    one = line.pairs[name].found.interval
    ends = sorted(sign * end for end in (one.low, one.high)) if one.low is not None and one.high is not None else None
    by = sign * one.mean
    word = "better" if by > 0 else "worse" if by < 0 else "as good"
    within = ends is not None and ends[0] <= 0 <= ends[1]
    than = f"{word} than {line.label} by {number(abs(by))}" if by else f"as good as {line.label}"
    if ends is None:
        return than
    return f"{than}, {'within the noise' if within else 'beyond the noise'} [{number(ends[0])}, {number(ends[1])}]"


def _grid(boards: Boards, work: Sequence[Job]) -> Grid:
    scores = ["ged", "hm_iou_16", MEAN]
    columns = [Column("set", text=True), Column("method", text=True)]
    for name in scores:
        columns += [Column(_name(name), better(name)), Column(f"less {OURS}")]
    columns.append(Column("minutes"))
    rows = []
    for board, found, line in _lines(boards):
        row = [_about(board, found) if line is found.methods[0] else "", line.label]
        for name in _scores(found):
            row += [_interval(line.scores.get(name)), _pair(line.pairs.get(name))]
        rows.append([*row, f"{_minutes(board, line, work):.1f}"])
    return Grid(columns, rows)


def _lines(boards: Boards) -> Iterator[tuple[Board, Comparison, Line]]:
    for board, found in boards.values():
        for line in found.methods:
            yield board, found, line


def _scores(found: Comparison) -> list[str]:
    """The scores of this set, see `tested`."""
    alone = not any("ged" in line.scores for line in found.methods)
    return tested(int(found.summary["samples"]), alone=alone)


def _set(board: Board, found: Comparison) -> list[object]:
    summary = found.summary
    by = f"{board.folds} folds" if board.folds else str(summary["split"])
    return [board.name, _trained_on(board), summary["cases"], summary["patients"], by]


def _about(board: Board, found: Comparison) -> str:
    _, train, cases, patients, by = _set(board, found)
    scored = f"{patients} patients" if cases == patients else f"{cases} cases of {patients} patients"
    how = f"scored by {by}" if board.folds else f"{train} patients to train on, {by}"
    return f"{board.name}: {how}, {scored}"


def _trained_on(board: Board) -> object:
    if board.folds:
        return ""
    identifiers = board.store.ids()
    return len({identifiers[i][1] for i in board.store.split("train")})


def _minutes(board: Board, line: Line, work: Sequence[Job]) -> float:
    own = [job for job in work if job.board is board and job.label == line.label]
    parts = max(1, len(own)) * (board.folds or 1)
    return sum(seconds_of_training(job) for job in own) / 60 / parts


def _name(metric: str) -> str:
    return "Dice of the mean" if metric == MEAN else name_of(metric)


def _interval(one: Interval | None) -> str:
    if one is None:
        return ""
    ends = "" if one.low is None or one.high is None else f" [{number(one.low)}, {number(one.high)}]"
    return number(one.mean) + ends


def _pair(pair: Paired | None) -> str:
    if pair is None:
        return ""
    p = "" if pair.p is None else f", p {'<' if pair.p < 0.001 else ''}{number(max(pair.p, 0.001))}"
    return _interval(pair.found.interval) + p
