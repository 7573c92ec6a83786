from collections.abc import Callable

import numpy as np
import pytest

Draw = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Random masks `[n, C, *size]`, about a quarter of them empty; several channels are one-hot, background first."""

    def masks(seed: int, n: int, channels: int = 1, size: tuple[int, ...] = (5, 4)) -> np.ndarray:
        rng = np.random.default_rng(seed)
        on = rng.random((n, channels, *size)) < rng.uniform(0.2, 0.9, (n, channels, *[1] * len(size)))
        on &= rng.random((n, channels, *[1] * len(size))) > 0.25
        if channels == 1:
            return on
        label = np.where(on[:, 1:].any(1), on[:, 1:].argmax(1) + 1, 0)  # [n, *size]
        return label[:, None] == np.arange(channels).reshape(1, -1, *[1] * len(size))

    return masks
