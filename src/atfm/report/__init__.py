"""The page of an evaluation, its charts and pictures, and the published scores to read it by."""

from atfm.report.figures import Curve, diversity_chart, empty_mask_chart, reliability_chart, score_chart
from atfm.report.page import Chart, Report, render
from atfm.report.panels import Illustration
from atfm.report.published import PublishedRow, PublishedTable, published_tables
from atfm.report.sheet import Tile, contact_sheet, outlines
from atfm.report.tables import ScoreRow

__all__ = [
    "Chart",
    "Curve",
    "Illustration",
    "PublishedRow",
    "PublishedTable",
    "Report",
    "ScoreRow",
    "Tile",
    "contact_sheet",
    "diversity_chart",
    "empty_mask_chart",
    "outlines",
    "published_tables",
    "reliability_chart",
    "render",
    "score_chart",
]
