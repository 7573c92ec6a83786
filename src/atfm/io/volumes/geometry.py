"""`Geometry`: where the voxels of a volume lie in the patient, and whether two volumes lie in one place.

A tilted volume has the orientation (`atfm.io.volumes.turn`) that is nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.io.volumes.turn import Turn

__all__ = ["Geometry", "apart", "check_same_place", "onto", "same_place", "sound"]

NEAR = 0.1  # of the smallest side of a voxel: what rounding in a header moves, and no observer sees
FLATTEST = 1e-9  # a matrix whose axes span less than this, of a cube with their lengths, has no volume


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the voxels of a volume lie.

    Args:
        affine: `[4, 4]` from `(column, row, slice, 1)` to RAS millimetres: to the right, the front and the head.
        shape: `(D, H, W)`; of a flat picture `D` is 1.

    Raises:
        InputError: a matrix that is not finite, or has no volume.
    """

    affine: np.ndarray
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not sound(self.affine):
            raise InputError(f"affine: expected a matrix that spans a volume, got {np.round(self.affine, 6).tolist()}")

    @classmethod
    def of(cls, affine: np.ndarray | None, size: Sequence[int]) -> "Geometry | None":
        """The geometry of an array of that spatial size, 2-D or 3-D; None where nobody said where it lies."""
        deep = (1,) * (3 - len(size)) + tuple(size)
        return None if affine is None or len(deep) != 3 else cls(affine, (deep[0], deep[1], deep[2]))

    @property
    def orientation(self) -> str:
        """Three letters: where columns, rows and slices count up to."""
        from nibabel.orientations import aff2axcodes

        return "".join(aff2axcodes(self.affine))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """`(dz, dy, dx)` in millimetres."""
        dx, dy, dz = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return dz, dy, dx

    @property
    def tilt(self) -> float:
        """The largest angle in degrees between an axis of the voxels and the axis of the body that it counts along."""
        from nibabel.orientations import io_orientation

        towards = io_orientation(self.affine)
        units = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        near = [abs(units[int(body), axis]) for axis, (body, _) in enumerate(towards)]
        return float(np.degrees(np.arccos(min(1.0, min(near)))))

    @property
    def corners(self) -> np.ndarray:
        """The centres of the eight outermost voxels in RAS millimetres, `[8, 3]`, columns running fastest."""
        ends = [(0, length - 1) for length in self.shape]
        voxels = np.array([(x, y, z, 1) for z in ends[0] for y in ends[1] for x in ends[2]], float)
        return np.asarray((voxels @ self.affine.T)[:, :3])

    def turned(self, by: Turn) -> "Geometry":
        """The geometry of the turned array: the same voxels in the same places."""
        affine = np.eye(4)
        at = self.affine[:, 3].copy()
        for axis, (source, flip) in enumerate(zip(by.axes, by.flips, strict=True)):
            step = self.affine[:, 2 - source]
            affine[:, 2 - axis] = -step if flip else step
            at += (self.shape[source] - 1) * step if flip else 0
        affine[:, 3] = at
        shape = tuple(self.shape[axis] for axis in by.axes)
        return Geometry(affine, (shape[0], shape[1], shape[2]))

    def __str__(self) -> str:
        size = " x ".join(map(str, reversed(self.shape)))
        sides = " x ".join(f"{mm:.4g}" for mm in reversed(self.spacing))
        x, y, z = self.affine[:3, 3]
        return f"{self.orientation}, {size} voxels of {sides} mm from ({x:.4g}, {y:.4g}, {z:.4g}) RAS"


def sound(affine: np.ndarray) -> bool:
    """Whether a matrix is finite and its three axes span a volume."""
    axes = np.asarray(affine, float)[:3, :3]
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(axes, axis=0)
    if not (lengths > 0).all() or not np.isfinite(lengths).all():
        return False
    return bool(abs(np.linalg.det(axes / lengths)) > FLATTEST)


def onto(source: Geometry, target: Geometry) -> Turn:
    """How an array that lies as `source` is turned so that its axes run as those of `target`, also where both tilt."""
    from nibabel.orientations import io_orientation

    found = io_orientation(np.linalg.solve(target.affine, source.affine))  # of each axis x, y, z: which, and which way
    axes, flips = [0, 0, 0], [False, False, False]
    for axis, (to, way) in enumerate(found):
        axes[2 - int(to)], flips[2 - int(to)] = 2 - axis, way < 0
    return Turn((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))


def apart(one: Geometry, other: Geometry) -> float:
    """How far, in millimetres, the outermost voxels of two volumes lie from each other when both run the same way.

    Infinite where they have not the same number of voxels along some axis.
    """
    turned = other.turned(onto(other, one))
    if turned.shape != one.shape:
        return float("inf")
    return float(np.linalg.norm(turned.corners - one.corners, axis=1).max())


def same_place(one: Geometry, other: Geometry, tolerance: float | None = None) -> bool:
    """Whether two volumes hold the same voxels, in whatever order.

    Args:
        one: where the first lies.
        other: where the second lies.
        tolerance: in millimetres; None: a tenth of the smallest side of a voxel.
    """
    return apart(one, other) <= (NEAR * min(one.spacing) if tolerance is None else tolerance)


def check_same_place(one: Geometry, other: Geometry, name: object, beside: object) -> Turn:
    """Return the turn that brings `other` to the axes of `one`.

    Raises:
        InputError: they do not lie in the same place; both are told.
    """
    if not same_place(one, other):
        far = apart(one, other)
        why = f"{far:.3g} mm apart" if np.isfinite(far) else "of another size"
        raise InputError(
            f"{name}: does not lie where {beside} does, {why}: it is {other}, the image is {one}; give it on the "
            "voxels of the image"
        )
    return onto(other, one)
