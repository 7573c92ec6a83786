"""The rules of a plan, all of them: each number, what it decides, and the measurement or paper that it stands on.

`atfm.plan.look` and `atfm.plan.choose` apply them to the facts of a set. "One's own set", "LIDC", "The phantom" and
"What limits it" are sections of docs/experiments.md, where each measurement stands with its command.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = [
    "BATCH", "CANVAS", "CONTEXT", "ENERGY", "ENERGY_LR", "ENOUGH", "FAR", "FEW", "HELD", "LEAST", "LR", "MIDDLE",
    "MINUTES", "MIXED", "NARROW", "NEAR", "OFTEN", "POSITIONS", "PRESENCE", "PRESENT", "RULES", "SEEN", "SFM", "SHARES",
    "TILT", "UPRIGHT", "VALIDATION", "VOXELS", "WEIGHT_DECAY", "WIDE", "Rule",
]  # fmt: skip


class Rule(NamedTuple):
    """One rule.

    Args:
        says: what it chooses, when.
        source: what it stands on.
    """

    says: str
    source: str


# What a network sees.
CANVAS = 128  # pixels of the longest side of an image that is seen whole
LEAST = 8  # pixels of the longest side of a lesion, below which its outline is lost
MIXED = 1.25  # largest over least spacing, from which millimetres and not pixels have to be the same
VOXELS = 2**15  # that a step sees of a volume
MIDDLE = 0.6  # of the image: a window of more saves too little to lose what lies outside
CONTEXT = 1.5  # crop over lesion: a quarter of a lesion on either side

# Networks.
POSITIONS = 4  # of the coarsest level along the shorter side
FEW = 100  # patients, below which networks are narrow and augmentation goes far
NARROW, WIDE = (16, 32, 48, 64, 96, 96), (24, 40, 56, 80, 96, 96)
OFTEN, SEEN = 0.02, 8  # share of empty masks, and cases that are empty to some readers only
PRESENCE: Mapping[str, Any] = {"widths": (16, 32, 48), "members": 2}
ENERGY: Mapping[str, Any] = {"weight": 4.0, "draws": 8, "slope": 2.0}
SFM: Mapping[str, Any] = {
    "widths": (16, 32, 48, 64),
    "context_widths": (24, 32, 48),
    "pairs": 1,
    "steps": 1,
    "temperature": 1.2,
    "draws": 4,
    "prior": 3e-3,
}

# Augmentation: shares but for the shift, which is one of the shorter side.
FAR: Mapping[str, float] = {"warp": 1.0, "scale": 0.3, "shift": 0.08, "contrast": 0.3, "brightness": 0.15}
NEAR: Mapping[str, float] = {"warp": 0.5, "scale": 0.15, "shift": 0.05, "contrast": 0.2, "brightness": 0.1}
UPRIGHT, TILT = 0.1, 20.0  # of correlation; degrees

# Training.
MINUTES = 10.0  # where nobody says
BATCH, LR, ENERGY_LR, WEIGHT_DECAY = 8, 2e-3, 3e-4, 0.01
SHARES: Mapping[str, Mapping[str, float]] = {  # of the time
    "few": {"gtr": 0.8, "sfm": 0.2, "energy": 0.0},
    "many": {"gtr": 0.5, "sfm": 0.15, "energy": 0.35},
    "volumes": {"gtr": 0.65, "sfm": 0.35, "energy": 0.0},
}
PRESENT = 0.15  # of the time for presence, where there is one
ENOUGH = 10_000  # steps of GTR, below which no time is taken from it for later stages
HELD = 0.2  # of the training patients
VALIDATION: Mapping[str, Any] = {
    "validate_cases": 40,
    "validate_samples": 16,
    "keep": "better",
    "patience": 4,
    "calibrate": True,
}

_OWN = "measured: One's own set"
RULES: Mapping[str, Rule] = {
    "flat": Rule("images as images, volumes as volumes", "as the store has them"),
    "plain": Rule(f"images of one even size up to {CANVAS * 5 // 4} pixels are seen as they are", "as LIDC's 128x128"),
    "window": Rule(
        f"the middle that holds all marks in 99 of 100 cases, if it is less than {MIDDLE:.0%}", "the preset lidc: LIDC"
    ),
    "canvas": Rule(f"images are seen whole, on {CANVAS} pixels, while nine in ten masks keep {LEAST}", _OWN),
    "crop": Rule(
        f"where whole images would lose lesions, crops of {CANVAS} in which a lesion takes half", "nnU-Net: patches"
    ),
    "spacing": Rule(
        f"spacings that differ by more than {MIXED} are brought to the median",
        "nnU-Net: Isensee et al., Nature Methods 18, 2021",
    ),
    "volume": Rule(
        f"of a volume {VOXELS:,} voxels, {CONTEXT} times the usual lesion and the whole largest one",
        "the preset phantom-volume, of 16,384 voxels; nnU-Net: patches",
    ),
    "patch": Rule("2 where sides are even: a quarter of the time of 1; 4 loses outlines", _OWN),
    "levels": Rule(f"halved until {POSITIONS} positions are left along the shorter side", _OWN),
    "widths": Rule(
        f"narrow below {FEW} patients; at such budgets no set gains by wide ones", "measured: What limits it"
    ),
    "presence": Rule(f"from {OFTEN:.0%} of empty masks and {SEEN} cases of both kinds on", "measured: The phantom"),
    "slides": Rule("presence is said of whole images", "docs/methods.md"),
    "augment": Rule(f"far below {FEW} patients, else as lidc", _OWN),
    "upright": Rule(
        f"turned unless images as they lie correlate by {UPRIGHT} more than turned ones; so mirrored", _OWN
    ),
    "tuned": Rule(
        "GTR is tuned by the energy score of its own samples, which costs a twentieth to an eighth more a step", _OWN
    ),
    "flow": Rule("one step from starts drawn apart by 1.2: whole masks, as diverse as the readers", _OWN),
    "few": Rule(f"below {FEW} patients the energy score is left out: it learns the cases by heart", _OWN),
    "many": Rule("the energy score pays most", "measured: LIDC, The phantom"),
    "volumes": Rule(
        "without the energy score, whose samples take the memory of as many volumes", "the preset phantom-volume"
    ),
    "later": Rule(
        f"the flow and what follows are left out where GTR makes less than {ENOUGH:,} steps beside them", _OWN
    ),
    "validation": Rule(
        "a stage is kept where validation is better with it, and samples are spread as validation wants; without val a "
        "fifth validates",
        "docs/training.md",
    ),
    "from": Rule("the networks of the model that --from names", "docs/training.md, From another model"),
    "steps": Rule("as many as fit into the time", "measured now, on this machine"),
    "shared": Rule("a batch in as many equal parts as there are processes", "docs/training.md"),
    "parts": Rule("a batch in as many equal parts as it takes to fit into the memory", "measured now, on this machine"),
}
