"""`draw`: an image file and a model in; masks, hypotheses, maps and an overlay sheet out."""

from atfm.draw.draw import FORMATS, Format, draw
from atfm.draw.slices import Slices, parse_slices
from atfm.draw.source import title

__all__ = ["FORMATS", "Format", "Slices", "draw", "parse_slices", "title"]
