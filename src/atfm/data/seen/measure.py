"""How often fingerprints err: images of other patients that look alike, and re-encoded ones that are not recognised."""

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from atfm.data.seen.fingerprint import ALIKE, BITS, fingerprint, windows
from atfm.data.store import Store

__all__ = ["ENCODINGS", "measure"]

AROUND = range(ALIKE - 4, ALIKE + 7, 2)  # the numbers of signs for which the share of false alarms is told
PAIRS = 300


def measure(
    store: Store,
    train: str,
    against: Sequence[str],
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Any]:
    """Compare the images of some splits with those of another, whose patients are others.

    Args:
        store: where the cases are, of two axes.
        train: the split that stands for a training.
        against: the splits that are asked about.
        seed: of the training images that are re-encoded, at most 300.
        progress: called with the images asked about and their total.

    Returns:
        `train` and `asked`, numbers of images that show anything; `false_alarms`, by the number of signs that may
        differ, how many of those asked about look like one of the training though patient and pixels are others;
        `alarm_patients` at the limit that is used; `nearest`, quantiles of the fewest signs; `caught`, the share of
        `encoded` training images that are still recognised, by what was done to them.
    """
    known, patients = prints(store, store.split(train))
    asked = [i for name in against for i in store.split(name)]
    fewest, alarms, count = [], Counter[str](), 0
    for done, i in enumerate(asked, start=1):
        case = store[i]
        if fingerprint(case.image) is not None:
            others = patients != case.patient_id
            differing = distances(windows(case.image), known[others])
            fewest.append(int(differing.min()) if differing.size else BITS)
            alarms[case.patient_id] += fewest[-1] <= ALIKE
            count += 1
        progress(done, len(asked))
    return {
        "train": len(known),
        "asked": count,
        "false_alarms": {str(limit): int((np.array(fewest) <= limit).sum()) for limit in AROUND},
        "alarm_patients": sum(n > 0 for n in alarms.values()),
        "nearest": np.quantile(fewest, (0, 0.001, 0.01, 0.5)).tolist() if fewest else [],
        **encoded(store, store.split(train), seed),
    }


def prints(store: Store, cases: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The hashes `[N, words]` of the cases that show anything, and their patients `[N]`."""
    found = []
    for i in cases:
        case = store[i]
        seen = fingerprint(case.image)
        if seen is not None:
            found.append((seen.alike.view(np.uint64), case.patient_id))
    return np.stack([hash_ for hash_, _ in found]), np.array([patient for _, patient in found])


def distances(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The signs in which hashes `[V, bytes]` and `[N, words]` differ, `[V, N]`."""
    differing: np.ndarray = asked.view(np.uint64)[:, None] ^ known[None]
    return np.bitwise_count(differing).sum(-1, dtype=np.int64)


def encoded(store: Store, cases: Sequence[int], seed: int) -> dict[str, Any]:
    """The share of images that are recognised after each of `ENCODINGS`."""
    drawn = np.random.default_rng(seed).permutation(np.array(cases))[:PAIRS]
    images = [store[int(i)].image for i in drawn]
    pairs = [(image, seen.alike.view(np.uint64)[None]) for image in images if (seen := fingerprint(image)) is not None]
    return {
        "encoded": len(pairs),
        "caught": {
            name: float(np.mean([distances(windows(change(image)), own).min() <= ALIKE for image, own in pairs]))
            for name, change in ENCODINGS.items()
        }
        if pairs
        else {},
    }


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """An image `[C, H, W]` after a JPEG."""
    stream = io.BytesIO()
    steps = np.rint(image * 255).astype(np.uint8)
    Image.fromarray(steps[0] if len(steps) != 3 else np.moveaxis(steps, 0, -1)).save(stream, "JPEG", quality=quality)
    back = np.asarray(Image.open(stream), np.float32) / 255
    return back[None] if back.ndim == 2 else np.moveaxis(back, -1, 0)


def scaled(image: np.ndarray, factor: float) -> np.ndarray:
    """An image of another number of pixels."""
    size = tuple(max(8, round(length * factor)) for length in image.shape[:0:-1])
    return np.stack([np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BICUBIC)) for channel in image])


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    """An image without a border."""
    rows, columns = (max(1, round(length * share)) for length in image.shape[1:])
    return image[:, rows:-rows, columns:-columns]


def framed(image: np.ndarray, share: float) -> np.ndarray:
    """An image with a black border."""
    rows, columns = (max(1, round(length * share)) for length in image.shape[1:])
    return np.pad(image, ((0, 0), (rows, rows), (columns, columns)))


ENCODINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "16 bits": lambda image: np.rint(image * 65535).astype(np.float32) / np.float32(65535),
    "JPEG of quality 75": lambda image: jpeg(image, 75),
    "JPEG of quality 20": lambda image: jpeg(image, 20),
    "half the size": lambda image: scaled(image, 0.5),
    "twice the size": lambda image: scaled(image, 2.0),
    "darker, less contrast": lambda image: image * np.float32(0.7) + np.float32(0.05),
    "another window": lambda image: np.clip((image - 0.1) / 0.75, 0, 1),
    "gamma 0.7": lambda image: image**0.7,
    "1 % cut off at each side": lambda image: cropped(image, 0.01),
    "2 % cut off at each side": lambda image: cropped(image, 0.02),
    "5 % cut off at each side": lambda image: cropped(image, 0.05),
    "3 % black frame": lambda image: framed(image, 0.03),
    "2 % cut off, half the size, JPEG 50": lambda image: jpeg(np.clip(scaled(cropped(image, 0.02), 0.5), 0, 1), 50),
}
