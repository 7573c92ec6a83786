"""`Limits`: how much one caller may ask for, and how much is kept for all of them."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What is refused, waited for and kept.

    Args:
        upload: bytes of an image, packed as it comes.
        unpacked: bytes that a packed image may become.
        values: pixels times channels of an image, all slices together; 512 x 512 x 512 are just taken.
        members: files in a zipped series.
        arriving: bytes of all images that are just being sent or read.
        receive: seconds in which an image has to arrive.
        read: seconds in which it has to be read, or a file of a result written.
        draw: seconds that one drawing may take.
        samples: masks of one drawing.
        answer: bytes of packed masks in one answer.
        waiting: callers that wait while one is served; the next one is sent away.
        open: requests at a time, of any kind.
        keep: seconds for which an image and its samples are kept after their last use.
        held: bytes of images and samples that are kept; the longest unused go first.
    """

    upload: int = 2**29
    unpacked: int = 2**31
    values: int = 2**27
    members: int = 4096
    arriving: int = 2**30
    receive: float = 300.0
    read: float = 120.0
    draw: float = 600.0
    samples: int = 1024
    answer: int = 2**27
    waiting: int = 16
    open: int = 256
    keep: float = 1800.0
    held: int = 2**31
