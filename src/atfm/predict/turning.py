"""An image is turned to the way in which the training images of a model lay; what is drawn is turned back.

Only flips and swaps of axes are made, so that no value changes. What cannot be turned, or need not be, says so.
"""

from collections.abc import Mapping
from typing import Any

from atfm.io.volumes.turn import check_letters, turn
from atfm.predict.prepared import Trained
from atfm.predict.source import Source

__all__ = ["orientation_of", "turned_to"]

PLACED = ("nifti", "nrrd", "metaimage", "dicom")  # formats that can say where they lie
MOST_TILT = 30.0  # degrees
AXES = ("slices", "rows", "columns")


def orientation_of(card: Mapping[str, Any]) -> str | None:
    """How the training images lay, three letters; None where it is not known, or they were mere pictures.

    Raises:
        InputError: letters that are no orientation.
    """
    said = card.get("orientation")
    return None if said in (None, "unknown", "none") else check_letters(str(said), "orientation of the model")


def turned_to(model: Trained, source: Source) -> Source:
    """The image with the turn that brings it to the model's orientation, and what is to be said of it.

    Raises:
        InputError: a card with letters that are no orientation.
    """
    wanted, picture = orientation_of(model.card), source.picture
    geometry = picture.geometry
    if geometry is None:
        guessed = wanted is not None and picture.meta.get("format") in PLACED
        return (
            said(source, f"it does not say how it lies; taken for {wanted}, as the training was") if guessed else source
        )
    lies = geometry.orientation
    if wanted is None:
        return said(
            source, f"it lies {lies}, and how the training images of {model.name} lay is not known; nothing was turned"
        )
    by = turn(lies, wanted)
    if geometry.shape[0] == 1 and not by.in_plane:
        return said(source, f"its only slice is no slice of {wanted}, as the training was, but of {lies}; not turned")
    told = []
    if geometry.tilt > MOST_TILT:
        told.append(f"it is tilted by {geometry.tilt:.0f} degrees; {lies} is only the nearest orientation")
    if not by.in_plane:
        told.append(
            f"it lies {lies} and was turned to {wanted}: slices of the model are {AXES[by.axes[0]]} of the file"
        )
    return said(source._replace(turn=by), *told)


def said(source: Source, *sentences: str) -> Source:
    """The image with sentences added to its warnings."""
    picture = source.picture
    return source._replace(picture=picture._replace(warnings=(*picture.warnings, *sentences)))
