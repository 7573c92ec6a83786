"""What `atfm bench` says to a person: one table of both models, then what else was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["number", "show"]


def show(result: Mapping[str, Any]) -> str:
    """The result for a person."""
    if "naive_seconds" in result:
        return _metrics(result)
    if "rows" in result:
        return _data(result)
    if "callers" in result:
        return _serving(result)
    lines = list(_device(result))
    if "gpu" in result:
        lines += ["", *_device(result["gpu"])]
    lines += ["", *(f"  {sentence}" for sentence in result["how"])]
    if "figure" in result:
        lines.append(f"figure: {result['figure']}")
    return "\n".join(lines)


def _metrics(result: Mapping[str, Any]) -> str:
    head = f"{result['cases']} cases of {result['size']}x{result['size']}, {result['samples']} samples, "
    scores = ", ".join(
        f"{name} {value:.4f}" for name, value in result.items() if name.startswith(("ged_", "hm_iou_", "mdm_"))
    )
    large = result.get("large")
    more = (
        [
            f"{large['size']}x{large['size']}, {large['samples']} samples: {large['seconds']:.1f} s and "
            f"{large['peak_mb']:.0f} MB beside {large['masks_mb']:.0f} MB of masks"
        ]
        if large
        else []
    )
    return "\n".join(
        [
            f"{head}{result['annotators']} annotators, {result['threads']} thread(s)",
            f"ours         {result['seconds']:10.2f} s  ({result['ms_per_case']:.2f} ms a case)",
            f"double loop  {result['naive_seconds']:10.2f} s  (measured on {result['naive_cases']} cases, multiplied)",
            f"ratio        {result['ratio']:10.0f}",
            f"every score  {result['all_scores_seconds']:10.2f} s",
            f"{scores}; largest difference between both {result['largest_difference']:.1e}",
            *more,
        ]
    )


def _data(result: Mapping[str, Any]) -> str:
    lines = [f"{'at most ' + number(result['limit_mb']) + ' MB':54}{'peak, MB':>12}{'seconds':>12}"]
    lines += [f"{name:54}{row['peak_mb']:>12,.0f}{row['seconds']:>12,.0f}" for name, row in result["rows"].items()]
    return "\n".join([*lines, "", *(f"  {sentence}" for sentence in result["how"])])


def _serving(result: Mapping[str, Any]) -> str:
    latency, memory = result["latency"], result["memory"]
    times = "no drawing was answered"
    if latency["p50"] is not None:
        times = ", ".join(f"{name} {1000 * value:,.0f} ms" for name, value in latency.items())
    return "\n".join(
        [
            f"{result['callers']} callers for {result['seconds']:.0f} s, {result['samples']} masks of each image, "
            f"{result['think']:g} s of pause, {result['threads']} thread(s)",
            f"requests  {result['requests']:>10,}  {result['requests_per_second']:8.1f} a second",
            f"images    {result['images']:>10,}  {result['images_per_second']:8.1f} a second",
            f"drawing   {times}",
            f"refused {result['refused']}, failed {result['failed']}, wrong {result['wrong']}, mixed up "
            f"{result['mixed_up']}",
            f"memory    {memory['start_mb']:.0f} MB at the start, {memory['peak_mb']:.0f} MB at the most, "
            f"{memory['end_mb']:.0f} MB at the end",
            "",
            *(f"  {sentence}" for sentence in result["how"]),
        ]
    )


def _device(result: Mapping[str, Any]) -> Iterator[str]:
    """The table of one device and the sections under it."""
    yield f"{result['device']} ({result['device_name']}), {result['threads']} threads, torch {result['torch']}"
    yield from _table(result)
    yield from _parts(result["parts"])
    yield from _own(result["ours"])
    yield from _steps(result)
    for name, stage in result.get("training", {}).items():
        speed, batch = number(stage["images_per_second"]), stage["batch"]
        yield f"{f'training, stage {name}':28}{speed:>12} images/s in steps of {batch}"


def _table(result: Mapping[str, Any]) -> Iterator[str]:
    n, ours, other, ratio = result["samples"], result["ours"], result["other"], result["ratio"]
    size = "x".join(map(str, result["size"]))
    rows = [
        (f"operations for {n} samples, GFLOP", "gflop", "operations"),
        ("  read once of an image", "gflop_once", ""),
        ("  of each sample", "gflop_each", ""),
        (f"seconds for {n} samples of one {size} image", "seconds", "time"),
        ("GFLOP per second", "gflop_per_second", ""),
        ("parameters", "parameters", "parameters"),
        ("peak memory, MB", "peak_mb", "memory"),
    ]
    yield f"{'':44}{ours['name'][-16:]:>16}{other['name'][-16:]:>16}{'ratio':>12}"
    for label, key, name in rows:
        if key in ours:
            yield f"{label:44}{number(ours[key]):>16}{number(other[key]):>16}{number(ratio.get(name)):>12}"


def _parts(parts: Mapping[str, Any]) -> Iterator[str]:
    """What the ratio of the operations is made of, from the other to ours."""
    before, after = parts["from"], parts["to"]
    windows = " to ".join("x".join(map(str, one["window"])) for one in (after, before))
    steps = " to ".join(str(one["steps"] or "none") for one in (after, before))
    yield "of the ratio of operations"
    for label, key in ((f"  window, {windows}", "window"), (f"  steps, {steps}", "steps"), ("  networks", "networks")):
        yield f"{label:76}{number(parts[key]):>12}"
    if "note" in parts:
        yield f"  {parts['note']}"


def _own(ours: Mapping[str, Any]) -> Iterator[str]:
    """What is measured of ours alone."""
    batch = ours.get("batch", {})
    rows = [
        ("the same in bf16", ours.get("bf16", {}).get("seconds")),
        ("  equal pixels", ours.get("bf16", {}).get("equal_pixels")),
        (f"seconds for a batch of {batch.get('images')} images", batch.get("seconds")),
        ("  in bf16", batch.get("bf16", {}).get("seconds")),
        ("  its peak memory, MB", batch.get("peak_mb")),
    ]
    yield from (f"{label:44}{number(value):>16}" for label, value in rows if value is not None)


def _steps(result: Mapping[str, Any]) -> Iterator[str]:
    points = result.get("steps", [])
    if not points:
        return
    n = result["samples"]
    metrics = [name for name in ("ged", f"ged_{n}", "hm_iou_32", "mdm_32") if name in points[0].get("scores", {})]
    yield ""
    yield f"{'fewer and more steps':28}{'GFLOP':>12}{'seconds':>12}" + "".join(f"{name:>22}" for name in metrics)
    for point in points:
        scores = "".join(f"{_interval(point['scores'][name]):>22}" for name in metrics)
        yield f"{'  ' + point['name']:28}{number(point['gflop']):>12}{number(point['seconds']):>12}{scores}"


def _interval(score: Mapping[str, Any]) -> str:
    ends = f" [{score['low']:.3f}, {score['high']:.3f}]" if score["low"] is not None else ""
    return f"{score['mean']:.3f}{ends}"


def number(value: float | None) -> str:
    """Three digits, thousands set apart."""
    if value is None:
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
