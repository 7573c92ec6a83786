"""From images to predictions: arrays in, a `Prediction` out for each; or a file in, and files out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from atfm.disk.links import refuse_link
from atfm.errors import InputError
from atfm.metrics.masks import Array
from atfm.predict.arrays import is_batch
from atfm.predict.fitting import Point, Window
from atfm.predict.prediction import UNKNOWN, Origin, Prediction, gather
from atfm.predict.prepare import prepare_array, prepare_file
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.sampling import check_counts, stream
from atfm.predict.slices import Slices
from atfm.predict.write import Form, Format, folder_of, holding, write_held

__all__ = ["sample", "sample_file", "sample_prepared"]

Progress = Callable[[int, int], object]


def sample(
    model: Trained,
    image: Array | Sequence[Array] | Prepared,
    n: int = 16,
    *,
    seed: int = 0,
    steps: int | None = None,
    key: str | None = None,
    at: Point | None = None,
    spacing: Sequence[float] | None = None,
    window: Window | None = None,
    chunk: int | None = None,
    progress: Progress = lambda done, of: None,
) -> Prediction | list[Prediction]:
    """Draw `n` masks of an image, or of each image of a batch.

    Each image of a batch is drawn as if it were alone, so that nothing depends on the others.

    Args:
        model: a loaded model; it is not changed.
        image: `[H, W]`, `[C, H, W]` or `[H, W, C]` (with `D` before `H` for a model of volumes), numpy or torch, of any
            type of number; a batch `[B, C, H, W]`, or a list of images; or what `prepare_array` gave.
        n: number of samples, at least 1.
        seed: of the noise.
        steps: of the solver, in place of the model's own.
        key: the noise belongs to it; None: `image-0`, of a batch `image-0`, `image-1` and so on.
        at: the pixel `(x, y)` or `(x, y, z)` round which the model's field is cut out; see `prepare_array`.
        spacing: millimetres along each spatial axis; None where they are not known.
        window: the values that become 0 and 1, in place of the model's own rule.
        chunk: samples at a time; None: as many as fit.
        progress: called with (done, n) after each chunk; what it raises ends the drawing.

    Returns:
        A `Prediction`; of a batch a list of them.

    Raises:
        InputError: an image that does not fit the model, or a number below 1.
        ConfigError: `steps` for a method without a solver.
    """

    def one(image: Array | Prepared, key: str) -> Prediction:
        if isinstance(image, Prepared):
            prepared = image
        else:
            prepared = prepare_array(model, image, key=key, at=at, spacing=spacing, window=window)
        return sample_prepared(model, prepared, n, seed=seed, steps=steps, chunk=chunk, progress=progress)

    volume = at is not None and len(at) == 3
    if isinstance(image, Prepared) or not is_batch(image, 3 if volume else len(model.method.size)):
        return one(image, key or "image-0")  # type: ignore[arg-type]
    if key is not None:
        raise InputError(f"key: expected none for a batch, got {key!r}; give the images one by one to name them")
    if len(image) == 0:
        raise InputError("image: expected at least one image in the batch, got none")
    return [one(single, f"image-{number}") for number, single in enumerate(image)]


def sample_prepared(
    model: Trained,
    prepared: Prepared,
    n: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    chunk: int | None = None,
    progress: Progress = lambda done, of: None,
) -> Prediction:
    """Draw `n` masks of an image that is prepared; see `sample`."""
    chunks = stream(model, prepared, n, seed=seed, steps=steps, chunk=chunk)
    return gather(prepared, chunks, _origin(model, seed, steps), progress)


def _origin(model: Trained, seed: int, steps: int | None) -> Origin:
    return Origin(model.name, str(model.card.get("sha256", UNKNOWN)), int(seed), steps and int(steps))


def sample_file(
    model: Trained,
    path: Path,
    out: Path,
    n: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    key: str | None = None,
    form: Format | None = None,
    fractional: bool = False,
    separate: bool = False,
    overwrite: bool = False,
    slices: Slices | None = None,
    series: str | None = None,
    at: Sequence[Point] = (),
    at_mm: Sequence[Point] = (),
    window: Window | None = None,
    progress: Progress = lambda done, of: None,
) -> Iterator[dict[str, Any]]:
    """Draw `n` masks of the image in `path`, or of the field round each point in it, and write them into `out`.

    Args:
        model: a loaded model; it is not changed.
        path: PNG, JPEG, TIFF, NPY, NIfTI, DICOM, or a folder with a DICOM series.
        out: folder of this image; of points each has a folder in it, `at-X-Y-Z`.
        n: number of samples, at least 1.
        seed: of the noise.
        steps: of the solver, in place of the model's own.
        key: as for `prepare_file`.
        form: as for `write`.
        fractional: as for `write`.
        separate: as for `write`.
        overwrite: as for `write`.
        slices: as for `prepare_file`.
        series: as for `prepare_file`.
        at: as for `prepare_file`.
        at_mm: as for `prepare_file`.
        window: as for `prepare_file`.
        progress: as for `sample`.

    What lies in a folder already, made by the same and whole, is not drawn again, so that a command that was stopped
    goes on.

    Yields:
        Of each point, or of the image, what `write` returns and its folder, `out`.

    Raises:
        InputError: an image that does not fit the model or the format, a number below 1, or another result in the
            folder.
        ConfigError: `steps` for a method without a solver.
        BusyError: another process is writing there.
        DiskError: a file that could not be written, or a link in its place.
    """
    check_counts(n=n, steps=steps)
    found = prepare_file(model, path, key=key, slices=slices, series=series, at=at, at_mm=at_mm, window=window)
    refuse_link(out)
    folders = [out / folder_of(prepared) for prepared in found]
    given, origin = Form(form, fractional, separate), _origin(model, seed, steps)
    with ExitStack() as stack:  # all of them, so that what would be refused is refused before anything is drawn
        places = [
            stack.enter_context(holding(prepared, origin, n, folder, given, overwrite=overwrite))
            for prepared, folder in zip(found, folders, strict=True)
        ]
        for prepared, folder, (fitting, there) in zip(found, folders, places, strict=True):
            if there is None:
                prediction = sample_prepared(model, prepared, n, seed=seed, steps=steps, progress=progress)
                there = write_held(prediction, folder, fitting, overwrite=overwrite)
            yield there | {"out": str(folder)}
