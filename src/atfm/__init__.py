"""Ambiguity-aware truncated flow matching: many plausible segmentations of one medical image, and their measurement."""

__version__ = "0.1.0"
