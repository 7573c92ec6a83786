"""The fingerprints of a training: in a card and back, joined, and the images of a test among them."""

import base64
import json

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.seen.images import FIELD, SeenImages, seen_images_of
from atfm.data.seen.looker import Looker
from atfm.data.seen.seen import seen_of
from atfm.errors import CheckpointError

RNG = np.random.default_rng(0)


def case(image: np.ndarray, name: str = "c") -> Case:
    return Case(
        image.astype(np.float32), np.zeros((1, *image.shape[1:]), np.uint8), name, "p", (1.0,) * (image.ndim - 1)
    )


def looked(*images: np.ndarray, of: int | None = None) -> SeenImages:
    looker = Looker()
    for image in images:
        looker.look(image, "p")
    return looker.seen(len(images) if of is None else of)


def images(count: int, *shape: int) -> list[np.ndarray]:
    return [np.kron(RNG.random((8, 8)), np.ones((4, 4)))[None].astype(np.float32) for _ in range(count)]


def test_through_a_card_and_back() -> None:
    seen = looked(*images(5), np.zeros((1, 32, 32), np.float32))
    card = json.loads(json.dumps({FIELD: seen.model_dump(mode="json")}))
    assert seen_images_of(card, "m") == seen and (seen.images, seen.recorded, seen.size) == (6, 5, (32, 32))
    assert len(base64.b64decode(seen.exact)) == 5 * 8 and len(base64.b64decode(seen.alike)) == 5 * 16
    assert seen_images_of({}, "m") is None


def test_the_order_of_the_training_does_not_show() -> None:
    several = images(5)
    assert looked(*several) == looked(*reversed(several))


def test_exact_and_alike_are_told_apart_and_named() -> None:
    several = images(20)
    seen = looked(*several)
    darker = several[3] * np.float32(0.8) + np.float32(0.05)
    found = seen.compare(
        [case(several[7], "same"), case(darker, "darker"), case(*images(1), "new"), case(several[0] * 0, "blank")]
    )
    assert (found.cases, found.exact, found.alike) == (3, ("same",), ("darker",))


def test_a_training_on_the_centres_of_the_images(tmp_path) -> None:
    whole = np.kron(RNG.random((16, 16)), np.ones((4, 4)))[None].astype(np.float32)
    seen = looked(whole[:, 16:48, 16:48])
    assert seen.compare([case(whole, "whole")]).exact == ("whole",)


def test_joined_with_those_of_the_models_that_weights_come_from() -> None:
    first, second = images(3), images(4)
    both = looked(*first).joined([looked(*second)])
    assert (both.images, both.recorded, both.partial) == (7, 7, False)
    assert len(both.compare([case(image, str(i)) for i, image in enumerate(first + second)]).exact) == 7
    assert looked(*first).joined([None]).partial and looked(*first).joined([]) == looked(*first)


def test_a_model_that_has_seen_the_same_images_adds_none() -> None:
    first, second = images(3), images(2)
    whole = looked(*first, *second)
    assert whole.joined([looked(*first), looked(*second)]) == whole
    assert whole.joined([looked(*first, of=9)]).images == 11  # six of those are not known
    assert looked(*first).joined([whole]) == whole


def test_a_chain_of_models_does_not_count_its_images_again() -> None:
    """Each is trained on the same images and begins from the one before; the first knows smaller ones too."""
    small, own = looked(*(image[:, 4:28, 4:28] for image in images(3))), looked(*images(4))
    model = own.joined([small])
    assert (model.images, model.recorded, model.size) == (7, 7, None)
    for _ in range(3):
        after = own.joined([model, small])
        assert after == model
        model = after


def test_nor_those_that_it_holds_twice_or_without_a_fingerprint() -> None:
    """A training with one image twice and one that shows nothing, from a model that knows smaller ones, and so on."""
    several, small = images(3), looked(*(image[:, 4:28, 4:28] for image in images(2)), of=4)
    own = looked(*several, several[0], several[0] * 0)
    assert (own.images, own.recorded, len(own.digests)) == (5, 4, 3)
    assert (own.joined([own]).images, own.joined([own]).recorded) == (5, 4)
    model = own.joined([small])
    assert (model.images, model.recorded) == (9, 6)
    assert [(after.images, after.recorded) for after in (own.joined([model]), own.joined([own.joined([model])]))] == [
        (9, 6),
        (9, 6),
    ]


def test_a_share_that_is_0_is_no_part_of_a_card() -> None:
    seen = looked(*images(2))
    assert "by_chance" not in seen.model_dump(mode="json")
    often = seen.model_copy(update={"by_chance": 0.25})
    assert seen_images_of({FIELD: often.model_dump(mode="json")}, "m") == often
    assert looked(*images(1)).joined([often]).by_chance == 0.25 == often.compare([case(*images(1))]).by_chance


def test_none_recorded_compares_with_nothing() -> None:
    assert looked(of=3).compare([case(*images(1))]).alike == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("exact", "?"), ("exact", "AAAA"), ("alike", base64.b64encode(bytes(8)).decode()), ("images", -1), ("more", 1)],
)
def test_a_damaged_card_is_named(field, value) -> None:
    card = {FIELD: looked(*images(2)).model_dump(mode="json") | {field: value}}
    with pytest.raises(CheckpointError, match="m: field seen_images of its JSON"):
        seen_images_of(card, "m")


def test_how_patients_were_known() -> None:
    assert seen_of({"patients_known": "from names"}, frozenset(), "m").patients_known == "from names"
    assert seen_of({}, frozenset(), "m").patients_known is None
    with pytest.raises(CheckpointError, match=r"m: field patients_known .* got well"):
        seen_of({"patients_known": "well"}, frozenset(), "m")
