"""Published scores, each with its data set, protocol and source, to be read beside ours and never mixed with them.

"LIDC" names at least four sets of slices, so a published row may only be compared with a row of the same set and split.
GED is squared with self-pairs counted, the distance is 1 - IoU, empty against empty is 1, and HM-IoU repeats both sides
to their least common multiple, unless a note says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from atfm.metrics.ged import consistent

__all__ = ["PublishedRow", "PublishedTable", "published_tables"]

ROUNDING = 0.0005  # of a score printed with three digits


@dataclass(frozen=True)
class PublishedRow:
    """One row of a paper's table: scores under the names of this package (`ged_16`, `hm_iou_32`, `mdm_32`, ...)."""

    method: str
    scores: Mapping[str, float]
    source: str
    note: str = ""

    @property
    def impossible(self) -> bool:
        """Whether GED_32 - GED_100 is larger than any one model can show: the two are not of one run."""
        if not {"ged_32", "ged_100"} <= self.scores.keys():
            return False
        return not consistent(self.scores["ged_32"], self.scores["ged_100"], rounding=ROUNDING)


@dataclass(frozen=True)
class PublishedTable:
    """The published rows of one data set and protocol.

    Args:
        name: what the literature or this project calls the set.
        word: a store whose name or source holds this word is of the same family.
        slices: how many slices the set has.
        protocol: where the set comes from and how it is split.
        rows: the scores.
        cautions: what a reader has to know before comparing, one sentence each.
    """

    name: str
    word: str
    slices: int
    protocol: str
    rows: tuple[PublishedRow, ...]
    cautions: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> list[str]:
        """The names of the scores that any row holds, in the order of first appearance of a fixed list."""
        order = ("ged_16", "ged_32", "ged_50", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32")
        return [name for name in order if any(name in row.scores for row in self.rows)]


def published_tables(name: str, source: str = "") -> tuple[PublishedTable, ...]:
    """The published tables whose set is of the same family as a store.

    Args:
        name: the name of the store.
        source: where its data came from.

    Returns:
        None, one or several tables; belonging to the family does not make rows comparable, the protocols say when.
    """
    text = f"{name} {source}".lower()
    return tuple(table for table in (LIDC_V1, LIDC_V2, ISIC3) if table.word in text)


def _rows(columns: str, *entries: tuple[str, str, str, str]) -> tuple[PublishedRow, ...]:
    """Rows from lines of (method, scores in the order of `columns` with `-` for none, source, note)."""
    names = columns.split()
    return tuple(
        PublishedRow(
            method,
            {name: float(text) for name, text in zip(names, values.split(), strict=True) if text != "-"},
            source,
            note,
        )
        for method, values, source, note in entries
    )


CCDM = "CCDM (2023), table 1"
BOTH = "CCDM (2023), table 1; GED_100 and MDM: ATFM (2026), table 1"
ATFM_1 = "ATFM (2026), table 1"
ATFM_2 = "ATFM (2026), table 2"
UNKNOWN = "which paper's table is not recorded"

LIDC_V1 = PublishedTable(
    name="LIDCv1",
    word="lidc",
    slices=15_096,
    protocol="Knegt's pickle: 128x128, four masks, 875 series; split by series 64/16/20 in most codes.",
    rows=_rows(
        "ged_16 ged_32 ged_50 ged_100 hm_iou_16 hm_iou_32 mdm_32",
        ("Prob. U-Net (2018)", ".310 .303 - .252 .552 .548 .681", BOTH, ""),
        ("PHiSeg (2019)", ".262 .247 - .224 .586 .595 .704", BOTH, ""),
        ("SSN (2020)", ".259 .243 - .225 .558 .555 -", CCDM, ""),
        ("PixelSeg (2022)", ".243 - - - .614 - -", CCDM, ""),
        ("JProb. U-Net (2022)", "- .206 - - - .647 -", CCDM, ""),
        ("MoSE (2023)", ".218 - .195 .189 .624 - .767", BOTH, ""),
        ("CIMD (2023)", ".234 .218 .210 - .587 .592 .915", BOTH, "CCDM's rerun, 100 steps"),
        ("Analog Bits (2023)", ".213 .196 .193 - .614 .619 .792", BOTH, "CCDM's rerun, 250 steps"),
        ("CCDM (2023)", ".212 .194 .187 .183 .623 .631 .790", BOTH, "three seeds, 250 steps"),
        ("MedFM (2025)", ".202 - - - .610 - -", "its README", "one run, 250 steps"),
        (
            "Flow-SSN continuous (2025)",
            "- - - .181 - - -",
            "its README",
            "50 steps; HM-IoU of the best 4 of 100 left out",
        ),
        ("P2SAM (2024)", ".208 .206 - - - .627 .939", ATFM_1, "prompted by a box"),
        ("ATFM (2026)", ".206 .188 - .162 - .667 .948", ATFM_1, "five runs, 25 steps"),
        ("KANResDif (2026)", "- - - .172 - .701 .930", "second-hand", "1000 steps"),
    ),
    cautions=(
        "The last column holds what these tables call D_max or MDM; papers differ in what they mean by it.",
        "The released code of ATFM tests on slices that it trained on, and its own GED_16 and GED_32 extrapolate to a "
        "GED_100 of .176, not to the .162 that it prints.",
    ),
)

LIDC_V2 = PublishedTable(
    name="LIDCv2",
    word="lidc",
    slices=12_816,
    protocol="DeepMind's HPU-Net crops: 180x180, official split by patient 8,843 / 1,993 / 1,980.",
    rows=_rows(
        "ged_16 ged_50 ged_100 hm_iou_16",
        ("Prob. U-Net", ".320 - .252 .500", UNKNOWN, ""),
        ("HPU-Net", ".270 - - .530", UNKNOWN, ""),
        ("CAR", ".264 .248 .243 .592", UNKNOWN, ""),
        ("CCDM", ".239 .216 .210 .598", UNKNOWN, ""),
    ),
)

ISIC3 = PublishedTable(
    name="ISIC3",
    word="isic",
    slices=300,
    protocol="Subset of 300 skin images with three annotators.",
    rows=_rows(
        "ged_16 ged_32 ged_100 hm_iou_32 mdm_32",
        ("Prob. U-Net", ".202 .187 .171 .697 .927", ATFM_2, ""),
        ("SSN", ".197 .181 .167 .700 .939", ATFM_2, ""),
        ("c-Prob. U-Net", ".208 .202 .179 .719 .925", ATFM_2, ""),
        ("c-SSN", ".200 .195 .177 .725 .931", ATFM_2, ""),
        ("ATFM", ".183 .152 .147 .732 .942", ATFM_2, ""),
    ),
)
