"""GTR, the Gaussian Truncation Representation: its network and its likelihood."""

from atfm.truncation.likelihood import all_annotators, log_likelihood, one_annotator
from atfm.truncation.network import GTRNetwork

__all__ = ["GTRNetwork", "all_annotators", "log_likelihood", "one_annotator"]
