"""`Running`: what follows a training from step to step without a gradient."""

from torch import nn

__all__ = ["Running"]


class Running(nn.Module):
    """A module whose own buffers are running statistics, as those of batch normalisation are.

    They may change whenever a loss is computed in training. A step that is made in parts starts each part from the
    buffers before it, and keeps their mean over the parts; one that is left out changes none (`atfm.train.sums`). So
    what a part adds has to be linear in what it saw, for as many parts as one to give the same.
    """
