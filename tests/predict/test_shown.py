"""What a notebook shows of a prediction: all of it, escaped, and under 50 kB whatever it is of."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import atfm
from atfm.hypotheses.bits import Bits
from atfm.predict import Origin, Prediction, Prepared
from atfm.predict.place import Place
from atfm.predict.shown import shares

RNG = np.random.default_rng(0)


def made(masks: np.ndarray, image: np.ndarray, model: str = "m", warnings: tuple[str, ...] = ()) -> Prediction:
    """Masks `[S, C, *spatial]` of an image `[C_in, *spatial]`."""
    bits = Bits(masks.shape[1:])
    bits.add(masks)
    size = masks.shape[2:]
    place = Place(size, tuple(map(np.arange, size)))
    prepared = Prepared("k", image.astype(np.float32), place, "", warnings)
    return Prediction(bits, np.full(len(masks), 1 / len(masks)), None, prepared, Origin(model, "unknown", 0))


def texts(html: str) -> str:
    return " ".join(ElementTree.fromstring(html).itertext())


def test_the_example_shows_image_outlines_and_hypotheses() -> None:
    prediction = atfm.load("lidc").sample(atfm.example().case.image, n=64, seed=7)
    html = prediction._repr_html_()
    root = ElementTree.fromstring(html)
    assert [figure.find("figcaption").text for figure in root.iter("figure")] == [
        "128 x 128 pixels",
        "all samples",
        "hypotheses",
        "mean probability",
    ]
    whole, samples, readings, _ = root.iter("svg")
    assert whole.find("image") is not None and whole.find("rect") is not None
    assert len(samples.findall("path")) == (prediction.areas > 0).sum()
    drawn = [one for one in prediction.hypotheses if one.area]
    assert len(readings.findall("path")) == len(drawn)
    assert all(one.name in texts(html) for one in prediction.hypotheses)
    assert f"{(prediction.areas > 0).sum()} of 64 simulated readers outline something here" in texts(html)
    assert "Not for clinical use" in texts(html)
    percents = [int(text) for text in re.findall(r">(\d+) %<", html)]
    assert sum(percents) == 100 and len(percents) == len(prediction.hypotheses)
    embedded = [image.get("id") for image in root.iter("image") if image.get("id")]
    assert {use.get("href") for use in root.iter("use")} == {f"#{key}" for key in embedded}
    assert len(html) < 50_000


def test_words_have_the_colour_of_the_notebook() -> None:
    html = made(RNG.random((4, 1, 16, 16)) > 0.5, RNG.random((1, 16, 16)))._repr_html_()
    assert not re.search(r"(?<![-a-z])color:", html)
    assert "http:" not in html and "https:" not in html and "script" not in html  # nothing is loaded from elsewhere


@pytest.mark.parametrize("shape", [(1, 600, 600), (3, 300, 500), (1, 3, 200, 300), (1, 16, 3)], ids=str)
@pytest.mark.parametrize("kind", ["noise", "blocks", "empty"])
def test_it_is_under_50_kilobytes_whatever_it_is_of(shape: tuple[int, ...], kind: str) -> None:
    spatial, n = shape[1:], 40
    masks = np.zeros((n, 1, *spatial), bool)
    if kind == "noise":
        masks = RNG.random((n, 1, *spatial)) > 0.5
    if kind == "blocks":  # each far from all others, so that there are as many hypotheses
        for number, mask in enumerate(masks):
            mask[..., number * spatial[-2] // n : (number + 1) * spatial[-2] // n + 1, :] = True
    html = made(masks, RNG.random(shape), "m" * 300, tuple(f"{k}" + "w" * 1000 for k in range(20)))._repr_html_()
    assert len(html) < 50_000
    assert "14 more warnings" in texts(html)
    ElementTree.fromstring(html)


def test_of_a_volume_the_fullest_slice_is_shown() -> None:
    labels = np.zeros((4, 5, 20, 20), int)
    labels[:, 3, 5:9, 6:12], labels[:, 1, 5, 6] = 1, 2
    masks = np.stack([labels == label for label in range(3)], 1)
    html = made(masks, RNG.random((1, 5, 20, 20)))._repr_html_()
    assert "slice 3, 20 x 20 pixels" in texts(html)
    _, _, readings, _ = ElementTree.fromstring(html).iter("svg")
    assert len(readings.findall("path")) == 1  # of the class that lies there


def test_names_are_escaped() -> None:
    html = made(RNG.random((4, 1, 16, 16)) > 0.5, RNG.random((1, 16, 16)), "<img src=x>", ('"<b>',))._repr_html_()
    assert "<img" not in html and "<b>" not in html.replace("<b>", "", 1).split("warning", 1)[1]
    assert "<img src=x>, seed 0" in texts(html) and 'warning: "<b>' in texts(html)


@pytest.mark.parametrize("parts", [[1 / 3] * 3, [0.005, 0.995], [0.125] * 8, [1.0], [0.5, 0.25, 0.125, 0.125]])
def test_shares_sum_to_100(parts: list[float]) -> None:
    found = shares(parts)
    assert sum(found) == 100
    assert all(abs(whole - 100 * part) < 1 for whole, part in zip(found, parts, strict=True))
