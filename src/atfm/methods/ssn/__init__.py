"""SSN, the Stochastic Segmentation Network, where it differs from GTR."""

from atfm.methods.config import Entry
from atfm.methods.ssn.config import SSNConfig
from atfm.methods.ssn.method import SSN
from atfm.methods.ssn.presets import PRESETS

__all__ = ["ENTRY", "SSN", "SSNConfig"]

ENTRY = Entry(
    config=SSNConfig,
    about="Stochastic Segmentation Network: a low-rank normal over the logits of all classes, on a plain U-Net.",
    reference="Monteiro et al., NeurIPS 2020, arXiv 2006.06015",
    presets=PRESETS,
)
