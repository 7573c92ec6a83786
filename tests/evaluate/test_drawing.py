"""A model that fits images is scored on the pixels of the images themselves, against what the annotators drew there."""

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.geometry.masks import masks_back
from atfm.data.geometry.rule import Fit
from atfm.data.labels import counted
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError
from atfm.evaluate.drawing import Cloud, draw
from atfm.evaluate.score import evaluate
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.metrics.scores import score_case
from atfm.models import Model
from atfm.seeding import Noise

SIZES = [(40, 56), (40, 56), (30, 33), (61, 24)]
FITS = [{"canvas": (16, 16)}, {"spacing": (2.0, 1.5), "usual": (0.5, 0.5)}]


def written(path, classes: int = 1, ignore: int | None = None) -> Store:
    rng = np.random.default_rng(0)
    with StoreWriter(path, name="m", splits={"test": []}, classes=classes, ignore_label=ignore) as writer:
        for number, size in enumerate(SIZES):
            image = np.rint(rng.random((1, *size)) * 255).astype(np.float32) / np.float32(255)
            masks = rng.integers(0, max(classes, 2), (2, *size)).astype(np.uint8)
            masks[:, :9] = 0
            if ignore is not None:
                masks[1, 20:25] = ignore
            writer.splits["test"] = [*writer.splits["test"], f"p{number}"]
            writer.add(Case(image, masks, f"c{number}", f"p{number}", (0.5, 0.5) if number == 1 else (1.0, 1.0)))
    return Store.open(path)


def model(fit: dict[str, tuple[float, ...]], classes: int = 1) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        method = GTRConfig(widths=(4,), rank=2).build(Frame(1, classes, (16, 16), slides="spacing" in fit)).eval()
    fields = {name: list(sides) for name, sides in fit.items() if name != "usual"}
    card = {"config": {"fit": fields}} | ({"usual_spacing": list(fit["usual"])} if "usual" in fit else {})
    return Model(method, "small", frozenset(), card)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("classes", "ignore"), [(1, None), (3, 9)])
def test_scores_are_those_of_the_masks_on_the_images_own_pixels(tmp_path, fit, classes, ignore) -> None:
    store, scored = written(tmp_path / "s", classes, ignore), model(fit, classes)
    found = evaluate(scored, store, samples=3, seed=5)
    assert len(found.result.rows) == 4
    for number, row in enumerate(found.result.rows):
        case = store[number]
        spacing = (0.5, 0.5) if number == 1 else None
        grid = Fit(**fit).grid(case.image.shape[1:], spacing)
        seen = torch.from_numpy(grid.bring(case.image).clip(0, 1))[None]
        drawn = scored.method.sample(seen, 3, noise=Noise(5, [case.case_id])).probabilities[0].numpy()
        masks = np.stack(list(masks_back(grid, drawn)))
        annotations = case.masks[:, None] if classes == 1 else case.masks[:, None] == np.arange(3)[:, None, None]
        there = counted(case.masks, ignore)
        wanted = score_case(masks[..., there], annotations[..., there], ns=[1, 2, 3])
        for name in ("ged", "ged_3", "hm_iou_3", "diversity"):
            assert row.scores[name] == pytest.approx(wanted[name], abs=2e-3)  # a batch rounds otherwise than one image
    for shown in found.illustrations:
        assert shown.samples.shape[2:] == shown.image.shape[1:] == shown.probability.shape[1:]


def test_cases_of_one_size_but_another_spacing_are_drawn_apart(tmp_path) -> None:
    store = written(tmp_path / "s")
    one, many = (evaluate(model(FITS[1]), store, samples=2, batch=batch) for batch in (1, 4))
    assert one.result.rows == many.result.rows


def test_until_it_is_asked_for_there_is_only_what_the_network_gave(tmp_path) -> None:
    store = written(tmp_path / "s")
    method = model(FITS[0]).method
    (made,) = draw(method, Fit(canvas=(16, 16)), [store[0]], 4, Noise(0, ["c"]), "cpu")
    held = made.args[1]  # type: ignore[attr-defined]
    assert held.shape == (4, 1, 16, 16)
    cloud = made()
    assert cloud.masks.shape == (4, 1, 40, 56)
    torch.testing.assert_close(cloud.probability, cloud.masks.float().mean(0))


def test_the_ambiguity_is_the_entropy_of_the_mean() -> None:
    p = torch.tensor([[0.5, 0.0, 0.25]])
    assert Cloud(p > 0, p, None).entropy.tolist() == pytest.approx([1, 0, 0.8112781])
    two = torch.tensor([[0.5, 1.0], [0.5, 0.0]])
    assert Cloud(two > 0, two, None).entropy.tolist() == pytest.approx([1, 0])


def test_what_a_model_cannot_see_is_refused_with_what_it_would_be(tmp_path) -> None:
    store = written(tmp_path / "s")
    coarse = model({"spacing": (20.0, 20.0)})
    with pytest.raises(InputError, match=r"this one has \[40, 56\], \[2, 3\] of its pixels"):
        evaluate(coarse, store, samples=2)
    with pytest.raises(InputError, match="train a model with `fit`"):
        evaluate(Model(model(FITS[0]).method, "small", frozenset(), {}), store, samples=2)
