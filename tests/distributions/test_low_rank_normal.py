"""Against torch's own low-rank normal, dense covariances and closed forms."""

import itertools

import pytest
import torch
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, kl_divergence

from atfm.distributions import LowRankNormal


def normal(seed: int = 0, batch: tuple[int, ...] = (2,), dtype: torch.dtype = torch.float64) -> LowRankNormal:
    g = torch.Generator().manual_seed(seed)
    event, rank = (2, 3, 4), 5
    return LowRankNormal(
        torch.randn(*batch, *event, generator=g, dtype=dtype),
        torch.randn(*batch, rank, *event, generator=g, dtype=dtype),
        torch.rand(*batch, *event, generator=g, dtype=dtype) + 0.1,
    )


def flat(ours: LowRankNormal) -> LowRankMultivariateNormal:
    axis = len(ours.batch_shape)
    return LowRankMultivariateNormal(
        ours.mean.flatten(axis), ours.factor.flatten(axis + 1).mT, ours.diagonal.flatten(axis)
    )


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_densities_are_those_of_torch(batch: tuple[int, ...]) -> None:
    ours, theirs = normal(batch=batch), flat(normal(batch=batch))
    value = torch.randn(7, *batch, 2, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value.flatten(-3)))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    torch.testing.assert_close(ours.variance.flatten(len(batch)), theirs.variance)


def test_density_of_a_diagonal_normal_in_closed_form() -> None:
    ours = LowRankNormal(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1), 4.0))
    expected = torch.distributions.Normal(0.0, 2.0).log_prob(torch.tensor(1.0))
    torch.testing.assert_close(ours.log_prob(torch.ones(1, 1, 1)), expected)


def test_kl_is_that_of_dense_normals_and_zero_with_itself() -> None:
    p, q = normal(0), normal(1)
    dense = [MultivariateNormal(d.mean.flatten(1), flat(d).covariance_matrix) for d in (p, q)]
    torch.testing.assert_close(kl_divergence(p, q), kl_divergence(*dense))
    torch.testing.assert_close(kl_divergence(p, p), torch.zeros(2, dtype=torch.float64))


def test_from_noise_is_the_formula() -> None:
    ours = normal()
    low_rank, pixel = torch.randn(2, 4, 5, dtype=torch.float64), torch.randn(2, 4, 2, 3, 4, dtype=torch.float64)
    expected = torch.stack(
        [
            ours.mean[b]
            + (low_rank[b, s, :, None, None, None] * ours.factor[b]).sum(0)
            + ours.diagonal[b].sqrt() * pixel[b, s]
            for b in range(2)
            for s in range(4)
        ]
    ).unflatten(0, (2, 4))
    torch.testing.assert_close(ours.from_noise(low_rank, pixel), expected)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_from_fields_is_the_formula_pixel_by_pixel(batch: tuple[int, ...]) -> None:
    ours, options = normal(batch=batch), {"dtype": torch.float64}
    fields, pixel = torch.randn(*batch, 4, 5, 3, 4, **options), torch.randn(*batch, 4, 2, 3, 4, **options)
    drawn = ours.from_fields(fields.unbind(len(batch) + 1), pixel)
    for y, x in itertools.product(range(3), range(4)):
        expected = ours.from_noise(fields[..., y, x], pixel)[..., y, x]  # as if this pixel's noise were everywhere
        torch.testing.assert_close(drawn[..., y, x], expected)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ours.from_fields(fields.unbind(len(batch) + 1)[:4], pixel)


def test_moments_of_many_samples() -> None:
    ours = normal(batch=())
    drawn = ours.rsample((40_000,), generator=torch.Generator().manual_seed(1)).flatten(1)
    torch.testing.assert_close(drawn.mean(0), ours.mean.flatten(), atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), flat(ours).covariance_matrix, atol=0.25, rtol=0.05)


def test_antithetic_pairs_have_the_mean_exactly() -> None:
    ours = normal()
    drawn = ours.antithetic(6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn[:, :3] + drawn[:, 3:], 2 * ours.mean.unsqueeze(1).expand(-1, 3, -1, -1, -1))
    with pytest.raises(ValueError, match="even number, got 5"):
        ours.antithetic(5)


def test_shapes_generator_and_expand() -> None:
    ours = normal(dtype=torch.float32)
    first, second = (ours.rsample((3, 2), generator=torch.Generator().manual_seed(9)) for _ in range(2))
    assert first.shape == (3, 2, 2, 2, 3, 4)
    assert first.dtype == torch.float32
    assert torch.equal(first, second)
    assert ours.rsample().shape == (2, 2, 3, 4)
    assert ours.expand((5, 2)).rsample().shape == (5, 2, 2, 3, 4)


def test_sampling_never_builds_a_covariance_or_a_cholesky(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise RuntimeError("a Cholesky factor was built")

    monkeypatch.setattr(torch.linalg, "cholesky", forbidden)
    large = LowRankNormal(torch.zeros(1, 256, 256), torch.ones(10, 1, 256, 256), torch.ones(1, 256, 256))
    assert large.rsample((2,)).shape == (2, 1, 256, 256)  # Its covariance would take 17 GB.
    with pytest.raises(RuntimeError, match="Cholesky"):
        large.entropy()


def test_samples_carry_gradient_to_all_parameters() -> None:
    parameters = [t.clone().requires_grad_() for t in (normal().mean, normal().factor, normal().diagonal)]
    LowRankNormal(*parameters).rsample((2,)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)


def test_errors_name_parameter_and_shape() -> None:
    mean = torch.zeros(2, 1, 3, 3)
    with pytest.raises(ValueError, match=r"factor: expected \[\*\[2\], R, \*\[1, 3, 3\]\], got \[2, 1, 3, 3\]"):
        LowRankNormal(mean, mean, mean + 1)
    with pytest.raises(ValueError, match="diagonal: expected the shape of mean"):
        LowRankNormal(mean, mean.unsqueeze(1), torch.ones(2))
    with pytest.raises(ValueError, match="variances > 0"):
        LowRankNormal(mean, mean.unsqueeze(1), mean, validate_args=True)
