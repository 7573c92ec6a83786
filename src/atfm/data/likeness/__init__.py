"""Whether an image looks like those a model was trained on, and in what it does not."""

from atfm.data.likeness.reference import reference_of, unlike
from atfm.data.likeness.witness import Witness

__all__ = ["Witness", "reference_of", "unlike"]
