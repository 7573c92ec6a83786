"""`atfm card`: what a model says of itself, and the edits that a card may have; both are sealed again."""

import argparse
import json
import time
from typing import Any

__all__ = ["add_parser"]

LONGEST = 100  # letters that a person reads through


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "card",
        help="show a model's card, or edit it",
        description="Show the card of a model. --set edits what may be edited: name, licence and notes, and how the "
        "model samples (steps, solver, temperature, turns, where its method has them); null takes a word away. Each "
        "edit is recorded in the card, which is sealed again; one that was edited by hand is refused. --seal seals a "
        "card of an earlier version as it stands.",
        epilog="example: atfm card run --set temperature=1.2 --set 'licence=CC BY 4.0'",
    )
    parser.add_argument("model", metavar="MODEL", help="run folder, .safetensors file or shipped weights")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="edit a field")
    parser.add_argument("--seal", action="store_true", help="seal a card of an earlier version, which has no seal")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Show or edit."""
    from atfm.errors import ConfigError
    from atfm.models import edit, find, load

    path = find(args.model)
    changes = dict(map(change, args.set))
    if len(changes) < len(args.set):
        raise ConfigError("--set: a field is given twice; give it once")
    if changes or args.seal:
        edit(path, changes, when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    model = load(path)
    return {"weights": str(path), "card": model.card}


def change(text: str) -> tuple[str, Any]:
    """Turn `temperature=1.2` into its field and value: JSON where it is, else the text itself."""
    from atfm.errors import ConfigError

    field, separator, value = text.partition("=")
    if not separator or not field:
        raise ConfigError(f"--set {text:.200}: expected FIELD=VALUE, such as temperature=1.2")
    try:
        return field, json.loads(value)
    except (ValueError, RecursionError):
        return field, value


def show(result: dict[str, Any]) -> str:
    """The card for a person: its lists by their length."""
    lines = [f"weights: {result['weights']}"]
    for name, value in result["card"].items():
        if name == "config":
            lines.append(f"method: {json.dumps(value['method'])}")
        elif isinstance(value, list) and name not in ("size", "edits"):
            lines.append(f"{name}: {len(value)}")
        elif name == "training":
            lines.append(f"training: step {value.get('step', '?')} of {value.get('total', '?')}, {value.get('stage')}")
        else:
            lines.append(f"{name}: {value if isinstance(value, str) else json.dumps(shortened(value))}")
    return "\n".join(lines)


def shortened(value: Any) -> Any:
    """A JSON value in which packed numbers, thousands of letters, are told by how many there are."""
    if isinstance(value, dict):
        return {name: shortened(entry) for name, entry in value.items()}
    long = isinstance(value, str) and len(value) > LONGEST
    return f"{len(value):,} letters" if long else value
