"""What `atfm evaluate` says to a person: the scores, GED by its parts and by empty annotations, and every note."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["show"]

MAIN = ("ged", "ged_16", "ged_32", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "d_max_32")
PARTS = {
    "ged": "ged",
    "ged_presence": "presence",
    "ged_shape": "shape",
    "d_sr": "D_sr",
    "diversity": "D_ss",
    "annotator_diversity": "D_rr",
}
WIDTH = 15
MOST = 4


def show(result: Mapping[str, Any]) -> str:
    """The main scores as tables, and where the files are; of a shard, how far all of them are."""
    if "shard" in result:
        return (
            f"shard {result['shard']}: {result['cases']} of {result['of']} cases are scored, see {result['parts']}; "
            "when all are, the same command without --shard writes the files"
        )
    lines = [*_scores(result), "", *_parts(result), *_by_empty(result), *_empty_shares(result), *_classes(result), ""]
    lines += _predictions(result)
    leaky = "LEAKY: " if result["leak"]["found"] else ""
    lines.append(f"{leaky}training against test: {result['leak']['line']}")
    lines += [f"note: {warning}" for warning in result["warnings"]]
    lines.append(
        f"{result['cases']} cases of {result['patients']} patients, {result['samples']} samples, "
        f"{result['seconds']:.0f} s; see {result['report']}"
    )
    return "\n".join(lines)


def _scores(result: Mapping[str, Any]) -> Iterator[str]:
    """The main table, with what its rows stand for under it."""
    scores = result["scores"]
    readers = {name.removeprefix("floor_"): score for name, score in scores.items() if name.startswith("floor_")}
    columns = [metric for metric in MAIN if metric in scores]
    yield _line("", columns)
    for name, found in {**_methods(result), "other readers": readers}.items():
        if found:
            yield _line(name, [_mean(found, metric) for metric in columns])
    yield ""
    for name, title in result["titles"].items():
        yield f"{name:<{WIDTH}}{title}"
    yield f"{'other readers':<{WIDTH}}n further ones of the same images, on average; a model need not reach them"


def _parts(result: Mapping[str, Any]) -> Iterator[str]:
    """GED by its parts, of every method, and what is known of the least there can be."""
    columns = [metric for metric in PARTS if metric in result["scores"]]
    yield _line("GED by parts", [PARTS[metric] for metric in columns])
    for name, found in _methods(result).items():
        yield _line(name, [_mean(found, metric) for metric in columns])
    yield "ged = (D_sr - D_ss) + (D_sr - D_rr) = presence + shape; D_sr - D_ss has to vanish"
    floor = result["floor"]
    if floor is not None:
        yield (
            f"least GED of a model of the image alone: at most {_interval(floor['above'])} (of {floor['method']}), at "
            f"least about {_interval(floor['below'])}"
        )


def _by_empty(result: Mapping[str, Any]) -> Iterator[str]:
    """The model's GED by the number of empty annotations, beside what its own readers would give."""
    if not result["by_empty"]:
        return
    width = max(24, *(len(line["empty"]) + 2 for line in result["by_empty"]))
    yield ""
    yield f"{'empty annotations':<{width}}" + "".join(
        f"{head:>13}" for head in ("images", "ged", "own images", "own ged")
    )
    for line in result["by_empty"]:
        cells = [f"{line['cases']:,}", _mean(line, "ged"), f"{line['own_cases']:,}", _mean(line, "own_ged")]
        yield f"{line['empty']:<{width}}" + "".join(f"{cell:>13}" for cell in cells)
    yield "own: if the annotators were samples of the model, what it would score among images with as many empty ones"


def _empty_shares(result: Mapping[str, Any]) -> Iterator[str]:
    """How right each method's share of empty masks is, and what chance alone would show."""
    if not result.get("empty_calibration"):  # a summary of an earlier version has none
        return
    yield ""
    yield f"{'empty masks':<{WIDTH}}" + "".join(f"{head:>11}" for head in ("drawn", "readers", "ece", "by chance"))
    for name, one in result["empty_calibration"].items():
        chance = one["by_chance"]
        at_most = "-" if chance is None else f"<= {chance['most']:.3f}"
        cells = [f"{one[part]:.3f}" for part in ("predicted", "drawn", "ece")]
        yield _line(name, [*cells, at_most])
    yield "ece: how far the share is off, over ten bins; by chance: 95 in 100 models whose bins are right stay below"


def _predictions(result: Mapping[str, Any]) -> Iterator[str]:
    """Of masks that other code has drawn, how they were kept and understood."""
    if "predictions" not in result:
        return
    found = result["predictions"]
    kept = sorted(found["kept"].items(), key=lambda item: -item[1])
    masks = ", ".join(f"{masks} ({cases:,} cases)" for masks, cases in found["masks"].items())
    yield f"masks of {found['name']}: {found['files']:,} files, SHA-256 {found['digest'][:16]}"
    yield f"  kept as {', '.join(f'{how} ({count:,})' for how, count in kept[:MOST])}; region: {found['rule']}"
    yield (
        f"  of each case {masks}, the first {found['scored']} scored; in {found['all_empty']:,} cases all empty, in "
        f"{found['all_alike']:,} all alike; "
        + (f"weights in {found['weighted']:,}" if found["weighted"] else "no weights")
    )
    others = f"; of {found['others']:,} other cases of the store" if found["others"] else ""
    yield f"  missing {found['missing']['count']:,}, surplus {found['surplus']['count']:,}{others}"
    yield f"  trained on: {found['trained_on']}"


def _classes(result: Mapping[str, Any]) -> Iterator[str]:
    """A further table: the model's scores of each class."""
    if not result.get("classes"):
        return
    columns = [metric for metric in MAIN if metric in result["scores"]]
    head = f"{result['method']}, by class"
    width = max(WIDTH, len(head) + 1, *(len(name) + 1 for name in result["classes"]))
    yield ""
    yield _line(head, columns, width)
    for name in result["classes"]:
        yield _line(name, [_mean(result["scores"], f"{metric}/{name}") for metric in columns], width)


def _methods(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {result["method"]: result["scores"], **result["beside"], **result["references"]}


def _line(name: str, cells: Sequence[str], width: int = WIDTH) -> str:
    return f"{name:<{width}}" + "".join(f"{cell:>11}" for cell in cells)


def _mean(scores: Mapping[str, Any], metric: str) -> str:
    """A mean with three digits, or a dash."""
    return f"{scores[metric]['mean']:.3f}" if scores.get(metric) is not None else "-"


def _interval(score: Mapping[str, Any]) -> str:
    ends = f" [{score['low']:.3f}, {score['high']:.3f}]" if score["low"] is not None else ""
    return f"{score['mean']:.3f}{ends}"
