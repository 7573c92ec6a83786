"""What a training meets beyond grey squares with four annotators: fewer or more of them, void pixels, volumes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.held import Held
from atfm.data.phantom.kinds import simulated_case
from atfm.data.store import Store, StoreWriter
from atfm.fit import Fitted, fit
from atfm.methods import Drawn, Frame, Method
from atfm.metrics.scores import score_case
from atfm.models import load
from atfm.seeding import Draw, Noise
from atfm.train.cases import from_phantom, from_store
from atfm.train.config import Config, override
from atfm.train.presets import presets
from atfm.train.validate import validate
from atfm.truncation.likelihood import all_annotators

TINY = {
    "method": {
        "gtr": {"widths": [8], "monte_carlo": 4, "rank": 2},
        "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2},
    },
    "stages": {
        "gtr": {"steps": 3, "batch": 4, "warmup": 1},
        "sfm": {"steps": 3, "batch": 4, "warmup": 1},
        "energy": {"steps": 2, "batch": 4, "warmup": 1},
    },
    "validate_cases": 3,
    "validate_samples": 4,
}


def tiny(preset: str = "phantom", **fields: object) -> Config:
    return override(override(presets()[preset], TINY), fields)


def trained(store: Store, out: Path, config: Config) -> Fitted:
    return fit(config, from_store(store, config), out, device=torch.device("cpu"))


def stored(path: Path, cases: Sequence[Case], **about: object) -> Store:
    names = [case.patient_id for case in cases]
    with StoreWriter(path, name="mixed", splits={"train": names[:-3], "val": names[-3:]}, **about) as writer:  # type: ignore[arg-type]
        for case in cases:
            writer.add(case)
    return Store.open(path)


def test_one_two_and_five_annotators_train_together(tmp_path: Path) -> None:
    cases = [simulated_case(0, number, annotators=(1, 2, 5), size=16) for number in range(9)]
    assert {case.annotators for case in cases[-3:]} == {1, 2, 5}
    fitted = trained(stored(tmp_path / "store", cases), tmp_path / "run", tiny())
    assert fitted.steps == 8
    assert fitted.validation is not None
    assert {"ged", "ged_4", "hm_iou_4"} <= fitted.validation.keys()


def test_one_annotator_everywhere_has_no_unbiased_ged(tmp_path: Path) -> None:
    cases = [simulated_case(0, number, annotators=1, size=16) for number in range(7)]
    fitted = trained(stored(tmp_path / "store", cases), tmp_path / "run", tiny())
    assert fitted.validation is not None
    assert "ged_4" in fitted.validation and "ged" not in fitted.validation


def test_a_mixed_batch_has_the_losses_of_its_images_alone() -> None:
    """Stage 1 with shared noise, against a naive loop over images of one K at a time."""
    cases = [simulated_case(0, number, annotators=k, size=16) for number, k in enumerate((1, 2, 5))]
    method = tiny().build(in_channels=1, channels=1, size=(16, 16)).truncation
    whole = Held(cases, 1).batch(torch.arange(3))
    distribution = method.network(whole.image)
    g = torch.Generator().manual_seed(0)
    logits = distribution.antithetic(4, generator=g)
    expected = []
    for b, case in enumerate(cases):
        terms = []
        for mask in case.masks:
            y = torch.from_numpy(mask).float()
            likelihoods = [
                -torch.nn.functional.binary_cross_entropy_with_logits(x[0], y, reduction="sum") for x in logits[b]
            ]
            terms.append(-(torch.logsumexp(torch.stack(likelihoods), 0) - np.log(4)))
        expected.append(torch.stack(terms).mean())
    got = all_annotators(logits, whole.annotations, whole.present)
    torch.testing.assert_close(got, torch.stack(expected), rtol=1e-4, atol=1e-3)


def void_cases() -> list[Case]:
    """Classes with a strip that the last annotator says nothing of."""
    cases = []
    for number in range(8):
        case = simulated_case(0, number, kind="classes", size=16)
        masks = case.masks.copy()
        masks[-1, :, :5] = 255
        cases.append(Case(case.image, masks, case.case_id, case.patient_id))
    return cases


def test_void_pixels_train_and_have_no_say(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", void_cases(), classes=3, ignore_label=255)
    config = tiny("phantom-classes")
    assert trained(store, tmp_path / "run", config).steps == 8
    # An annotator who says nothing at all is as good as absent from the likelihood's gradient.
    method = config.build(in_channels=1, channels=3, size=(16, 16)).truncation
    batch = Held(void_cases(), 3, ignore_label=255).batch(torch.arange(4))
    assert batch.valid is not None
    silent = batch.valid.clone()
    silent[:, -1] = False
    torch.manual_seed(0)
    quiet = method.loss(replace(batch, annotations=batch.annotations * silent.unsqueeze(2), valid=silent))
    present = batch.present.clone()
    present[:, -1] = False
    torch.manual_seed(0)
    absent = method.loss(replace(batch, present=present))
    parameters = list(method.parameters())
    for said, left in zip(*(torch.autograd.grad(x["likelihood"], parameters) for x in (quiet, absent)), strict=True):
        torch.testing.assert_close(said, 0.75 * left, rtol=1e-3, atol=1e-4)  # the mean is over 4 in place of 3


class Whole(Method):
    """Marks everything with label 1."""

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"nothing": Draw("uniform")}

    def forward(self, image: torch.Tensor, noise: Mapping[str, torch.Tensor]) -> Drawn:
        probabilities = torch.zeros(*noise["nothing"].shape, 3, *image.shape[2:])
        probabilities[:, :, 1] = 1
        return Drawn(probabilities)


def test_validation_leaves_out_what_any_annotator_ignores() -> None:
    cases = void_cases()[:2]
    scores = validate(Whole(Frame(1, 3, (16, 16))), Held(cases, 3, ignore_label=255), 4, 0)
    expected = []
    for case in cases:
        labels = case.masks[:, :, 5:]
        annotations = np.stack([labels == label for label in range(3)], 1)
        samples = np.zeros((4, 3, *labels.shape[1:]), bool)
        samples[:, 1] = True
        expected.append(score_case(samples, annotations, ns=(4,))["ged"])
    assert scores["ged"] == pytest.approx(np.mean(expected))


def test_images_of_many_sizes_train_on_crops_and_are_sampled_whole(tmp_path: Path) -> None:
    cases = [simulated_case(0, number, size=16 + 4 * (number % 4)) for number in range(9)]
    config = tiny(crop=[16, 16], stages={"gtr": {"steps": 2}})
    fitted = trained(stored(tmp_path / "store", cases), tmp_path / "run", config)
    assert fitted.steps == 7
    method = load(tmp_path / "run").method
    assert (method.size, method.stride) == ((16, 16), 2)
    drawn = method.sample(torch.rand(1, 1, 40, 17), 2, noise=Noise(0, ["a"]))
    assert drawn.masks.shape == (1, 2, 1, 40, 17)


@pytest.mark.parametrize("preset", ["phantom-colour", "phantom-classes", "phantom-volume"])
def test_every_phantom_trains_without_a_store(tmp_path: Path, preset: str) -> None:
    fields = {"validate_cases": 1, "stages": {name: {"steps": 1, "batch": 2} for name in ("gtr", "sfm", "energy")}}
    config = tiny(preset, **fields)
    cases = from_phantom(config, cases=2)
    fitted = fit(config, cases, tmp_path / "run", device=torch.device("cpu"))
    assert fitted.steps == 3 and fitted.validation is not None
    method = load(tmp_path / "run").method
    assert (method.in_channels, method.channels) == {
        "phantom-colour": (3, 1),
        "phantom-classes": (1, 3),
        "phantom-volume": (1, 1),
    }[preset]
