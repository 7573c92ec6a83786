"""Many samples of one image in a few named groups, each with its probability and its interval."""

from atfm.hypotheses.bits import Bits
from atfm.hypotheses.hypotheses import LARGEST, Hypothesis, find_hypotheses

__all__ = ["LARGEST", "Bits", "Hypothesis", "find_hypotheses"]
