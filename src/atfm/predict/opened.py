"""A file read once and held in memory, to be fitted to any number of models, slices and points.

opened = open_image(Path("ct.nii.gz"))
fit(model, opened, at=(316, 366, 40))        # what prepare_file(model, Path("ct.nii.gz"), at=[...]) gives, bit for bit
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from atfm.errors import InputError
from atfm.predict.fitting import Fitting, Point, Window, words
from atfm.predict.prepare import as_channels
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.slices import Slices
from atfm.predict.source import Source, read_source, title
from atfm.predict.turning import turned_to

__all__ = ["Opened", "open_image", "prepare_opened"]


@dataclass(frozen=True)
class Opened:
    """An image in memory.

    Args:
        source: what the file holds, flat or a volume as it says itself.
        deep: of a flat image the same as a volume, where its format can say so; None of pictures.
        name: as an error calls it.
        key: the noise belongs to it, and to the point where there is one.
    """

    source: Source
    deep: Source | None
    name: str
    key: str

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels in memory."""
        deep = 0 if self.deep is None or self.deep is self.source else self.deep.picture.pixels.nbytes
        return self.source.picture.pixels.nbytes + deep


def open_image(path: Path, *, series: str | None = None, name: str | None = None, key: str | None = None) -> Opened:
    """Read a file, or a folder with a DICOM series.

    Args:
        path: see `read_source`; nothing but its DICOM files is needed later, and those only to write DICOM.
        series: UID of a DICOM series.
        name: as an error calls it; None: its path.
        key: the noise belongs to it; None: the name of the file.

    Raises:
        InputError: an image that cannot be read.
    """
    source = read_source(path, spatial_dims=None, series=series)
    deep: Source | None = source
    if source.picture.pixels.ndim == 3:
        deep = None
        if source.picture.meta.get("format") != "raster":  # a single slice is a volume of one, channels may be slices
            with suppress(InputError):
                deep = read_source(path, spatial_dims=3)
    return Opened(source, deep, str(path) if name is None else name, title(path) if key is None else key)


def prepare_opened(
    model: Trained,
    opened: Opened,
    *,
    key: str | None = None,
    slices: Slices | None = None,
    at: Point | None = None,
    window: Window | None = None,
) -> Prepared:
    """Fit an image in memory to a model, as `prepare_file` does with its file.

    Args:
        model: what it is for.
        opened: the image; it is not changed.
        key: in place of the image's own.
        slices: of a volume, for a 2-D model, as the file counts them along the axis of the model's.
        at: a point in voxels of the file, columns first, round which the model's field is cut out.
        window: the values that become 0 and 1, in place of the model's own rule.

    Raises:
        InputError: an image that does not fit the model; one line says why and what would.
    """
    if slices is not None and at is not None:
        raise InputError(f"{opened.name}: a point chooses the slice itself; leave the slices out")
    source = turned_to(model, _chosen(model, opened, slices, at))
    made = Fitting(model, source, opened.name, window)
    prepared = made.whole(slices) if at is None else made.round(at)
    own = opened.key if prepared.at is None else f"{opened.key} at {words(prepared.at)}"
    return replace(prepared, key=key or own)


def _chosen(model: Trained, opened: Opened, slices: Slices | None, at: Point | None) -> Source:
    """The image as flat or as a volume, by what is asked of it."""
    method, raster = model.method, opened.source.picture.meta.get("format") == "raster"
    deep = at is not None and len(at) == 3 and not raster  # a flat picture has no slice but 0
    if not (len(method.size) == 3 or slices is not None or deep):
        return as_channels(opened.source, method.in_channels)
    if opened.deep is None:
        why = f"{model.name} takes volumes" if len(method.size) == 3 else "slices are those of a volume; leave them out"
        raise InputError(f"{opened.name}: a flat image, and {why}")
    return opened.deep
