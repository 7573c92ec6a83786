"""The straight path from the truncation point (t = 0) to a mask (t = 1); time means this everywhere."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["PathSample", "endpoint_to_velocity", "sample_path", "velocity_to_endpoint"]


@dataclass(frozen=True)
class PathSample:
    """A point of the path: `x_0`, `x_1`, `x_t` and `dx_t` are `[N, C, *spatial]`, `t` is `[N]`."""

    x_0: Tensor
    x_1: Tensor
    t: Tensor
    x_t: Tensor
    dx_t: Tensor


def like(t: Tensor, x: Tensor) -> Tensor:
    """Return `t [N]` with as many axes as `x [N, ...]`."""
    return t.reshape(-1, *[1] * (x.dim() - 1))


def sample_path(x_0: Tensor, x_1: Tensor, t: Tensor) -> PathSample:
    """Return `x_t = (1 - t) x_0 + t x_1` and its velocity `dx_t = x_1 - x_0` (ATFM, Algorithm 1, line 2)."""
    weight = like(t, x_0)
    return PathSample(x_0, x_1, t, (1 - weight) * x_0 + weight * x_1, x_1 - x_0)


def velocity_to_endpoint(velocity: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """Return `x_1^t = x_t + (1 - t) g`, the mask as seen from time t (ATFM, Algorithm 1, line 3)."""
    return x_t + (1 - like(t, x_t)) * velocity


def endpoint_to_velocity(endpoint: Tensor, x_t: Tensor, t: Tensor, *, nearest: float = 1e-4) -> Tensor:
    """Return `g = (x_1^t - x_t) / (1 - t)`; it is singular at t = 1, so `1 - t` is kept above `nearest`."""
    return (endpoint - x_t) / (1 - like(t, x_t)).clamp_min(nearest)
