"""Which reader a member learns, and whose mask a sample is."""

import torch

from atfm.data.batch import Batch
from atfm.methods import Frame
from atfm.methods.ensemble import Ensemble, EnsembleConfig
from atfm.methods.ensemble.method import one_reader
from atfm.methods.unet.config import SegmenterConfig
from atfm.seeding import Noise


def ensemble(**fields: object) -> Ensemble:
    torch.manual_seed(0)
    network = SegmenterConfig(widths=(4, 8), dropout=0.0)
    return EnsembleConfig.model_validate({"members": 3, "network": network} | fields).build(Frame(1, 1, (8, 8))).eval()


def test_a_member_learns_one_reader_of_those_that_an_image_has() -> None:
    present = torch.tensor([[True, True, True, True], [True, False, True, False], [False, False, True, False]])
    chosen = [one_reader(present, member).argmax(1).tolist() for member in range(5)]
    assert chosen == [[0, 0, 2], [1, 2, 2], [2, 0, 2], [3, 2, 2], [0, 0, 2]]
    assert all(torch.equal(one_reader(present, member).sum(1), torch.ones(3)) for member in range(5))


def test_a_member_has_no_gradient_from_another_readers_masks() -> None:
    method = ensemble()
    image, present = torch.rand(2, 1, 8, 8), torch.ones(2, 3, dtype=torch.bool)
    gradients = []
    for reader in (None, 0, 1, 2):
        annotations = torch.zeros(2, 3, 1, 8, 8)
        if reader is not None:
            annotations[:, reader] = 1
        method.zero_grad()
        method.loss(Batch(image, annotations, present))["cross-entropy"].backward()
        gradients.append([member.head.bias.grad.clone() for member in method.members])  # type: ignore[union-attr]
    for reader in range(3):
        moved = [not torch.equal(a, b) for a, b in zip(gradients[0], gradients[1 + reader], strict=True)]
        assert moved == [member == reader for member in range(3)]


def test_with_one_reader_the_members_differ_by_their_first_weights_alone() -> None:
    method = ensemble()
    batch = Batch(torch.rand(2, 1, 8, 8), torch.ones(2, 1, 1, 8, 8), torch.ones(2, 1, dtype=torch.bool))
    each = torch.stack([ensemble(readers="all").loss(batch)["cross-entropy"], method.loss(batch)["cross-entropy"]])
    torch.testing.assert_close(each[0], each[1])
    assert not torch.equal(method.members[0].stem.weight, method.members[1].stem.weight)  # type: ignore[union-attr]


def test_a_sample_is_the_mask_of_one_member_and_all_have_their_turn() -> None:
    method, image = ensemble(), torch.rand(1, 1, 8, 8)
    with torch.no_grad():
        own = torch.stack([member(image)[0].sigmoid() for member in method.members])
    drawn = method.sample(image, 300, noise=Noise(0, ["a"])).probabilities[0]
    whose = (drawn.unsqueeze(1) - own).abs().flatten(2).amax(2)  # [S, M]
    assert whose.amin(1).max() < 1e-6
    assert (torch.bincount(whose.argmin(1), minlength=3) - 100).abs().max() < 35, "four deviations of 8.2"
