"""One case as a row of small pictures: the image, its annotators, the model's maps and single samples, as inline SVG.

A picture is a grey or coloured PNG with outlines drawn over it as vectors, so that a lesion of eight pixels is sharp at
any size; the PNG of the image stands in the page once for each case.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from contourpy import contour_generator
from matplotlib import colormaps
from PIL import Image

__all__ = ["Illustration", "case_panels", "data_uri", "outline_path"]

SMALLEST_WINDOW = 32  # pixels: a smaller cut-out shows blocks, not anatomy
MOST_OUTLINES = 8  # annotators drawn over each other
MARGIN = 0.35  # of the outlined region, on each side


@dataclass(frozen=True)
class Illustration:
    """What a report shows of one case.

    Args:
        title: why it is shown, such as "Median case".
        case_id, patient_id: as in the store.
        score: one line with the case's scores.
        image: `[C_in, *spatial]` in [0, 1].
        annotations: `[K, C, *spatial]` bool.
        samples: `[S, C, *spatial]` bool, those to show.
        probability: `[C, *spatial]` mean probability over all samples, in [0, 1].
        entropy: `[*spatial]` ambiguity map in bits.
    """

    title: str
    case_id: str
    patient_id: str
    score: str
    image: np.ndarray
    annotations: np.ndarray
    samples: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray


@dataclass(frozen=True)
class Plane:
    """The same case as flat pictures `[..., H, W]`, with the window that the small pictures show."""

    image: np.ndarray
    annotations: np.ndarray
    samples: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray
    window: tuple[int, int, int, int]  # left, top, width, height in pixels


def case_panels(case: Illustration, key: str) -> str:
    """The pictures of a case as HTML: whole image, annotators, their share, the model's two maps, then samples.

    Args:
        case: what to show; of a volume the slice with the largest outlined area is shown.
        key: unique in the page; names this case's image in it.
    """
    plane = flatten(case)
    height, width = plane.entropy.shape
    image = f'<image id="{key}" width="{width}" height="{height}" href="{data_uri(plane.image)}"/>'
    left, top, across, down = plane.window
    frame = f'<rect class="frame" x="{left}" y="{top}" width="{across}" height="{down}"/>'
    drawn = [outline_path(mask, f"a{k % 7}") for k, mask in enumerate(plane.annotations[:MOST_OUTLINES])]
    tiles = [
        tile(image + frame, "whole image", (0, 0, width, height)),
        tile(use(key) + "".join(drawn), annotator_caption(plane.annotations), plane.window),
        tile(heat(foreground(plane.annotations).mean(0)), "share of annotators", plane.window),
        tile(heat(plane.probability), "mean probability", plane.window),
        tile(heat(plane.entropy), "ambiguity (entropy)", plane.window),
    ]
    samples = [
        tile(use(key) + outline_path(mask, "sample"), f"sample {s + 1}" + empty_note(mask), plane.window)
        for s, mask in enumerate(plane.samples)
    ]
    return (
        f'<section class="case"><h3>{escape(case.title)}</h3>'
        f'<p class="quiet">{escape(case.score)}; case {escape(case.case_id)}, patient {escape(case.patient_id)}</p>'
        f'<div class="tiles overview">{"".join(tiles)}</div>'
        f'<div class="tiles samples">{"".join(samples)}</div></section>'
    )


def flatten(case: Illustration) -> Plane:
    """Cut the slice of a volume, join the object classes of a probability, and choose the window."""
    volume = case.entropy.ndim == 3
    fullest = int(foreground(case.annotations).sum((0, 2, 3)).argmax()) if volume else 0
    cut = (Ellipsis, fullest, slice(None), slice(None)) if volume else (Ellipsis,)
    annotations, samples, probability = case.annotations[cut], case.samples[cut], case.probability[cut]
    # Of several classes the maps show "any object": all but the background's share.
    objects = probability[0] if len(probability) == 1 else 1 - probability[0]
    region = foreground(annotations).any(0) | foreground(samples).any(0) | (objects > 0.2)
    return Plane(picture(case.image[cut]), annotations, samples, objects, case.entropy[cut], window(region))


def foreground(masks: np.ndarray) -> np.ndarray:
    """`[N, C, *spatial]` masks -> `[N, *spatial]`: the object, or any class but the background."""
    return np.any(masks if masks.shape[1] == 1 else masks[:, 1:], axis=1)


def picture(image: np.ndarray) -> np.ndarray:
    """`[C_in, H, W]` in [0, 1] -> uint8 grey `[H, W]` or colour `[H, W, 3]`; of other channels the first."""
    steps = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.moveaxis(steps, 0, -1) if len(steps) == 3 else steps[0]


def window(region: np.ndarray) -> tuple[int, int, int, int]:
    """A square round the region, with a margin, inside the picture; the middle of it where the region is empty."""
    height, width = region.shape
    rows, columns = np.nonzero(region)
    if len(rows) == 0:
        rows, columns = np.array([height // 2]), np.array([width // 2])
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    side = min(max(SMALLEST_WINDOW, round(extent * (1 + 2 * MARGIN))), height, width)
    top, left = (
        int(np.clip((hits.min() + hits.max() + 1 - side) // 2, 0, length - side))
        for hits, length in ((rows, height), (columns, width))
    )
    return left, top, side, side


def outline_path(mask: np.ndarray, css: str) -> str:
    """The outlines of a mask `[C, H, W]` (all classes but the background) as one SVG path."""
    channels = mask if len(mask) == 1 else mask[1:]
    lines = [line for channel in channels for line in contours(channel)]
    steps = " ".join(polygon(line) for line in lines)
    return f'<path class="{css}" d="{steps}"/>' if steps else ""


def contours(mask: np.ndarray) -> list[np.ndarray]:
    """Closed lines `[P, 2]` of x and y, in pixels from the picture's corner, half-way between inside and outside."""
    padded = np.pad(mask, 1).astype(np.float32)  # so that a mask at the rim has a closed outline
    return [np.asarray(line) - 0.5 for line in contour_generator(z=padded, line_type="Separate").lines(0.5)]


