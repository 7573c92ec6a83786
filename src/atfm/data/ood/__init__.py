"""Out of distribution: whether an image looks like those a model was trained on, and in what it does not."""

from atfm.data.ood.recorder import Recorder
from atfm.data.ood.training_images import out_of_distribution, training_images_of

__all__ = ["Recorder", "out_of_distribution", "training_images_of"]
