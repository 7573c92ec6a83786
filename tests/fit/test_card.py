"""What a training writes down of its images, so that `sample` can obey it and compare."""

from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.intensity import Intensity, intensity_of
from atfm.data.ood.training_images import out_of_distribution, training_images_of
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.store import Store, StoreWriter
from atfm.fit import fit
from atfm.io.images import Picture
from atfm.methods import StageConfig
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.gtr import GTRConfig
from atfm.models import load
from atfm.train.cases import from_store
from atfm.train.config import Config

CONFIG = Config(
    method=ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2)),
    stages=dict.fromkeys(("gtr", "sfm"), StageConfig(steps=1, batch=2)) | {"energy": StageConfig(steps=0)},
    validate_cases=2,
    validate_samples=2,
)


def store_of(path: Path, *, eight_bit: bool, stretched: bool) -> Store:
    splits = {"train": [], "val": []}
    with StoreWriter(path, name="mine", modality="CT", splits=splits, orientation="RAS") as writer:
        for case in phantom_cases(0, 40):
            image = case.image if eight_bit else case.image * np.float32(0.999)  # off the grid of 8 bits
            if stretched:
                image = (image - image.min()) / np.ptp(image)
            if eight_bit:
                image = np.rint(image * 255).astype(np.uint8).astype(np.float32) / np.float32(255)
            writer.splits["train"] = [*writer.splits["train"], case.patient_id]
            writer.add(Case(image, case.masks, case.case_id, case.patient_id, (0.7, 0.7)))
    return Store.open(path)


@pytest.mark.parametrize(
    ("eight_bit", "stretched", "kind"), [(True, False, "byte"), (True, True, "byte"), (False, False, "as-is")]
)
def test_the_card_tells_the_intensities_and_how_the_images_looked(
    tmp_path: Path, eight_bit: bool, stretched: bool, kind: str
) -> None:
    store = store_of(tmp_path / "store", eight_bit=eight_bit, stretched=stretched)
    fit(CONFIG, from_store(store, CONFIG), tmp_path / "run", device=torch.device("cpu"))
    model = load(tmp_path / "run")
    assert intensity_of(model.card, "run") == Intensity(kind=kind, stretched=stretched)  # type: ignore[arg-type]
    assert model.card["orientation"] == "RAS"
    reference = training_images_of(model.card, "run")
    assert reference is not None
    assert (reference.modality, reference.images, reference.channels, reference.size) == ("CT", 40, 1, (32, 32))
    assert reference.spacing == ((0.7, 0.7), (0.7, 0.7))
    case = store[0]
    assert out_of_distribution(reference, Picture(case.image, case.spacing, {"modality": "CT"})) == []
    assert len(out_of_distribution(reference, Picture(1 - case.image, (3.0, 3.0), {"modality": "MR"}))) >= 3
