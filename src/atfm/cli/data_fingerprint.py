"""`atfm data fingerprint`: fingerprints of a training split, into the card of a model or held against others."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.common_flags import add_patient_key, patient_key_of
from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.data.store import Store

__all__ = ["add_fingerprint"]

Result = dict[str, Any]


def add_fingerprint(actions: Any) -> None:
    """Add `atfm data fingerprint`."""
    parser = actions.add_parser(
        "fingerprint",
        help="add fingerprints of the training images to a model's card, or measure how often they err",
        description="By fingerprints of its training images a model is not scored on them, whatever their names are. "
        "`atfm train` writes them; --card adds them to a model from before, whose training patients have to be those "
        "of the split. --against compares the images of other splits, whose patients are others, and counts false "
        "alarms; re-encoded images of the split tell what is still recognised.",
        epilog="example: atfm data fingerprint lidc-store --against val test",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("--split", default="train", help="that was trained on (default: train)")
    parser.add_argument("--card", type=Path, metavar="JSON", help="the card to add to, beside its .safetensors")
    parser.add_argument("--against", nargs="+", metavar="SPLIT", help="splits to compare")
    add_patient_key(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> Result:
    """Add to a card, measure, or both."""
    from atfm.data.seen.measure import measure
    from atfm.data.store import Store
    from atfm.errors import InputError

    if args.card is None and not args.against:
        raise InputError("atfm data fingerprint: give --card JSON to add to, or --against SPLIT to measure, or both")
    store = Store.open(args.store)
    result: Result = {"store": str(args.store), "split": args.split}
    if args.card is not None:
        result |= into_card(store, args.split, args.card, patient_key_of(args))
    if args.against:
        if store.info.spatial_dims != 2:
            raise InputError(f"{args.store}: holds volumes; how often fingerprints err is measured on 2-D images")
        with bar("comparing") as progress:
            result |= measure(store, args.split, args.against, seed=args.seed, progress=progress)
    return result


def into_card(store: "Store", split: str, card: Path, key: bytes) -> Result:
    """Add the fingerprints of a split to a card.

    Raises:
        InputError: a model that was trained on other patients.
        CheckpointError: no card, or one of weights that are not there.
    """
    from atfm.data.pseudonyms import patient_hashes
    from atfm.data.seen.images import FIELD
    from atfm.data.seen.looker import Looker
    from atfm.errors import InputError
    from atfm.models import amend, load
    from atfm.train.migration import migrated

    model = load(card.with_suffix(".safetensors"))
    cases = store.split(split)
    patients = {store.ids()[i][1] for i in cases}
    strange = [patient for patient in sorted(patients) if not model.patients & patient_hashes(patient, key)]
    if strange or len(patients) != len(model.patients):
        raise InputError(
            f"{card}: was trained on {len(model.patients)} patients, split {split!r} has {len(patients)}, "
            f"{len(strange)} of them others; give the store and split that it was trained on"
        )
    known = store.info.patients_known
    looker = Looker(known)
    with bar("looking") as progress:
        for done, i in enumerate(cases, start=1):
            case = store[i]
            looker.look(case.image, case.patient_id)
            progress(done, len(cases))
    seen = looker.seen(len(cases))
    fields = {FIELD: seen.model_dump(mode="json")} | ({} if known is None else {"patients_known": known})
    amend(card.with_suffix(".safetensors"), lambda there: migrated(there) | fields)
    return {"card": str(card), "images": seen.images, "recorded": seen.recorded, "bytes": card.stat().st_size}


def show(result: Result) -> str:
    """The numbers for a person."""
    lines = []
    if "card" in result:
        lines.append(
            f"{result['card']}: fingerprints of {result['recorded']:,} of {result['images']:,} images; the card has "
            f"{result['bytes'] / 1e3:.0f} kB"
        )
    if "asked" in result:
        lines.append(f"{result['asked']:,} images held against {result['train']:,} of other patients")
        lines += [
            f"  {count:>6} look alike where up to {limit} of 128 signs may differ ({count / result['asked']:.2%})"
            for limit, count in result["false_alarms"].items()
        ]
        lines.append(f"of {result['encoded']} training images, re-encoded, are recognised")
        lines += [f"  {share:>6.1%} {name}" for name, share in result["caught"].items()]
    return "\n".join(lines)
