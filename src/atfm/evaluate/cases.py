"""Which cases are scored: all of a split or a fixed subset, and none that the model was trained on.

The guard against leaks lets such a case through only where that is asked for, and says so.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from atfm.data.geometry.rule import Fit, known_spacing
from atfm.data.patients import PatientsKnown
from atfm.data.pseudonyms import key_name, patient_hashes
from atfm.data.seen.images import Compared
from atfm.data.seen.seen import Seen
from atfm.data.store import Store
from atfm.errors import InputError, LeakError, StoreError
from atfm.evaluate.leak import Leak
from atfm.methods.method import Method

__all__ = ["check_fit", "choose", "guard", "spacing_of"]

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


def check_fit(method: Method, store: Store, split: str, chosen: Sequence[int], fit: Fit | None = None) -> None:
    """Refuse a store that the method, with its way to bring images to its pixels, cannot read; before time is spent.

    Raises:
        StoreError: no case at all.
        InputError: other channels, classes or sizes.
    """
    if not chosen:
        raise StoreError(f"{store.path}: split {split!r} has no case; choose another split")
    wanted, given = (method.in_channels, method.channels), (store.info.channels, store.info.classes)
    if wanted != given:
        raise InputError(
            f"store {store.info.name}: the model was made for {wanted[0]} image and {wanted[1]} mask channels, "
            f"this store has {given[0]} and {given[1]}; choose a store like the one it was trained on"
        )
    for i in chosen:
        shape = store.shape(i)
        seen = shape if fit is None else fit.grid(shape, known_spacing(spacing_of(store, i))).size
        if not method.accepts(seen):
            brought = "" if fit is None else f", {list(seen)} of its pixels"
            raise InputError(
                f"case {store.ids()[i][0]}: the model was made for images of {list(method.size)}, "
                f"this one has {list(shape)}{brought}; train a model with `fit`, which takes any size, or import the "
                "data again with this one"
            )


def spacing_of(store: Store, number: int) -> tuple[float, ...]:
    """Return the spacing of a case as the store has it, without reading its pixels."""
    return tuple(store.pixels.index["spacing"][number, : store.info.spatial_dims].tolist())
