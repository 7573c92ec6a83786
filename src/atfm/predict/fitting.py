"""Fitting an image to a model: its slices or its field, its intensities, its channels; what is unlike the training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from atfm.data.geometry.grid import Grid
from atfm.data.geometry.rule import Fit, fit_of
from atfm.data.intensity import Intensity, Mapped, intensity_of
from atfm.data.ood.training_images import TrainingImages, out_of_distribution, training_images_of
from atfm.errors import InputError
from atfm.io.images import Picture
from atfm.predict.place import Field, Place
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.slices import Slices, chosen_slices
from atfm.predict.source import Source

__all__ = ["Fitting", "Point", "Window", "words"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Window = tuple[float, float]
Point = Sequence[float]


@dataclass(frozen=True)
class Fitting:
    """Fits parts of one image to a model.

    Args:
        model: what they are for.
        source: the image as its file has it.
        name: of the image, as an error calls it.
        window: in place of the model's own rule.
    """

    model: Trained
    source: Source
    name: str
    window: Window | None

    def whole(self, slices: Slices | None) -> Prepared:
        """The image as it is, or slices of it."""
        seen, dims, turn = self.source.seen, len(self.model.method.size), self.source.turn
        pixels = seen.pixels
        size = pixels.shape[1:]
        index = [np.arange(length) for length in size]
        by_slice = dims == 2 and len(size) == 3
        if by_slice:
            chosen = np.array(chosen_slices(slices, size[0], self.name))  # as the file counts them
            index[0] = (size[0] - 1 - chosen)[::-1] if turn.flips[0] else chosen
            pixels = pixels[:, index[0]]
        elif slices is not None:
            raise InputError(
                f"{self.name}: {self.model.name} takes a volume as a whole; leave --slice and --slices out"
            )
        grid = self._grid(size[-dims:])
        self._check_size(size[-dims:], grid)
        if by_slice:
            planes = [self._mapped(pixels[:, k], part=False) for k in range(pixels.shape[1])]  # [C, H, W] each
            warning = next((plane.warning for plane in planes if plane.warning), None)
            mapped = Mapped(np.stack([plane.pixels for plane in planes], 1), planes[0].how, warning)
        else:
            mapped = self._mapped(pixels, part=False)
        return self._made(mapped, self._place(index), seen.spacing, (), grid)

    def round(self, point: Point) -> Prepared:
        """The model's field round a point, `(x, y)` or `(x, y, z)`; of one that takes whole images all of its slice."""
        method, seen = self.model.method, self.source.seen
        whole, pixels, dims = self.source.picture.pixels.shape[1:], seen.pixels, len(method.size)
        at = _pixel(point, whole, self.name)
        Field(at[::-1], whole, whole)  # the pixel has to be there, as the file counts
        where, index = self.source.turn.index(at[::-1], whole), []
        if dims == 2 and len(whole) == 3:
            pixels, index = pixels[:, where[0]], [np.array([where[0]])]
        if pixels.ndim != dims + 1:
            raise InputError(f"{self.name}: expected a volume for {self.model.name}, got {_sides(whole)} pixels")
        grid = self._grid(pixels.shape[1:])
        if grid is not None and self.fit is not None and self.fit.canvas is not None and method.stride is None:
            index += [np.arange(length) for length in pixels.shape[1:]]
            told = f"{self.model.name} takes images as a whole: nothing was cut out round {words(at)}"
            mapped = self._mapped(pixels, part=False)
            return replace(self._made(mapped, self._place(index), seen.spacing[-dims:], (told,), grid), at=at)
        step = self._step() if grid is None else grid.step
        field = Field(where[-dims:], method.size, pixels.shape[1:], step, widened=grid is not None)
        mapped = self._mapped(field.cut(pixels), part=True)
        spacing = tuple(mm * by for mm, by in zip(seen.spacing[-dims:], step, strict=True))
        spacing = seen.spacing[-dims:] if self.source.spacing is None else spacing  # 1.0 says nothing
        warnings: tuple[str, ...] = ()
        if field.reaches_beyond:
            warnings = (f"the field round {words(at)} reaches beyond the image, which was reflected at its border",)
        if grid is not None:
            warnings += self._spacing_taken()
        prepared = self._made(mapped, self._place([*index, *field.box]), spacing, warnings)
        return replace(prepared, at=at, field=field, soft=grid is not None)

    @cached_property
    def fit(self) -> Fit | None:
        """How the model brings images to its pixels; None of one that takes them as they are."""
        return fit_of(self.model.card, self.model.name)

    def _grid(self, size: tuple[int, ...]) -> Grid | None:
        """The pixels that the model sees of images of this size."""
        dims = len(self.model.method.size)
        if self.fit is None or len(size) != dims:
            return None
        return self.fit.grid(size, None if self.source.spacing is None else self.source.seen.spacing[-dims:])

    def _spacing_taken(self) -> tuple[str, ...]:
        """What is said where a model of millimetres is given an image that has none."""
        if self.fit is None or self.fit.spacing is None or self.source.spacing is not None:
            return ()
        usual = " x ".join(f"{mm:.3g}" for mm in self.fit.usual or (1.0,) * self.fit.dims)
        return (f"it does not say its spacing; taken to have pixels of {usual} mm, as the training images had",)

    def _step(self) -> tuple[float, ...]:
        """Pixels of the image for each of the training, where both sizes are known: the nearest it was trained on."""
        reference, dims = self._reference(), len(self.model.method.size)
        if reference is None or reference.spacing is None or self.source.spacing is None:
            return (1.0,) * dims
        spacing = self.source.seen.spacing
        wanted = [min(max(mm, low), high) for mm, (low, high) in zip(spacing[-dims:], reference.spacing, strict=True)]
        return tuple(want / mm for want, mm in zip(wanted, spacing[-dims:], strict=True))

    def _reference(self) -> TrainingImages | None:
        return training_images_of(self.model.card, self.model.name)

    def _place(self, index: Sequence[np.ndarray]) -> Place:
        """Where the pixels lie that are covered along each axis, in the order in which the model sees them."""
        source, meta = self.source, self.source.picture.meta
        whole = source.picture.pixels.shape[1:]
        stored = source.turn.stored(index, whole)
        slices = stored[0].tolist() if source.files else []
        return Place(
            whole=whole,
            index=stored,
            spacing=source.spacing,
            affine=meta.get("affine", meta.get("base affine")),
            form=meta.get("format", "array"),
            files=tuple(source.files[k] for k in slices),
            frames=tuple(source.frames[k] for k in slices),
            turn=source.turn,
        )

    def _check_size(self, size: tuple[int, ...], grid: Grid | None) -> None:
        if not self.model.method.accepts(size if grid is None else grid.size):
            brought = "" if grid is None else f", which are {_sides(grid.size)} of its pixels"
            raise InputError(
                f"{self.name}: expected an image of {_sides(self.model.method.size)} pixels for the model "
                f"{self.model.name}, got {_sides(size)}{brought}; of a larger one give a point with --at X Y Z (in "
                "Python at=(x, y, z)), or resample it"
            )

    def _mapped(self, pixels: np.ndarray, *, part: bool) -> Mapped:
        """The file's values in [0, 1]."""
        rule = intensity_of(self.model.card, self.model.name)
        if self.window is not None:
            low, high = self.window
            if not -np.inf < low < high < np.inf:
                raise InputError(f"--window: expected a lower and a higher value, got {low:g} and {high:g}")
            rule = Intensity(kind="window", low=low, high=high)
        units = self.source.in_units or self.window is not None
        return rule.apply(pixels, self.name, display=self.source.display, units=units, part=part)

    def _made(
        self,
        mapped: Mapped,
        place: Place,
        spacing: tuple[float, ...],
        warnings: tuple[str, ...],
        grid: Grid | None = None,
    ) -> Prepared:
        """With the model's channels, on the model's pixels, and what is unlike the training."""
        pixels = _fitted(mapped.pixels, self.model.method.in_channels, self.name, self.model.name)
        grey = bool((mapped.pixels == mapped.pixels[:1]).all())  # grey that was saved as colour is grey
        meta = self.source.picture.meta | {"file_channels": 1 if grey else len(mapped.pixels)}
        image, looked_at = pixels, pixels
        if grid is not None:
            warnings += self._spacing_taken()
            image = np.clip(grid.bring(pixels), 0, 1)
            looked_at = grid.inner(image)
            if self.source.spacing is not None:
                spacing = tuple(mm * by for mm, by in zip(spacing[-len(grid.step) :], grid.step, strict=True))
        reference = self._reference()
        found = out_of_distribution(reference, Picture(looked_at, spacing, meta)) if reference else []
        said = (mapped.warning,) if mapped.warning else ()
        prepared = Prepared("", image, place, mapped.how, (*self.source.picture.warnings, *said, *warnings, *found))
        if grid is None or grid.plain:
            return prepared
        return replace(prepared, grid=grid, whole=pixels, soft=True)


