"""Images unlike the training are told from those that are like it, and it is said in what."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.case import Case
from atfm.data.ood.features import GRADES, LEVELS, features, tiles
from atfm.data.ood.recorder import Recorder
from atfm.data.ood.training_images import TrainingImages, out_of_distribution, training_images_of
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.store import Store
from atfm.errors import CheckpointError
from atfm.importers.lidc.pickle import plan_lidc_pickle
from atfm.importers.plan import build_store
from atfm.io.images import Picture

RNG = np.random.default_rng(0)


def picture(pixels: np.ndarray, spacing: tuple[float, ...] | None = None, **meta: object) -> Picture:
    return Picture(pixels.astype(np.float32), spacing or (1.0,) * (pixels.ndim - 1), meta)


def seen(cases: Iterator[Case], modality: str = "CT", crop: tuple[int, ...] | None = None) -> TrainingImages:
    recorder = Recorder(crop)
    for _ in recorder.watch(cases):
        pass
    return recorder.training_images(modality)


def flagged(reference: TrainingImages, images: list[np.ndarray]) -> float:
    return float(np.mean([bool(out_of_distribution(reference, picture(image))) for image in images]))


@pytest.fixture(scope="module")
def phantom() -> TrainingImages:
    return seen(phantom_cases(0, 400), "simulated")


def test_appearance_against_closed_forms() -> None:
    ramp = np.tile(np.linspace(0, 1, 101), (101, 1))[None]
    histogram, sharpness = features(ramp)
    np.testing.assert_allclose(histogram, LEVELS, atol=0.01)
    steps = [0.0] * 101 * 100 + [0.01] * 101 * 100  # along the columns nothing changes
    np.testing.assert_allclose(sharpness, np.log1p(255 * np.quantile(steps, GRADES)) / np.log(256), atol=1e-3)
    colour = features(np.stack([ramp[0], ramp[0] * 0, ramp[0] * 0 + 1])).histogram.reshape(3, -1)
    assert not colour[1].any() and (colour[2] == 1).all()


def test_extremes_are_exact_however_large_the_image() -> None:
    large = np.full((1, 700, 900), 0.5, np.float32)
    large[0, 333, 777], large[0, 1, 1] = 1, 0
    histogram = features(large).histogram
    assert (histogram[0], histogram[5], histogram[-1]) == (0, 0.5, 1)


def test_tiles_have_the_size_and_reach_the_edges() -> None:
    image = np.arange(40 * 70).reshape(1, 40, 70)
    parts = list(tiles(image, (16, 16)))
    assert len(parts) == 2 * 4 and {part.shape for part in parts} == {(1, 16, 16)}
    assert parts[0][0, 0, 0] == 0 and parts[-1][0, -1, -1] == image.max()
    assert len(list(tiles(np.zeros((1, 512, 512)), (16, 16)))) == 16
    assert [part.shape for part in tiles(image, (64, 64))] == [(1, 40, 70)]


def test_held_out_phantoms_are_seldom_flagged(phantom: TrainingImages) -> None:
    assert flagged(phantom, [case.image for case in phantom_cases(1, 500)]) < 0.02


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inverted", lambda x: 1 - x),
        ("noise", lambda x: np.random.default_rng(0).random(x.shape, np.float32)),
        ("constant", lambda x: x * 0),
        ("16 bits of which 12 are used", lambda x: x / 16),
        ("shuffled", lambda x: np.random.default_rng(0).permutation(x.ravel()).reshape(x.shape)),
        ("blurred", lambda x: (x * 0 + x.mean()) * 0.98 + x * 0.02),
    ],
)
def test_what_is_no_phantom_is_flagged(phantom: TrainingImages, name: str, change) -> None:
    assert flagged(phantom, [change(case.image) for case in phantom_cases(2, 50)]) > 0.95


def test_a_sentence_says_what_and_by_how_much(phantom: TrainingImages) -> None:
    (image,) = (case.image for case in phantom_cases(3, 1))
    told = out_of_distribution(phantom, picture(1 - image))
    assert len(told) >= 1
    assert "intensity histogram is " in told[0] and "times as far from the nearest training image" in told[0]
    assert "in 99 % of the training images" in told[0]
    noise = out_of_distribution(phantom, picture(RNG.random(image.shape)))
    assert any("sharpness" in sentence for sentence in noise)


def test_a_large_image_is_looked_at_in_parts(phantom: TrainingImages) -> None:
    images = [case.image[0] for case in phantom_cases(4, 16)]
    mosaic = np.block([images[4 * row : 4 * row + 4] for row in range(4)])[None]
    assert out_of_distribution(phantom, picture(mosaic)) == []
    told = out_of_distribution(phantom, picture(1 - mosaic))
    assert "of its parts" in told[0]


def test_a_volume_is_looked_at_slice_by_slice(phantom: TrainingImages) -> None:
    volume = np.stack([case.image for case in phantom_cases(5, 5)], 1)  # [1, 5, H, W]
    assert out_of_distribution(phantom, picture(volume)) == []
    assert out_of_distribution(phantom, picture(1 - volume))


@pytest.mark.parametrize(
    ("training", "given", "warned"),
    [
        ("CT", "CT", False),
        ("CT", "MR", True),
        ("brain MRI", "MR", False),
        ("lung CT", "US", True),
        ("dermoscopy", "XC", False),
        ("unknown", "MR", False),
        ("CT", "", False),
        ("CT", "SEG", False),
    ],
)
def test_modalities(training: str, given: str, warned: bool) -> None:
    reference = TrainingImages(
        modality=training, channels=1, size=(8, 8), spacing=None, images=1, histogram=None, sharpness=None
    )
    told = out_of_distribution(reference, picture(np.zeros((1, 8, 8)), modality=given))
    assert bool(told) is warned
    if warned:
        assert told == [f"the modality is {given}; the model was trained on {training}"]


@pytest.mark.parametrize(
    ("spacing", "warned"),
    [((0.7, 0.7), False), ((0.5, 0.9), False), ((2.0, 0.7), True), ((0.3, 0.3), True), ((1.0, 1.0), False)],
)
def test_spacing(spacing: tuple[float, float], warned: bool) -> None:
    cases = (
        Case(np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.uint8), str(mm), str(mm), (mm, mm))
        for mm in (0.6, 0.8)
    )
    told = out_of_distribution(seen(cases), picture(np.zeros((1, 8, 8)), spacing))
    assert bool(told) is warned
    assert not warned or told[0].endswith("those of the training measured 0.6 to 0.8 x 0.6 to 0.8 mm")


def test_colour_is_told(phantom: TrainingImages) -> None:
    (image,) = (case.image for case in phantom_cases(6, 1))
    told = out_of_distribution(phantom, picture(image, file_channels=3))
    assert told == ["the image is in colour; the training images were grey"]


def test_a_recorder_hands_the_cases_on_and_tells_whether_they_were_stretched() -> None:
    cases = list(phantom_cases(0, 30))
    recorder = Recorder()
    assert list(recorder.watch(cases)) == cases
    assert not recorder.stretched
    full = [
        Case((c.image - c.image.min()) / np.ptp(c.image), c.masks, c.case_id, c.patient_id, c.spacing) for c in cases
    ]
    recorder = Recorder()
    list(recorder.watch(full))
    assert recorder.stretched


def test_of_few_images_only_what_the_files_say_is_compared() -> None:
    reference = seen(phantom_cases(0, 19))
    assert reference.histogram is None
    assert out_of_distribution(reference, picture(RNG.random((1, 32, 32)))) == []


def test_crops_are_what_the_model_saw() -> None:
    reference = seen(phantom_cases(0, 100), crop=(16, 16))
    assert reference.size == (16, 16)
    assert flagged(reference, [case.image for case in phantom_cases(1, 100)]) < 0.1


def test_the_card_keeps_it(phantom: TrainingImages) -> None:
    assert training_images_of({"training_images": phantom.model_dump(mode="json")}, "a") == phantom
    assert len(phantom.model_dump_json()) < 20_000
    assert training_images_of({}, "a") is None
    with pytest.raises(CheckpointError, match="a: field training_images of its JSON"):
        training_images_of({"training_images": {"modality": 3}}, "a")


# ---- real images ----


def lidc(folder: Path, part: str, every: int) -> list[tuple[np.ndarray, str]]:
    """Every so-manieth slice of a part, with its patient."""
    with zipfile.ZipFile(folder / "lidc" / f"{part}.zip") as archive:
        names = [name for name in archive.namelist() if "/images/" in name and name.endswith(".png")][::every]
        return [
            (np.asarray(Image.open(io.BytesIO(archive.read(name))), np.float32)[None] / 255, name.split("/")[-4])
            for name in names
        ]


@pytest.fixture(scope="module")
def nodules(shared_data: Path) -> TrainingImages:
    slices = lidc(shared_data, "train-1", 4)
    mask = np.zeros((1, 128, 128), np.uint8)
    return seen(Case(image, mask, str(i), patient) for i, (image, patient) in enumerate(slices))


def squeezed(path: Path) -> np.ndarray:
    grey = Image.open(path).convert("RGB").convert("L").resize((128, 128), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32)[None] / 255


@pytest.mark.real
def test_held_out_patients_are_seldom_flagged(nodules: TrainingImages, shared_data: Path) -> None:
    assert flagged(nodules, [image for image, _ in lidc(shared_data, "val", 5)]) < 0.02


@pytest.mark.real
def test_other_organs_and_changed_slices_are_flagged(
    nodules: TrainingImages, shared_data: Path, tmp_path: Path
) -> None:
    slices = [image for image, _ in lidc(shared_data, "val", 40)]
    build_store(plan_lidc_pickle(shared_data / "brain_growth" / "brain_growth_alpha.zip"), tmp_path / "brain")
    others = {
        "brain": [case.image for case in Store.open(tmp_path / "brain")],
        "skin": [squeezed(path) for path in sorted((shared_data / "skin" / "images").glob("*.png"))],
        "cells": [squeezed(path) for path in sorted((shared_data / "cells" / "ds1").glob("*/image.png"))],
        "inverted": [1 - image for image in slices],
        "noise": [RNG.random(image.shape, np.float32) for image in slices],
    }
    caught = {name: flagged(nodules, images) for name, images in others.items()}
    # 1,131 slices stand for LIDC here; of all 9,880 the limit is tighter, and 94 % of the cells are caught.
    wanted = {"brain": 0.95, "skin": 0.95, "cells": 0.6, "inverted": 0.95, "noise": 0.99}
    assert all(caught[name] >= share for name, share in wanted.items()), caught
