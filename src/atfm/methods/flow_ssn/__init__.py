"""Flow-SSN: a flow that never sees the image, from a normal that does."""

from atfm.methods.config import Entry
from atfm.methods.flow_ssn.config import FlowSSNConfig
from atfm.methods.flow_ssn.method import FlowSSN
from atfm.methods.flow_ssn.presets import PRESETS

__all__ = ["ENTRY", "FlowSSN", "FlowSSNConfig"]

ENTRY = Entry(
    config=FlowSSNConfig,
    about="Continuous Flow-SSN: the image gives a normal, from which a small flow that never sees it leads to masks.",
    reference="de Sousa Ribeiro et al., ICCV 2025, arXiv 2507.18838",
    presets=PRESETS,
)
