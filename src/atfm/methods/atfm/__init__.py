"""ATFM, Ambiguity-aware Truncated Flow Matching."""

from atfm.methods.atfm.config import ATFMConfig, SFMConfig
from atfm.methods.atfm.method import ATFM
from atfm.methods.atfm.presets import PRESETS
from atfm.methods.config import Entry

__all__ = ["ATFM", "ENTRY", "ATFMConfig", "SFMConfig"]

ENTRY = Entry(
    config=ATFMConfig,
    about="Ambiguity-aware Truncated Flow Matching: a flow carries GTR's samples to masks, tuned by the energy score.",
    reference="Li et al., AAAI 2026, arXiv 2511.06857",
    presets=PRESETS,
)
