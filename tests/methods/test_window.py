"""A method that looks at a central window: what it draws of several classes, put back into the image."""

import torch

from atfm.methods.gtr import GTR
from atfm.methods.method import Frame
from atfm.seeding import Noise
from atfm.truncation import GTRNetwork


def test_outside_the_window_there_is_background_of_several_classes() -> None:
    torch.manual_seed(0)
    method = GTR(GTRNetwork(1, 3, (8, 16), rank=3, patch=2), Frame(1, 3, (16, 16), (8, 8))).eval()
    torch.nn.init.constant_(method.network.mean.bias[4:], 9.0)  # four cells a class: not the background
    drawn = method.sample(torch.rand(1, 1, 16, 16), 4, noise=Noise(0, ["a"]))
    outside = torch.ones(16, 16, dtype=torch.bool)
    outside[4:12, 4:12] = False
    assert (drawn.masks.sum(2) == 1).all()
    torch.testing.assert_close(drawn.probabilities.sum(2), torch.ones(1, 4, 16, 16))
    assert drawn.masks[:, :, 0, outside].all() and (drawn.probabilities[:, :, 0, outside] == 1).all()
    assert (1 - drawn.mean_probability[:, 0])[:, outside].max() == 0
    assert (1 - drawn.mean_probability[:, 0])[:, ~outside].mean() > 0.9
    assert (drawn.entropy[:, outside] == 0).all()
