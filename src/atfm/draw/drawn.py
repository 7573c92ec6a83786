"""`Drawn`: the masks of one image, what they say together, and the few readings that they come down to."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import find_objects

from atfm.draw.subject import Subject
from atfm.hypotheses import Hypothesis, find_hypotheses
from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["Drawn", "draw_masks"]


class Drawn(NamedTuple):
    """`n` samples of one image; of several slices `[*spatial]` is `[slices, H, W]`.

    Args:
        labels: `[n, *spatial]` uint8, 0 is background.
        probability: `[*spatial]` float32, the share of the samples; of classes `[C, *spatial]`.
        entropy: `[*spatial]` float32, in bits.
        hypotheses: the most probable first.
    """

    labels: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray
    hypotheses: list[Hypothesis]

    @property
    def foreground(self) -> np.ndarray:
        """`[*spatial]`: how probable any object is, whatever its class."""
        classes = self.probability.ndim > self.entropy.ndim
        return 1 - self.probability[0] if classes else self.probability


def draw_masks(method: Method, subject: Subject, n: int, seed: int) -> Drawn:
    """Draw `n` masks of an image, slice by slice where it has slices.

    All slices share the noise of a sample: what differs between two slices of it is what the model sees in them.
    """
    device = next(method.parameters()).device
    image = torch.from_numpy(subject.picture.pixels)
    planes = [image] if subject.slices is None else list(image.unbind(1))  # [C_in, *spatial] each
    labels, probability, entropy = [], [], []
    for plane in planes:
        samples = method.sample(plane.unsqueeze(0).to(device), n, noise=Noise(seed, [subject.name]))
        masks = samples.masks[0]  # [S, C, *spatial]
        single = masks.shape[1] == 1
        labels.append((masks[:, 0] if single else masks.to(torch.uint8).argmax(1)).to(torch.uint8).cpu().numpy())
        mean = samples.mean_probability[0]  # [C, *spatial]
        probability.append((mean[0] if single else mean).float().cpu().numpy())
        entropy.append(samples.entropy[0].float().cpu().numpy())
    hypotheses = find_hypotheses(_for_hypotheses(labels, method.channels))
    if subject.slices is None:
        return Drawn(labels[0], probability[0], entropy[0], hypotheses)
    return Drawn(np.stack(labels, 1), np.stack(probability, -3), np.stack(entropy), hypotheses)


def _for_hypotheses(labels: list[np.ndarray], channels: int) -> np.ndarray:
    """Labels `[S, *spatial]` of every plane as masks `[S, C, *spatial]`, cut to where anything is marked at all."""
    stack = labels[0] if len(labels) == 1 else np.stack(labels, 1)
    marked = (stack > 0).any(0)  # [*spatial]
    boxes = find_objects(marked.astype(np.uint8))
    stack = stack[(slice(None), *(boxes[0] if boxes else (slice(0, 1),) * marked.ndim))]
    if channels == 1:
        return (stack > 0)[:, None]
    return np.stack([stack == label for label in range(channels)], 1)
