"""Arrays or files in, a `Prediction` out: many masks of an image, what they say together, and files of every format."""

from atfm.hypotheses.hypotheses import Hypothesis, find_hypotheses
from atfm.predict.fitting import Point, Window
from atfm.predict.opened import Opened, open_image, prepare_opened
from atfm.predict.prediction import Origin, Prediction, gather
from atfm.predict.prepare import prepare_array, prepare_file
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.sample import sample, sample_file
from atfm.predict.sampling import Chunk, stream
from atfm.predict.slices import Slices, parse_slices
from atfm.predict.source import title
from atfm.predict.view import View, view_of
from atfm.predict.ways import Ways, ways_of
from atfm.predict.write import FORMATS, Format, write

__all__ = [
    "FORMATS",
    "Chunk",
    "Format",
    "Hypothesis",
    "Opened",
    "Origin",
    "Point",
    "Prediction",
    "Prepared",
    "Slices",
    "Trained",
    "View",
    "Ways",
    "Window",
    "find_hypotheses",
    "gather",
    "open_image",
    "parse_slices",
    "prepare_array",
    "prepare_file",
    "prepare_opened",
    "sample",
    "sample_file",
    "stream",
    "title",
    "view_of",
    "ways_of",
    "write",
]