def _pixel(point: Point, whole: tuple[int, ...], name: str) -> tuple[int, ...]:
    """A point as whole numbers, columns first; of a flat image without its slice, which is 0."""
    if len(point) == 3 and len(whole) == 2 and point[2] == 0:
        point = point[:2]
    if len(point) != len(whole) or any(value != int(value) for value in point if np.isfinite(value)):
        axes = "X Y" if len(whole) == 2 else "X Y Z"
        raise InputError(f"{name}: --at: expected {axes}, whole numbers of a pixel, got {words(point)}")
    return tuple(int(value) if np.isfinite(value) else -1 for value in point)


def words(numbers: Sequence[float]) -> str:
    """Numbers with spaces between them."""
    return " ".join(f"{number:g}" for number in numbers)


def _sides(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))


def _fitted(pixels: np.ndarray, in_channels: int, name: str, model: str) -> np.ndarray:
    """Grey repeated into colour, or colour weighed into grey, where the model wants it so."""
    if len(pixels) == 3 and in_channels == 1:
        pixels = np.tensordot(LUMA, pixels, 1)[None]
    elif len(pixels) == 1 and in_channels == 3:
        pixels = np.repeat(pixels, 3, 0)
    elif len(pixels) != in_channels:
        raise InputError(f"{name}: expected {in_channels} channels for {model}, got {len(pixels)}")
    return np.ascontiguousarray(pixels, np.float32)
