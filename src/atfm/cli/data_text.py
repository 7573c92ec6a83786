"""The results of `atfm data` as text for a person."""

from collections.abc import Sequence
from typing import Any

__all__ = ["show_check", "show_import", "show_info", "split_lines"]

Result = dict[str, Any]
MOST = 8  # of a list that could be long


def show_import(result: Result) -> str:
    """The summary of an import or of its dry run, for a person."""
    lines = survey_lines(result) if result.get("dry_run") else []
    if not lines:
        lines.append(
            f"{result['store']}: {result['cases']} cases of {result['patients']} patients in {result['seconds']} s"
        )
    if result.get("resumed_after"):
        lines.append(f"went on after the {result['resumed_after']} cases of an import that was stopped")
    lines.append(f"orientation: {result['orientation']}")
    lines += split_lines(result["splits"])
    lines += stray_lines(result["unassigned_patients"])
    if result["absent_patients"]:
        lines.append(f"{result['absent_patients']} patients of the splits have no case here and were left out of them")
    lines += told_lines(result)
    lines += listed("refused", result.get("refused", []))
    if result.get("refused"):
        lines.append("the import stops at the first of those and makes no store; mend the files or leave them out")
    return "\n".join(lines)


def survey_lines(result: Result) -> list[str]:
    """What a dry run found."""
    found = f"{result['cases']} cases of {result['patients']} patients"
    if result["refused"]:
        verdict = f"{found} of the {result['planned']} cases can be imported as they are, the others are refused"
    else:
        verdict = f"{found} would be imported as {result['name']!r}"
    lines = [f"dry run, nothing was written: {verdict}"]
    if result["cases"]:
        lines += [
            f"annotators of a case: {counts(result['annotators'])}",
            f"of whom drew something: {counts(result['filled_masks'])}",
            f"sizes: {counts(dict(list(result['sizes'].items())[:MOST]))}"
            + (", ..." if len(result["sizes"]) > MOST else ""),
            f"channels: {counts(result['channels'])}",
        ]
    return lines


def told_lines(result: Result) -> list[str]:
    """What an import left out, guessed or ignored."""
    return listed("skipped", result["skipped"]) + [f"warning: {warning}" for warning in result["warnings"]]


def listed(word: str, reasons: Sequence[str]) -> list[str]:
    """How many were skipped or refused, and the first few with their reasons."""
    lines = [f"{word}: {len(reasons)}", *(f"  {reason}" for reason in reasons[:MOST])] if reasons else []
    return lines + ["  ..."] * (len(reasons) > MOST)


def show_check(result: Result) -> str:
    """The result of a check, for a person."""
    lines = [
        f"{result['store']}: whole; {result['cases']} cases of {result['patients']} patients, "
        f"{result['bytes'] / 1e6:.1f} MB verified"
    ]
    lines += stray_lines(result["unassigned_patients"])
    return "\n".join(lines)


def show_info(result: Result) -> str:
    """The description of a store, for a person."""
    agreement = result["annotator_iou"]
    lines = [
        f"{result['name']}: {result['cases']} cases of {result['patients']} patients, {result['modality']}",
        f"licence {result['licence']}; {result['source']}",
        f"orientation: {result['orientation']}",
        *split_lines(result["splits"]),
        *stray_lines(result["unassigned_patients"]),
        f"annotators of a case: {counts(result['annotators'])}",
        f"of whom drew something: {counts(result['filled_masks'])}",
        f"empty masks: {result['empty_share']:.1%}",
        f"sizes: {counts(result['sizes'])}" + (", ..." if result["different_sizes"] > len(result["sizes"]) else ""),
    ]
    for label, area in result["areas"].items():
        if area:
            lines.append(f"area of label {label}: median {area['median']:g} pixels, {area['min']:g} to {area['max']:g}")
    if agreement is not None:
        lines.append(f"IoU of two annotators: {agreement:.3f} over {result['annotator_iou_cases']} cases")
    lines += told_lines(result)
    return "\n".join([*lines, f"contact sheet: {result['sheet']}"])


def split_lines(splits: dict[str, dict[str, int]]) -> list[str]:
    """A line for each split."""
    return [f"{name:>8}: {size['cases']} cases of {size['patients']} patients" for name, size in splits.items()]


def counts(histogram: dict[str, int]) -> str:
    """A histogram as words: `4 (120 cases)`."""
    return ", ".join(f"{value} ({cases} cases)" for value, cases in histogram.items())


def stray_lines(patients: Sequence[str], most: int = 5) -> list[str]:
    """A line about the patients in no split, if there are any: how many, and the first few."""
    more = ", ..." if len(patients) > most else ""
    return [f"in no split: {len(patients)} patients ({', '.join(patients[:most])}{more})"] if patients else []
