"""`Seen`: all that a model's card tells of what it was trained on, for the guard against leaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from atfm.data.patients import PatientsKnown
from atfm.data.seen.images import SeenImages, seen_images_of
from atfm.errors import CheckpointError, InputError
from atfm.io.decoding import brief
from atfm.io.volumes.turn import check_letters

__all__ = ["Seen", "seen_of"]


@dataclass(frozen=True)
class Seen:
    """What a model was trained on.

    Args:
        patients: hashes of the patients (`atfm.data.pseudonyms.patient_hash`); none where the card does not list them.
        patients_known: how it was known whose the cases are; None where nobody recorded it.
        images: fingerprints of the images; None where the card has none.
        patient_keys: names of the keys that hashes were made with; none where they were made without.
        orientation: how the images lay, see `StoreInfo`.
        missing: why what is not here is not known, where it is not that a card does not tell.
    """

    patients: frozenset[str] = field(default=frozenset(), repr=False)
    patients_known: PatientsKnown | None = None
    images: SeenImages | None = field(default=None, repr=False)
    patient_keys: frozenset[str] = frozenset()
    orientation: str = "unknown"
    missing: str = ""


def seen_of(card: Mapping[str, Any], patients: frozenset[str], name: str) -> Seen:
    """What the card of a model tells.

    Args:
        card: the JSON beside the weights.
        patients: its list of hashes, checked.
        name: of the model, for errors.

    Raises:
        CheckpointError: fields that are none.
    """
    known = card.get("patients_known")
    if known is not None and known not in get_args(PatientsKnown):
        raise CheckpointError(
            f"{name}: field patients_known of its JSON: expected one of {', '.join(get_args(PatientsKnown))}, got "
            f"{brief(known)}; take the JSON of its training"
        )
    keys = card.get("patient_keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointError(f"{name}: field patient_keys of its JSON: expected a list of names, got {brief(keys)}")
    lay = str(card.get("orientation", "unknown"))
    if lay not in ("none", "unknown"):
        try:
            check_letters(lay, "field orientation of its JSON")
        except InputError as error:
            raise CheckpointError(f"{name}: {brief(error)}; take the JSON of its training") from error
    return Seen(patients, known, seen_images_of(card, name), frozenset(keys), lay)
