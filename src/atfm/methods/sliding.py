r"""Sliding windows: an image of any size through a network made for one, as if it had been looked at whole.

The image is covered by tiles that overlap by half. Where several cover a pixel their outputs are averaged with weights
that fall towards the edge of a tile, where a network lacks context:

    f(x) = sum_i w_i(x) f_i(x) / sum_i w_i(x),    w(x) = prod_axes exp( -(x - centre)^2 / (2 (tile / 8)^2) )

(the weights of nnU-Net, Isensee et al., 2021). What is averaged is never a drawn mask but what a mask is drawn from:
the mean, factor and standard deviation of GTR, and the velocity of the flow at each step. So one noise, drawn for the
whole image, decides all tiles together, and they agree at their seams.

GTR's noise `eps_R` is one vector for a whole tile, as in training. One vector for the whole image would couple what
lies many tiles apart, of which training never showed a pair. Hence each component is a Gaussian field over the image:

    X(x) = mu(x) + sum_r D_r(x) eps_r(x) + sqrt(L(x)) eps_N(x)
    eps_r(x) = sum_k a_k(x) z_rk,    z_rk ~ N(0, 1),    a_k(x) = g_k(x) / sqrt( sum_j g_j(x)^2 )
    g_k(x) = exp( -|p(x) - q_k|^2 / l^2 ),    l = 1 tile

(the convolution of white noise with a kernel, Higdon, 2002, on a lattice of knots `q_k` half a tile apart). The squares
of the weights sum to 1, so the variance is 1 at every pixel, and each logit has the normal that GTR gave it; their
products sum to `E eps_r(x) eps_r(y) = exp( -|p(x) - p(y)|^2 / (2 l^2) )`, with lengths in tiles: .88 over half a tile,
.14 over two, .01 over three. (More is not to be had: independent from two tiles on, a stationary field correlates at
most cos(pi / 5) = .81 over half a tile, by Fejer's inequality.) `p(x)` is the nearest point at which the centre of a
tile could lie: within half a tile of the border the field is constant, and an image as large as a tile has one vector.

Tiles begin at multiples of the networks' stride, so that every tile samples the image at the same positions.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from atfm.data.mirror import inner, mirror_pad

__all__ = ["NoiseField", "TiledField", "Tiling"]

_OVERLAP = 0.5  # share of a tile that the next one covers too
_KEPT = 2**27  # numbers that are kept of an image, or moved at a time: half a gigabyte
_FALL = 1 / 8  # standard deviation of the weights, in tiles
_LENGTH = 1.0  # of the noise's correlation, in tiles
_SPACING = 0.5  # of its knots, in tiles: close enough that the lattice cannot be told from a continuum (5e-9)
_REACH = 2.0  # how far the knots go on beyond the outermost centres, in tiles: 2e-6 of the variance lies further out


class Tiling:
    """How an image is covered.

    Args:
        size: spatial size of the image; a smaller one than the tile is grown by reflection.
        tile: spatial size of a tile.
        stride: pixels from one position of the coarsest level of the networks to the next.
        chunk: tiles that are cut out at a time.
    """

    def __init__(self, size: Sequence[int], tile: Sequence[int], *, stride: int = 1, chunk: int = 16) -> None:
        self.size, self.tile, self.chunk = tuple(size), tuple(tile), chunk
        axes = [begins(length, width, stride) for length, width in zip(size, tile, strict=True)]
        self.padded = tuple(axis[-1] + width for axis, width in zip(axes, tile, strict=True))
        self.corners = list(product(*axes))
        self.weight = weights(self.tile)

    def __len__(self) -> int:
        return len(self.corners)

    def pad(self, x: Tensor) -> Tensor:
        """Grow `x [..., *size]` to `[..., *padded]` by reflection."""
        return mirror_pad(x, self.padded)

    def crop(self, x: Tensor) -> Tensor:
        """Undo `pad`."""
        return inner(x, self.size)

    def cut(self, x: Tensor, corners: Sequence[tuple[int, ...]]) -> Tensor:
        """Cut tiles out of `x [B, C, *padded]`: `[T * B, C, *tile]`, tile by tile."""
        return torch.cat([x[self._region(corner)] for corner in corners])

    def blend(self, shape: Sequence[int], tiles: Callable[[list[tuple[int, ...]]], Tensor], like: Tensor) -> Tensor:
        """Average what a network says of the tiles.

        Args:
            shape: `[B, C]` of the result.
            tiles: gives `[T * B, C, *tile]` for `T` corners, in the order of `cut`.
            like: a tensor with the device and type of the result.

        Returns:
            `[B, C, *padded]`; of a single tile it is what the network said, bit for bit.
        """
        if len(self) == 1:
            return tiles(self.corners)
        total = like.new_empty(*shape, *self.padded)
        for rows, part in self.slabs(shape, tiles, like):
            total.narrow(len(shape), rows.start, rows.stop - rows.start).copy_(part)
        return total

    def slabs(
        self, shape: Sequence[int], tiles: Callable[[list[tuple[int, ...]]], Tensor], like: Tensor
    ) -> Iterator[tuple[slice, Tensor]]:
        """Blend a few rows of the first axis at a time, each when no further tile reaches them.

        The arguments are those of `blend`. A volume of 512^3 whose tiles have a side of 64 is never held whole.

        Yields:
            The rows, and what is said of them, `[B, C, rows, *padded[1:]]`.
        """
        if len(self) == 1:
            yield slice(0, self.padded[0]), tiles(self.corners)
            return
        axis, height, weight = len(shape), self.tile[0], self.weight.to(like)
        total = like.new_zeros(*shape, height, *self.padded[1:])
        weighed = like.new_zeros(height, *self.padded[1:])  # the sum of the weights
        begins = sorted({corner[0] for corner in self.corners})
        for begin, end in zip(begins, [*begins[1:], self.padded[0]], strict=True):
            own = [corner for corner in self.corners if corner[0] == begin]
            for corners in (own[first : first + self.chunk] for first in range(0, len(own), self.chunk)):
                for corner, part in zip(corners, tiles(corners).chunk(len(corners)), strict=True):
                    region = self._region((0, *corner[1:]))
                    total[region] += part * weight
                    weighed[region] += weight
            rows = end - begin
            yield slice(begin, end), total.narrow(axis, 0, rows) / weighed[:rows]
            _advance(total, axis, rows)
            _advance(weighed, 0, rows)

    def _region(self, corner: tuple[int, ...]) -> tuple[Any, ...]:
        """The last axes of a tile's place in the padded image."""
        return (..., *(slice(first, first + width) for first, width in zip(corner, self.tile, strict=True)))


