"""`Method`, the two verbs that every method of the field has here, and `Samples`, what the second returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.errors import InputError
from atfm.methods.sliding import Tiling
from atfm.seeding import Noise

__all__ = ["Method", "Samples", "Stage"]


@dataclass(frozen=True)
class Samples:
    """`S` plausible masks for each of `B` images.

    Args:
        masks: `[B, S, C, *spatial]` bool.
        probabilities: `[B, S, C, *spatial]` float32 in [0, 1]; the masks are their threshold (or argmax).
    """

    masks: Tensor
    probabilities: Tensor
    weights: Tensor | None = None
    empty: Tensor | None = None

    @property
    def mean_probability(self) -> Tensor:
        """How often a pixel belongs to the mask, `[B, C, *spatial]`: the mean over samples of the masks."""
        return self.masks.float().mean(1)

    @property
    def entropy(self) -> Tensor:
        """The ambiguity of each pixel in bits, `[B, *spatial]`: the entropy of `mean_probability`."""
        p = self.mean_probability
        terms = -torch.xlogy(p, p) if p.shape[1] > 1 else -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p)
        return terms.sum(1) / torch.log(torch.tensor(2.0))


@dataclass(frozen=True)
class Stage:
    """One stretch of a training.

    Args:
        name: its name in logs and checkpoints.
        method: what can be sampled when it is done.
        trained: the weights that it changes.
        loss: what it minimises, see `Method.loss`.
    """

    name: str
    method: "Method"
    trained: nn.Module
    loss: Callable[[Batch], dict[str, Tensor]]


class Method(nn.Module):
    """A method: `loss` to train it and `sample` to draw masks from it.

    Args:
        in_channels: channels of the image, `C_in`.
        channels: channels of the mask, `C`; 1 is binary.
        size: the spatial size it is made for.
        window: it looks at, and segments, the central window of this size; None: the whole image.
        stride: lets it slide over images of other sizes, `size` being a tile: pixels from one position of its coarsest
            level to the next; None: images of `size` alone.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        size: Sequence[int],
        window: Sequence[int] | None = None,
        stride: int | None = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.channels, self.stride = in_channels, channels, stride
        self.size = tuple(size)
        self.window = tuple(window) if window else self.size

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Return named scalars whose sum is minimised; randomness is torch's own, which the training seeds."""
        raise TypeError(f"{type(self).__name__} does not define loss")

    def sample(self, image: Tensor, n: int, *, generator: "Noise | torch.Generator") -> Samples:
        """Draw `n` masks of each image `[B, C_in, *spatial]`.

        The noise of a sample depends on (seed, case, sample) alone if `generator` is a `Noise`.

        Raises:
            InputError: an image of another size or number of channels, or with NaN.
        """
        raise TypeError(f"{type(self).__name__} does not define sample")

    def stages(self) -> list[Stage]:
        """Return what is trained one after the other; each is frozen when it is done."""
        return [Stage(type(self).__name__.lower(), self, self, self.loss)]

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
        if image.shape[1] != self.in_channels or not self.accepts(image.shape[2:]):
            raise InputError(f"image: expected {wanted}, got {list(image.shape)}; crop, resize or convert it")
        if not bool(torch.isfinite(image).all()):
            raise InputError("image: holds NaN or infinity; replace these values first")

    def focus(self, x: Tensor) -> Tensor:
        """Return the central window of `x [..., *spatial]`."""
        for axis, width in enumerate(self.window, start=x.dim() - len(self.window)):
            x = x.narrow(axis, (x.shape[axis] - width) // 2, width)
        return x

    def unfocus(self, x: Tensor) -> Tensor:
        """Put a window back into its place, with zeros around it; what slid over the image is in place already."""
        if self.stride is not None:
            return x
        padding: list[int] = []
        for size, width in zip(reversed(self.size), reversed(self.window), strict=True):
            before = (size - width) // 2
            padding += [before, size - width - before]
        return F.pad(x, padding) if any(padding) else x

    def samples(self, probabilities: Tensor) -> Samples:
        """Threshold probabilities `[B, S, C, *window]` at 0.5 (argmax for classes) and put them into place."""
        if self.channels == 1:
            masks = probabilities > 0.5
        else:
            best = probabilities.argmax(2, keepdim=True)
            masks = torch.zeros_like(probabilities, dtype=torch.bool).scatter_(2, best, True)
        return Samples(self.unfocus(masks), self.unfocus(probabilities))
