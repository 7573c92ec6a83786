"""The methods, each with two verbs, `loss` and `sample`."""

from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.methods.method import Method, Samples, Stage

__all__ = ["ATFM", "GTR", "Method", "Samples", "Stage"]
