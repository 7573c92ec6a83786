"""Which cases are scored: all of a split or a fixed subset, and none that the model was trained on.

The guard against leaks lets such a case through only where that is asked for, and says so.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from atfm.data.patients import PatientsKnown
from atfm.data.pseudonyms import key_name, patient_hashes
from atfm.data.seen.images import Compared
from atfm.data.seen.seen import Seen
from atfm.errors import InputError, LeakError
from atfm.evaluate.leak import Leak

__all__ = ["choose", "guard"]

# The subset is the same for every seed of the noise, so that runs with several seeds score the same cases.
ORDER_SEED = 2511_06857
ASSUMED = "assumed one per case"


def guard(
    seen: Seen,
    patients: Iterable[str],
    *,
    model: str,
    patients_known: PatientsKnown | None = None,
    images: Compared | None = None,
    patient_key: bytes = b"",
    allow_leak: bool = False,
) -> Leak:
    """Compare the patients and the images of a test with those that a model was trained on.

    Args:
        seen: what the model was trained on.
        patients: patient ids of the test, as the store names them; other spellings of an id are found too.
        model: the name of the model, for the error.
        patients_known: how the store knows them.
        images: what came of comparing the images; None where the model has no fingerprints.
        patient_key: that the hashes of the model's patients were made with, if any.
        allow_leak: score anyway; the leak is then part of the result.

    Raises:
        LeakError: some patients or images are on both sides and `allow_leak` is False.
    """
    tested = sorted(set(patients))
    common = tuple(patient for patient in tested if seen.patients & patient_hashes(patient, patient_key))
    leak = Leak(
        tested=len(tested),
        patients=common,
        ids_not_compared="" if common else _why_no_ids(seen, patients_known, patient_key),
        images=images,
        images_not_compared=_why_no_images(seen),
    )
    if leak.found and not allow_leak:
        raise LeakError(
            f"{model} was trained on {leak.told}; choose a split it has not seen, or score it with --allow-leak: the "
            "report says so"
        )
    return leak


def _why_no_ids(seen: Seen, known: PatientsKnown | None, key: bytes) -> str:
    """Why ids that are not in common say nothing; empty where they do."""
    if not seen.patients:
        return seen.missing or "the model carries no list of the patients it was trained on"
    if seen.patient_keys - ({key_name(key)} if key else set()):
        return f"the model knows them by {'another' if key else 'a'} secret key; give it with --patient-key"
    if known == ASSUMED:
        return "no patient of the store is known, one per case is assumed"
    if seen.patients_known == ASSUMED:
        return "no patient of the training was known, one per case was assumed"
    return ""


def _why_no_images(seen: Seen) -> str:
    """Which of the training's images could not be compared; empty where all could."""
    if seen.images is None:
        return seen.missing or "the model carries no fingerprints of its training images, they are not recorded"
    left = seen.images.images - seen.images.recorded
    said = [f"{left:,} of its {seen.images.images:,} training images have no fingerprint"] if left else []
    if seen.images.partial:
        said.append("of the models that its weights come from no images are recorded")
    return " and ".join(said)


def choose(indices: Sequence[int], limit: int | None = None) -> list[int]:
    """The first `limit` cases of a fixed random order, sorted; a smaller subset lies within a larger one.

    Args:
        indices: the cases of a split.
        limit: how many of them, at least 1; None, or more than there are, takes all.

    Raises:
        InputError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit: expected at least 1 case, got {limit}; leave it out to score the whole split")
    ordered = sorted(indices)
    if limit is None or limit >= len(ordered):
        return ordered
    order = np.random.default_rng(ORDER_SEED).permutation(len(ordered))
    return sorted(ordered[position] for position in order[:limit])
