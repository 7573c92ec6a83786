"""GTR, the Gaussian Truncation Representation: its network and its likelihood."""

from atfm.truncation.likelihood import all_annotators, log_likelihood, one_annotator
from atfm.truncation.network import GTRNetwork
from atfm.truncation.presence import PresenceNetwork, marked, presence_loss

__all__ = [
    "GTRNetwork",
    "PresenceNetwork",
    "all_annotators",
    "log_likelihood",
    "marked",
    "one_annotator",
    "presence_loss",
]
