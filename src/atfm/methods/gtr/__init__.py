"""GTR, stage 1 of ATFM, as a method of its own."""

from atfm.methods.config import Entry
from atfm.methods.gtr.config import EnergyConfig, GTRConfig, PresenceConfig
from atfm.methods.gtr.method import GTR
from atfm.methods.gtr.presets import PRESETS

__all__ = ["ENTRY", "GTR", "EnergyConfig", "GTRConfig", "PresenceConfig"]

ENTRY = Entry(
    config=GTRConfig,
    about="Gaussian Truncation Representation: a low-rank normal over the logits of a mask; in essence an SSN.",
    reference="Li et al., AAAI 2026, arXiv 2511.06857 (stage 1); Monteiro et al., NeurIPS 2020, arXiv 2006.06015",
    presets=PRESETS,
)
