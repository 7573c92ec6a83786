from collections.abc import Callable

import numpy as np
import pytest

Draw = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Random masks `[n, C, *size]`, about a quarter of them empty."""

    def masks(seed: int, n: int, channels: int = 1, size: tuple[int, ...] = (5, 4)) -> np.ndarray:
        rng = np.random.default_rng(seed)
        on = rng.random((n, channels, *size)) < rng.uniform(0.2, 0.9, (n, channels, *[1] * len(size)))
        return on & (rng.random((n, channels, *[1] * len(size))) > 0.25)

    return masks
