"""The straight path and its conversions."""

import torch

from atfm.flow.path import endpoint_to_velocity, sample_path, velocity_to_endpoint


def test_ends_and_velocity() -> None:
    x_0, x_1 = torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2)
    path = sample_path(x_0, x_1, torch.tensor([0.0, 1.0, 0.25]))
    torch.testing.assert_close(path.x_t[0], x_0[0])
    torch.testing.assert_close(path.x_t[1], x_1[1])
    torch.testing.assert_close(path.x_t[2], 0.75 * x_0[2] + 0.25 * x_1[2])
    torch.testing.assert_close(path.dx_t, x_1 - x_0)


def test_the_true_velocity_sees_the_true_end_from_everywhere() -> None:
    path = sample_path(torch.rand(4, 1, 2, 2), torch.rand(4, 1, 2, 2), torch.tensor([0.0, 0.3, 0.9, 0.99]))
    torch.testing.assert_close(velocity_to_endpoint(path.dx_t, path.x_t, path.t), path.x_1)
    torch.testing.assert_close(endpoint_to_velocity(path.x_1, path.x_t, path.t), path.dx_t, atol=1e-4, rtol=1e-4)


def test_the_singular_end_stays_finite() -> None:
    assert torch.isfinite(endpoint_to_velocity(torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), torch.ones(1))).all()
