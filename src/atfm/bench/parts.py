"""The parts of sampling one image, each as a call that can be timed on its own."""

from collections.abc import Callable, Mapping

import torch

from atfm.bench.operations import evaluations
from atfm.bench.stopwatch import Times
from atfm.flow.path import endpoint_to_velocity
from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR, squash
from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["multiplied", "parts"]


@torch.no_grad()
def parts(
    method: Method, image: torch.Tensor, samples: int, rows: int | None = None
) -> dict[str, Callable[[], object]]:
    """Return the parts of `method.sample(image, samples)` for one image.

    Args:
        method: GTR or ATFM.
        image: `[1, C_in, *spatial]`.
        samples: starts that are drawn and masks that are made.
        rows: samples that pass through the field when `field` is called; None: all of them.

    Returns:
        `gtr`, `draw` (with the noise), `context` and `field` (one evaluation; both of a flow only), `threshold`.

    Raises:
        TypeError: a method that is neither GTR nor ATFM.
    """
    gtr = method.truncation if isinstance(method, ATFM) else method
    if not isinstance(gtr, GTR):
        raise TypeError(f"method: expected GTR or ATFM, got {type(method).__name__}")
    noise, window = Noise(0, ["bench"]), method.focus(image)
    features = gtr.network.features(window)
    distribution = gtr.network.distribution(features)
    x_0 = gtr.draw(distribution, samples, noise)
    calls: dict[str, Callable[[], object]] = {
        "gtr": lambda: gtr.network.distribution(gtr.network.features(window)),
        "draw": lambda: gtr.draw(distribution, samples, noise),
        "threshold": lambda: method.samples(x_0),
    }
    if isinstance(method, ATFM):
        flow, context = method, method.context(window, features)
        calls["context"] = lambda: flow.context(window, features)
        calls["field"] = lambda: _field(flow, x_0[0, :rows], context)
    return {name: _without_gradient(call) for name, call in calls.items()}


def multiplied(method: Method, times: Mapping[str, Times], samples: int, rows: int | None = None) -> dict[str, float]:
    """Seconds of each part of sampling, the evaluations of the field multiplied to all samples and steps.

    Args:
        method: as for `parts`.
        times: of its calls.
        samples: as for `parts`.
        rows: as for `parts`.
    """
    taken = {name: time.median for name, time in times.items() if name != "field"}
    if "field" in times:
        taken["flow"] = times["field"].median * evaluations(method) * samples / (rows or samples)
    return taken


def _field(method: ATFM, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """One evaluation at t = 0 for `x [rows, C, *window]`, a chunk of rows at a time, as sampling does it."""
    time = x.new_zeros(1)
    found = []
    for x_t in x.split(method.chunk):
        output = method.network(x_t, time, context)
        if method.form == "endpoint":
            output = endpoint_to_velocity(squash(output.unsqueeze(0)).squeeze(0), x_t, time)
        found.append(x_t + output)
    return torch.cat(found)


def _without_gradient(call: Callable[[], object]) -> Callable[[], object]:
    return torch.no_grad()(call)