class NoiseField:
    """The smooth noise of an image that tiles cover; see the top.

    Args:
        size: spatial size of the padded image.
        tile: spatial size of a tile.

    `knots` is the shape of the noise of one component, 1 along an axis of a single tile.
    """

    def __init__(self, size: Sequence[int], tile: Sequence[int]) -> None:
        self._weights = [knot_weights(length, width) for length, width in zip(size, tile, strict=True)]
        self.knots = tuple(weight.shape[1] for weight in self._weights)

    def components(self, noise: Tensor, rows: slice = slice(None)) -> Iterator[Tensor]:
        """Spread standard normal noise over the image, a component at a time, as they take much room.

        Args:
            noise: `z`, `[B, S, R, *knots]`.
            rows: the part of the first axis that is wanted.

        Yields:
            `eps_r`, `[B, S, *size]` (or its rows), R times: of variance 1 at every pixel.
        """
        first, *others = self._weights
        weights = [weight.to(noise) for weight in (first[rows], *others)]
        for field in noise.unbind(2):  # [B, S, *knots]
            for weight in weights:  # the first axis, of knots, becomes the last, of pixels
                field = field.movedim(-len(weights), -1) @ weight.mT
            yield field


class TiledField:
    """The velocity of a flow at a state of a whole image, blended from those of the tiles.

    Args:
        tiling: how the image is covered.
        image: `[B, C_in, *padded]`.
        read: tiles `[N, C_in, *tile]` to what the flow knows of them, `[N, ...]`.
        field: what is known of `N` tiles to their velocity, a function of `x [N S, C, *tile]` and the time.
    """

    def __init__(
        self,
        tiling: Tiling,
        image: Tensor,
        read: Callable[[Tensor], Tensor],
        field: Callable[[Tensor], Callable[[Tensor, float], Tensor]],
    ) -> None:
        self.tiling, self.image, self.read, self.field = tiling, image, read, field
        self._known: dict[tuple[int, ...], Tensor] = {}

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Return the velocity at `x [B S, C, *padded]`."""

        def velocity(corners: list[tuple[int, ...]]) -> Tensor:
            return self.field(self._context(corners))(self.tiling.cut(x, corners), t)

        return self.tiling.blend(x.shape[:2], velocity, x)

    def groups(self, x: Tensor) -> tuple[Tensor, ...]:
        """Split starts `[B, S, C, *padded]` into as many samples as are moved at a time."""
        return x.split(max(1, _KEPT // x[:, 0].numel()), 1)

    def _context(self, corners: list[tuple[int, ...]]) -> Tensor:
        """What is known of these tiles: kept while there is room, else read anew at every step."""
        if corners[0] in self._known:
            return self._known[corners[0]]
        known = self.read(self.tiling.cut(self.image, corners))
        if sum(map(Tensor.numel, self._known.values())) + known.numel() <= _KEPT:
            self._known[corners[0]] = known
        return known


def _advance(x: Tensor, axis: int, rows: int) -> None:
    """Move `x` by so many rows in place, with zeros where new ones come in."""
    kept = x.shape[axis] - rows
    x.narrow(axis, 0, kept).copy_(x.narrow(axis, rows, kept).clone())
    x.narrow(axis, kept, rows).zero_()


def begins(length: int, width: int, stride: int) -> list[int]:
    """Where the tiles of one axis begin: multiples of `stride`, evenly, the last so that the axis is covered."""
    last = math.ceil(max(length - width, 0) / stride)  # in strides
    count = math.ceil(last * stride / (width * (1 - _OVERLAP))) + 1
    return sorted({stride * round(last * number / max(count - 1, 1)) for number in range(count)})


def weights(tile: Sequence[int]) -> Tensor:
    """The weight of each pixel of a tile, `[*tile]`, about 1 in the middle.

    It is 1e-10 in the corner of a volume's tile, which float32 still divides exactly enough. A least weight, which some
    use, would make tiles equals along the border of the image, and their seams visible there.
    """
    weight = torch.ones(())
    for width in tile:
        position = (torch.arange(width) - (width - 1) / 2) / (width * _FALL)
        weight = weight.unsqueeze(-1) * torch.exp(-0.5 * position.square())
    return weight


def knot_weights(length: int, width: int) -> Tensor:
    """How much of each knot's noise the pixels of one axis have, `[length, knots]`: the squares of a row sum to 1."""
    reach = (length - width) / width  # from the first centre of a tile to the last, in tiles
    place = ((torch.arange(length) - (width - 1) / 2) / width).clamp(0, reach)
    beyond = round(_REACH / _SPACING) if reach else 0
    knots = _SPACING * torch.arange(-beyond, math.ceil(reach / _SPACING) + beyond + 1)
    bump = torch.exp(-((place.unsqueeze(1) - knots) / _LENGTH).square())
    return bump / bump.norm(dim=1, keepdim=True)
