"""What a notebook shows of a case and of a store: pictures with the outlines of their annotators, under 50 kB."""

from typing import TYPE_CHECKING

import numpy as np

from atfm.data.layout import decode_image
from atfm.io.decoding import brief
from atfm.io.svg.colours import COLOURS, heat, hexadecimal
from atfm.io.svg.ground import grey, ground
from atfm.io.svg.line import outline
from atfm.io.svg.scene import Scene, around
from atfm.io.svg.sheet import Tile, sheet

if TYPE_CHECKING:
    from atfm.data.case import Case
    from atfm.data.store import Store

__all__ = ["case_html", "store_html"]

CASES = 8  # of a store that are shown
READERS = 24  # of a case that are drawn
MOST_NOTES = 6


def case_html(case: "Case") -> str:
    """The image, the outlines of its annotators, and how many of them count each pixel in."""
    image, masks, k = _plane(case.image, case.masks)
    share = (masks > 0).mean(0)
    scene = Scene(grey(image), share > 0)
    lines = [scene.lines(mask, hexadecimal(number), wide=1.2, most=900) for number, mask in enumerate(masks[:READERS])]
    size = " x ".join(map(str, case.image.shape[:0:-1]))
    where = f"{size}" if k is None else f"slice {k} of {size}"
    readers = f"{len(masks)} annotators" if len(masks) > 1 else "1 annotator"
    tiles = [
        scene.whole(where),
        scene.cut("".join(lines), readers if len(masks) <= READERS else f"the first {READERS} of {readers}"),
        Tile(ground(heat(share), scene.box, 6000), scene.box, "share of annotators"),
    ]
    areas = [int((mask > 0).sum()) for mask in case.masks]
    unit = "pixels" if k is None else "voxels"
    notes = [
        f"{readers}: {', '.join(map(str, areas[:READERS]))}{', ...' if len(areas) > READERS else ''} {unit}",
        f"patient {case.patient_id}",
        *(f"warning: {brief(warning, 300)}" for warning in case.warnings[:MOST_NOTES]),
    ]
    return sheet(f"case {case.case_id}", tiles, (), notes)


def store_html(store: "Store") -> str:
    """Some cases from all over the store with the outlines of their annotators, and what the store says of itself."""
    info = store.info
    count = min(CASES, len(store))
    tiles = [_thumbnail(store, number * len(store) // count) for number in range(count)]
    patients = {name: len(names) for name, names in info.splits.items()}
    splits = ", ".join(f"{name} {len(store.split(name))} ({patients[name]} patients)" for name in info.splits)
    notes = [
        f"{len(store)} cases of {len(store.patients())} patients; {splits or 'no splits'}",
        f"{info.modality}, {info.spatial_dims}-D, {info.channels} channel{'s' * (info.channels > 1)}, "
        + ("binary masks" if info.classes == 1 else f"{info.classes} classes"),
        f"{info.licence}: {info.source}",
    ]
    return sheet(f"store {info.name}", tiles, (), notes)


def _thumbnail(store: "Store", i: int) -> Tile:
    """A case round what is marked in it."""
    labels = store.pixels.labels(i)
    k = _fullest(labels)
    stored = store.pixels.image(i)
    image, masks = (stored, labels) if k is None else (stored[:, k], labels[:, k])
    box = around(np.any(masks > 0, axis=0))
    lines = [
        outline(mask > 0, box, f'stroke="{hexadecimal(number)}" stroke-width="1.2"', 400)
        for number, mask in enumerate(masks[: len(COLOURS) - 2])
    ]
    case_id, _ = store.ids()[i]
    return Tile(ground(grey(decode_image(image)), box, 2600) + "".join(lines), box, f"{i}: {case_id}")


def _plane(image: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray, int | None]:
    """A flat image, or the slice of a volume in which most is marked, and which."""
    k = _fullest(masks)
    return (image, masks, None) if k is None else (image[:, k], masks[:, k], k)


def _fullest(masks: np.ndarray) -> int | None:
    return None if masks.ndim == 3 else int((masks > 0).sum((0, 2, 3)).argmax())
