"""`Method`, the two verbs that every method of the field has here: `loss` to train it, `sample` to draw from it."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.errors import ConfigError, InputError
from atfm.methods.samples import Drawn, Samples
from atfm.methods.sliding import Tiling
from atfm.seeding import Draw, Noise

__all__ = ["Frame", "Method", "Stage"]

_NUMBERS = 2**26  # of noise that is drawn on the device at a time, 256 MB: a sample of hundreds of steps takes many


@dataclass(frozen=True)
class Frame:
    """What a method looks at and what it draws.

    Args:
        in_channels: channels of the image, `C_in`.
        channels: channels of the mask, `C`; 1 is binary.
        size: the spatial size of the images that it is made for.
        window: it looks at, and segments, the central window of this size; None: the whole image.
        slides: images of other sizes are sampled by sliding windows, `size` being a tile.

    Raises:
        ConfigError: sizes and numbers that no image has, or a window larger than the image.
    """

    in_channels: int
    channels: int
    size: tuple[int, ...]
    window: tuple[int, ...] = ()
    slides: bool = False

    def __post_init__(self) -> None:
        if len(self.size) not in (2, 3) or any(type(side) is not int or side < 1 for side in self.size):
            raise ConfigError(f"size: expected two or three whole numbers of at least 1, got {list(self.size)!s:.80}")
        for name in ("in_channels", "channels"):
            number = getattr(self, name)
            if type(number) is not int or not 1 <= number < 2**16:
                raise ConfigError(f"{name}: expected a whole number of at least 1, got {number!s:.80}")
        window = tuple(self.window) or self.size
        if len(window) != len(self.size) or any(a > b or a < 1 for a, b in zip(window, self.size, strict=True)):
            raise ConfigError(
                f"field 'window': expected at most the image's size {list(self.size)}, got {list(window)}"
            )
        object.__setattr__(self, "window", window)

    @property
    def dims(self) -> int:
        """Spatial dimensions, 2 or 3."""
        return len(self.size)


@dataclass(frozen=True)
class Stage:
    """One stretch of a training.

    Args:
        name: its name in configurations, logs and checkpoints.
        method: what can be sampled when it is done.
        trained: the weights that it changes.
        loss: what it minimises, see `Method.loss`.
    """

    name: str
    method: "Method"
    trained: nn.Module
    loss: Callable[[Batch], dict[str, Tensor]]


class Method(nn.Module):
    """A method of the field. A subclass defines `loss`, `needs` and `forward`; the rest follows.

    Args:
        frame: what it looks at and what it draws.
        stride: pixels from one position of its coarsest level to the next, of a method that slides; else None.
    """

    # In how many steps a subclass integrates when sampling, where it does; its networks do not depend on them.
    steps: int | None = None
    most: int | None = None  # steps, where there is a limit
    # By how much a subclass scales the noise of a normal that it draws from, where it does.
    temperature: float | None = None

    def __init__(self, frame: Frame, stride: int | None = None) -> None:
        super().__init__()
        self.frame = frame
        self.stride = stride if frame.slides else None
        self.in_channels, self.channels = frame.in_channels, frame.channels
        self.size, self.window = frame.size, frame.window

    # What a subclass defines.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Return named scalars whose sum is minimised; randomness is torch's own, which the training seeds."""
        raise TypeError(f"{type(self).__name__} does not define loss")

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        """Return the noise that one sample of this spatial size takes, by name."""
        raise TypeError(f"{type(self).__name__} does not define needs")

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        """Return what samples are thresholded from: a pure function of tensors, which can be exported.

        Args:
            image: the window, `[B, C_in, *window]` in [0, 1].
            noise: `[B, S, *shape]` for each name in `needs(window)`.
        """
        raise TypeError(f"{type(self).__name__} does not define forward")

    def stages(self) -> list[Stage]:
        """Return what is trained one after the other; each is frozen when it is done."""
        return [Stage(type(self).__name__.lower(), self, self, self.loss)]

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        """Draw from an image that tiles cover, `[B, n, C, *padded]`; of methods that slide alone."""
        raise TypeError(f"{type(self).__name__} does not slide")

    # What follows.

    def with_steps(self, steps: int) -> Self:
        """Return the same method, weights shared, that integrates in so many steps.

        Raises:
            ConfigError: a method without steps, fewer than one step, or more than it can make.
        """
        if self.steps is None:
            raise ConfigError("steps: this model has no flow to integrate; leave the steps out")
        if steps < 1:
            raise ConfigError(f"steps: expected at least 1, got {steps}")
        if self.most is not None and steps > self.most:
            raise ConfigError(f"steps: expected at most {self.most}, the levels of noise of this model, got {steps}")
        other = copy.copy(self)  # a module of its own that shares all weights
        other.steps = steps
        return other

    def with_temperature(self, temperature: float) -> Self:
        """Return the same method, weights shared, whose samples are drawn further apart, or nearer below 1.

        Raises:
            ConfigError: a method without a temperature, or one that is not above 0.
        """
        if self.temperature is None:
            raise ConfigError("temperature: this model draws from no normal that could be scaled; leave it out")
        if not 0 < temperature < float("inf"):
            raise ConfigError(f"temperature: expected a number above 0, got {temperature:g}")
        other = copy.copy(self)  # a module of its own that shares all weights
        other.temperature = temperature
        return other

    @torch.no_grad()
    def sample(self, image: Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        """Draw `n` masks of each image.

        Args:
            image: `[B, C_in, *spatial]` float32 in [0, 1].
            n: number of samples, at least 1.
            noise: keys for the images; the noise of a sample depends on (seed, case, sample) alone.
            first: number of the first sample: 100 draws samples 100 to `100 + n - 1`.

        Raises:
            InputError: an image of another size or number of channels, or with NaN; fewer than one sample; a
                probability that is not finite.
        """
        self.check(image)
        if n < 1:
            raise InputError(f"n: expected at least 1 sample, got {n}")
        if len(noise) != len(image):
            raise InputError(f"noise: expected one key for each of {len(image)} images, got {len(noise)}")
        tiling = self.tiling(image.shape[2:])
        if tiling is not None:
            slid = self.slide(tiling, image, n, noise, first)
            return self.samples(slid._replace(probabilities=tiling.crop(slid.probabilities)))
        window, needs = self.focus(image), self.needs(self.window)
        drawn = [
            self(window, noise.draw(needs, count, image.device, first=first + begin))
            for begin, count in _portions(needs, n, len(image))
        ]
        return self.samples(_joined(drawn, n))

    def accepts(self, size: Sequence[int]) -> bool:
        """Whether an image of this spatial size can be sampled: by sliding, from a quarter of a tile on."""
        if self.stride is None:
            return tuple(size) == self.size
        return len(size) == len(self.size) and all(4 * n >= tile for n, tile in zip(size, self.size, strict=True))

    def tiling(self, size: Sequence[int], chunk: int = 16) -> Tiling | None:
        """How an image of this spatial size is covered, `chunk` tiles at a time; None where it is looked at whole."""
        if self.stride is None or tuple(size) == self.size:
            return None
        return Tiling(size, self.size, stride=self.stride, chunk=chunk)

    def check(self, image: Tensor) -> None:
        """Raise an `InputError` for an image that this method cannot use."""
        least = self.size if self.stride is None else [f"{-(-tile // 4)} or more" for tile in self.size]
        wanted = f"[B, {self.in_channels}, {', '.join(map(str, least))}]"
        axes = 2 + len(self.size)
        if image.dim() != axes or image.shape[1] != self.in_channels or not self.accepts(image.shape[2:]):
            raise InputError(f"image: expected {wanted}, got {list(image.shape)}; crop, resize or convert it")
        if not bool(torch.isfinite(image).all()):
            raise InputError("image: holds NaN or infinity; replace these values first")

    def focus(self, x: Tensor) -> Tensor:
        """Return the central window of `x [..., *spatial]`."""
        for axis, width in enumerate(self.window, start=x.dim() - len(self.window)):
            x = x.narrow(axis, (x.shape[axis] - width) // 2, width)
        return x

    def unfocus(self, x: Tensor) -> Tensor:
        """Put a window `x [B, S, C, *window]` back into its place; what slid over the image is in place already.

        Around it nothing is segmented: zeros, and of several classes the background, class 0.
        """
        if self.stride is not None:
            return x
        padding: list[int] = []
        for size, width in zip(reversed(self.size), reversed(self.window), strict=True):
            before = (size - width) // 2
            padding += [before, size - width - before]
        if not any(padding):
            return x
        whole = F.pad(x, padding)
        if self.channels > 1:
            whole[:, :, 0] = F.pad(x[:, :, 0], padding, value=1)
        return whole

    def samples(self, drawn: Drawn) -> Samples:
        """Threshold probabilities at 0.5 (argmax for classes) and put them into place.

        Raises:
            InputError: a probability that is not finite; a mask of it would be empty without a word.
        """
        probabilities = drawn.probabilities
        if not bool(torch.isfinite(probabilities).all()):
            raise InputError(
                "probabilities: the model gives values that are not finite; its weights are damaged or diverged, "
                "use others"
            )
        if self.channels == 1:
            masks = probabilities > 0.5
        else:
            best = probabilities.argmax(2, keepdim=True)
            masks = torch.zeros_like(probabilities, dtype=torch.bool).scatter_(2, best, True)
        return Samples(self.unfocus(masks), self.unfocus(probabilities), drawn.weights, drawn.empty)


def _portions(needs: Mapping[str, Draw], n: int, images: int) -> list[tuple[int, int]]:
    """How `n` samples are drawn, as `(first, count)`: together, unless noise for hundreds of steps would not fit."""
    numbers = images * sum(math.prod(draw.shape) for draw in needs.values() if draw.on_device)
    count = max(1, _NUMBERS // numbers) if numbers else n
    return [(first, min(count, n - first)) for first in range(0, n, count)]


def _joined(drawn: Sequence[Drawn], n: int) -> Drawn:
    """Put samples that were drawn one portion after the other together; each portion's weights sum to 1."""
    if len(drawn) == 1:
        return drawn[0]
    weights = [part.weights * part.probabilities.shape[1] / n for part in drawn if part.weights is not None]
    probabilities = torch.cat([part.probabilities for part in drawn], 1)
    return Drawn(probabilities, torch.cat(weights, 1) if weights else None, drawn[0].empty)
