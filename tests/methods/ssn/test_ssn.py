"""SSN's likelihood by hand, its law, and what it shares with GTR."""

import pytest
import torch

from atfm.data.batch import Batch
from atfm.errors import ConfigError
from atfm.methods import Frame
from atfm.methods.ssn import SSN, SSNConfig
from atfm.seeding import Noise
from atfm.train.presets import presets


def ssn(channels: int = 1, **fields: object) -> SSN:
    torch.manual_seed(0)
    config = SSNConfig.model_validate({"widths": (8, 8), "convs": 1, "rank": 3, "monte_carlo": 5} | fields)
    return config.build(Frame(1, channels, (8, 8))).eval()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_loss_is_the_monte_carlo_likelihood_of_one_reader(channels: int) -> None:
    """Against a naive loop over samples and pixels; of a binary mask the background is a class."""
    method = ssn(channels)
    labels, valid = torch.randint(max(2, channels), (2, 1, 8, 8)), torch.rand(2, 1, 8, 8) > 0.2
    one_hot = torch.nn.functional.one_hot(labels, max(2, channels)).movedim(-1, 2).float() * valid.unsqueeze(2)
    given = one_hot[:, :, 1:] if channels == 1 else one_hot
    batch = Batch(torch.rand(2, 1, 8, 8), given, torch.ones(2, 1, dtype=torch.bool), valid)
    torch.manual_seed(7)
    found = method.loss(batch)["likelihood"]
    torch.manual_seed(7)
    logits = method.network(batch.image).rsample((5,))  # [M, B, C', H, W]
    each = []
    for image in range(2):
        logs = []
        for sample in logits[:, image].log_softmax(1):
            chosen = sample.gather(0, labels[image])[0][valid[image, 0]]
            logs.append(chosen.double().sum())
        each.append(-(torch.stack(logs).exp().mean()).log())
    assert found.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-4)


def test_the_law_of_its_logits_is_the_low_rank_normal() -> None:
    method, image = ssn(), torch.rand(1, 1, 8, 8)
    law = method.network(image)
    assert law.rank == 3 and law.event_shape == (2, 8, 8) and law.diagonal.min() > method.network.floor
    numbers = Noise(0, ["a"]).draw(method.needs((8, 8)), 6)
    expected = law.from_noise(numbers["low-rank"], numbers["pixel"]).softmax(2)[:, :, 1:]
    torch.testing.assert_close(method.sample(image, 6, noise=Noise(0, ["a"])).probabilities, expected)


def test_the_published_setting_and_what_is_refused() -> None:
    with torch.device("meta"):
        method = presets()["ssn-paper"].build(in_channels=1, channels=1, size=(128, 128))
    assert (method.monte_carlo, method.shared, method.network.rank, method.network.floor) == (20, False, 10, 1e-5)
    with pytest.raises(ConfigError, match="field 'crop'"):
        SSNConfig().build(Frame(1, 1, (128, 128), slides=True))
