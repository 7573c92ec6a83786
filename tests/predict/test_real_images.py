"""Real images as they are: dermoscopy of mixed sizes trained on and drawn, cells measured, a CT series of 2.5 mm."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atfm.data.geometry.rule import Fit
from atfm.data.source import Selection
from atfm.data.store import Store
from atfm.data.survey import ceiling, survey
from atfm.evaluate.score import evaluate
from atfm.fit import fit
from atfm.importers.folder import plan_folder
from atfm.importers.plan import build_store
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model, load
from atfm.predict import prepare_file, sample, sample_file
from atfm.train.cases import from_store
from atfm.train.config import override
from atfm.train.presets import resolve

pytestmark = pytest.mark.real


def test_skin_of_mixed_sizes_from_its_folder_to_masks_of_its_size(shared_data: Path, tmp_path: Path) -> None:
    patterns = {"images": "images/{case}-p1c.png", "masks": "masks/{case}_{annotator}_net_atyp.png"}
    build_store(plan_folder(shared_data / "skin", **patterns), tmp_path / "skin")
    store = Store.open(tmp_path / "skin")
    small = {
        "fit": {"canvas": [32, 32]},
        "method": {"widths": [8], "rank": 2},
        "stages": {"gtr": {"steps": 2, "batch": 2}},
        "validate_samples": 2,
    }
    config = override(resolve("gtr-phantom"), small)
    fit(config, from_store(store, config), tmp_path / "run", device=torch.device("cpu"))
    model = load(tmp_path / "run")
    path = sorted((shared_data / "skin" / "images").iterdir())[0]
    list(sample_file(model, path, tmp_path / "out", 2))
    with Image.open(path) as image, Image.open(next((tmp_path / "out").glob("probability*.png"))) as written:
        assert written.size == image.size and min(image.size) > 800
    scored = evaluate(model, store, samples=2, limit=1, references=False)
    assert all(shown.samples.shape[2:] == shown.image.shape[1:] for shown in scored.illustrations)


def test_cells_come_back_by_what_is_covered(shared_data: Path, tmp_path: Path) -> None:
    patterns = {"images": "{case}/image.png", "masks": "{case}/{annotator}.png"}
    build_store(plan_folder(shared_data / "cells/ds1", **patterns), tmp_path / "cells")
    store = Store.open(tmp_path / "cells")
    found = survey(store, most=3)
    assert found.mixed_sizes and found.sizes.max() == 1024 and found.readers == {10: 3}
    cost = ceiling(Selection(store, range(35)), Fit(canvas=(96, 96)), 1, most=3)
    assert cost.hm_iou > 0.94 > cost.hard_iou > 0.85


def test_a_ct_series_keeps_its_voxels(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "lidc_dicom" / "LIDC-IDRI-0001-part.zip") as part:
        part.extractall(tmp_path / "ct")
    (folder,) = {file.parent for file in (tmp_path / "ct").rglob("*.dcm")}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = GTRConfig(widths=(4,), rank=2, patch=2).build(Frame(1, 1, (4, 64, 64), slides=True)).eval()
    model = Model(method, "small", frozenset(), {"config": {"fit": {"spacing": [2.5, 2.0, 2.0]}}, "orientation": "LPS"})
    (prepared,) = prepare_file(model, folder, window=(-1350, 150))
    assert prepared.grid is not None
    slices, rows, columns = prepared.grid.whole
    assert (slices, rows, columns) == (4, 512, 512) and prepared.grid.size[0] == 4
    assert prepared.grid.size[1] == round(512 * prepared.place.spacing[1] / 2)
    drawn = sample(model, prepared, 1)
    assert drawn.masks.shape == (1, 1, 4, 512, 512)
    assert np.abs(drawn.prepared.shown - prepared.whole).max() == 0
