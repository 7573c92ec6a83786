"""The network is asked a few samples at a time, each with the context of its own image."""

import torch
from torch import Tensor

from atfm.diffusion.denoiser import Denoiser
from atfm.diffusion.schedule import cosine


def test_chunks_change_nothing_and_samples_meet_their_own_image() -> None:
    asked: list[int] = []

    def network(x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        asked.append(len(x))
        return x + 10 * time + context

    context, x = torch.tensor([[100.0], [200.0]]), torch.arange(6.0).reshape(6, 1)
    found = Denoiser(network, context, cosine(10), chunk=4)(x, 5)
    assert found.flatten().tolist() == [105, 106, 107, 208, 209, 210] and asked == [4, 2]
    whole = Denoiser(network, context[:1], cosine(10), chunk=64)(x, 5)
    assert whole.flatten().tolist() == [105, 106, 107, 108, 109, 110]
