"""What `atfm train` says of a training, as JSON and for a person."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atfm.fit import Fitted

__all__ = ["show", "told_of"]


def told_of(fitted: "Fitted") -> dict[str, Any]:
    """Where a training stands, as JSON has it."""
    return {
        "run": str(fitted.run),
        "steps": fitted.steps,
        "total": fitted.total,
        "skipped": fitted.skipped,
        "validation": fitted.validation,
        "cases": fitted.cases,
        "memory": fitted.memory,
        "notes": fitted.notes,
        "stage": fitted.stage,
        "stages_kept": fitted.verdicts,
        "stages_ended": fitted.ended,
        "taken": fitted.taken,
    }


def show(result: dict[str, Any]) -> str:
    """The result for a person."""
    if "config" in result:
        return json.dumps(result["config"], indent=1)
    text = f"{result['run']}: {result['steps']} of {result['total']} steps"
    if result["processes"] > 1:
        text += f" by {result['processes']} processes"
    if result["skipped"]:
        text += f"; {result['skipped']} were not finite and left out"
    cases = result["cases"]
    kept = "held on the device" if cases["held"] else f"streamed by {cases['workers']} readers"
    text += f"; {cases['bytes'] / 1e6:,.0f} MB of cases {kept}"
    scores = {k: v for k, v in (result["validation"] or {}).items() if isinstance(v, float)}
    if scores:
        text += "; validation " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
    return "\n".join([text, *_stages(result)])


def _stages(result: dict[str, Any]) -> list[str]:
    """Which stages were kept, where validation chose, and which came to their end early."""
    from atfm.train.choice import in_words

    lines = [in_words(verdict) for verdict in result["stages_kept"]]
    lines += [f"stage {name} came to its end after {steps} steps" for name, steps in result["stages_ended"].items()]
    if result["stages_kept"]:
        lines.append(f"the weights are those of stage {result['stage']}")
    return lines