def polygon(line: np.ndarray) -> str:
    """One closed line as SVG steps."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in line[:-1]) + "Z"


def heat(values: np.ndarray) -> str:
    """A map of values in [0, 1] as an embedded picture, dark for 0 and bright for 1."""
    height, width = values.shape
    colours = np.asarray(colormaps["magma"](np.clip(values, 0, 1), bytes=True))[..., :3]
    return f'<image width="{width}" height="{height}" href="{data_uri(colours)}"/>'


def use(key: str) -> str:
    """The image that the first tile of the case holds."""
    return f'<use href="#{key}"/>'


def tile(content: str, caption: str, view: Sequence[int]) -> str:
    """One small picture with its caption; `view` is left, top, width and height in pixels."""
    box = " ".join(map(str, view))
    return (
        f'<figure class="tile"><svg viewBox="{box}" role="img" aria-label="{escape(caption)}">{content}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def annotator_caption(annotations: np.ndarray) -> str:
    """How many annotators, and how many of them drew nothing."""
    count = len(annotations)
    empty = sum(not mask.any() for mask in foreground(annotations))
    shown = f", {MOST_OUTLINES} shown" if count > MOST_OUTLINES else ""
    return f"{count} annotator{'s' * (count > 1)}" + (f", {empty} empty" if empty else "") + shown


def empty_note(mask: np.ndarray) -> str:
    """Says of a mask `[C, H, W]` that nothing is in it."""
    return "" if foreground(mask[None]).any() else ": empty"


def data_uri(pixels: np.ndarray) -> str:
    """uint8 pixels `[H, W]` or `[H, W, 3]` -> a PNG inside a URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def join_panels(cases: Iterable[Illustration]) -> str:
    """All cases of a report, one under the other."""
    return "\n".join(case_panels(case, f"case-{number}") for number, case in enumerate(cases, 1))
