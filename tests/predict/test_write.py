"""Images in several formats become masks, maps and a sheet; what does not fit is one line."""

import errno
import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from atfm.errors import DiskError, InputError
from atfm.models import Model
from atfm.report.sheet import Tile, contact_sheet


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)


def test_png_gives_masks_maps_and_a_sheet(draw, model: Model, tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    result = draw(model, tmp_path / "a.png", tmp_path / "out", 5)
    masks = [np.asarray(Image.open(file)) for file in result["files"]["masks"]]
    assert len(masks) == 5
    assert set(np.unique(masks)) <= {0, 255}
    assert [int((mask > 0).sum()) for mask in masks] == result["areas"]
    probability = np.asarray(Image.open(result["files"]["probability"]))
    np.testing.assert_allclose(probability, np.mean(masks, 0), atol=0.51)
    assert Image.open(result["files"]["overlay"]).size[0] > 200
    assert Image.open(result["files"]["entropy"]).size == (16, 16)


def test_more_samples_leave_the_first_as_they_were(draw, model: Model, tmp_path: Path, pixels: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", pixels.astype(np.float32) / 255)
    few, many = (draw(model, tmp_path / "a.npy", tmp_path / str(n), n, seed=7, form="npy") for n in (3, 9))
    drawn = [np.load(result["files"]["samples"]) for result in (few, many)]
    assert drawn[0].shape == (3, 16, 16)
    assert (drawn[0] != drawn[1][:3]).mean() < 1e-3


def test_nifti_keeps_its_affine(draw, model: Model, tmp_path: Path, pixels: np.ndarray) -> None:
    affine = np.diag([0.7, 0.6, 2.5, 1.0])
    nibabel.save(nibabel.Nifti1Image(pixels.astype(np.float32) / 255, affine), tmp_path / "a.nii.gz")
    result = draw(model, tmp_path / "a.nii.gz", tmp_path / "out", 3)
    written = nibabel.load(result["files"]["samples"])
    np.testing.assert_allclose(written.affine, affine, atol=1e-5)
    assert 3 in written.shape
    assert nibabel.load(result["files"]["probability"]).get_fdata().max() <= 1


def test_colour_is_weighed_into_grey_for_a_grey_model(draw, model: Model, tmp_path: Path, pixels: np.ndarray) -> None:
    for name, array in (("colour", np.stack([pixels] * 3, -1)), ("grey", pixels)):
        (tmp_path / name).mkdir()
        Image.fromarray(array).save(tmp_path / name / "a.png")  # One file name, so one noise.
    colour, grey = (draw(model, tmp_path / name / "a.png", tmp_path / "out" / name, 4) for name in ("colour", "grey"))
    np.testing.assert_allclose(colour["areas"], grey["areas"], atol=1)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "large.npy",
            np.zeros((20, 16), np.float32),
            "expected an image of 16 x 16 pixels for the model small, got 20 x 16",
        ),
        ("nan.npy", np.full((16, 16), np.nan, np.float32), "NaN"),
        ("text.npy", np.array(["a"]), "text.npy"),
    ],
)
def test_images_that_do_not_fit(draw, model: Model, tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / name, array)
    with pytest.raises(InputError, match=message):
        draw(model, tmp_path / name, tmp_path / "out", 2)
    assert not (tmp_path / "out").exists()


def test_no_samples_are_refused(draw, model: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 1 sample, got 0"):
        draw(model, tmp_path / "a.png", tmp_path, 0)


def test_hypotheses_stand_in_the_result_and_in_files(draw, model: Model, tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    result = draw(model, tmp_path / "a.png", tmp_path / "out", 8, seed=1)
    assert sum(one["probability"] for one in result["hypotheses"]) == pytest.approx(1)
    masks = [np.asarray(Image.open(file)) for file in result["files"]["masks"]]
    for one in result["hypotheses"]:
        assert set(one) == {"name", "probability", "low", "high", "area", "area_mm2", "volume_ml", "file"}
        assert one["low"] <= one["probability"] <= one["high"]
        medoid = np.asarray(Image.open(one["file"]))
        assert int((medoid > 0).sum()) == one["area"]
        assert any(np.array_equal(medoid, mask) for mask in masks)
    written = json.loads(Path(result["files"]["json"]).read_text())
    assert (written["model"], written["seed"], written["key"]) == ("small", 1, "a")
    assert written["areas"] == result["areas"] and result["out"] == str(tmp_path / "out")
    for name in (*written["files"]["masks"], *(one["file"] for one in written["hypotheses"])):
        assert (tmp_path / "out" / name).exists() and not Path(name).is_absolute()


@pytest.mark.parametrize("seed", range(3))
def test_the_sheet_shows_the_hypotheses_first(
    draw, model: Model, tmp_path: Path, pixels: np.ndarray, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []

    def sheet(tiles: list[Tile], *, zoom: bool) -> Image.Image:
        captions.extend(tile.caption for tile in tiles)
        assert len({tile.image.shape[1:] for tile in tiles}) == 1 and not zoom  # all show the same place
        return contact_sheet(tiles, zoom=zoom)

    monkeypatch.setattr("atfm.predict.overlay.contact_sheet", sheet)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    result = draw(model, tmp_path / "a.png", tmp_path / "out", 40, seed=seed)
    found = result["hypotheses"]
    assert [caption.split("\n")[0] for caption in captions[: len(found)]] == [one["name"] for one in found]
    assert captions[len(found) : len(found) + 3] == ["the first samples together", "mean probability", "ambiguity"]
    assert len(captions) == 24


def test_a_folder_that_cannot_be_written_is_told_before_drawing(
    draw, model: Model, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(model.method, "sample", lambda *_, **__: pytest.fail("it was drawn"))
    with pytest.raises(DiskError, match="a part of the path is a file"):
        draw(model, tmp_path / "a.png", tmp_path / "file" / "out", 2)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DiskError, match="no permission to write there"):
        draw(model, tmp_path / "a.png", tmp_path / "out", 2)


def test_a_full_disk_is_one_line(
    draw, model: Model, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskError, match="the disk is full; free some space"):
        draw(model, tmp_path / "a.png", tmp_path / "out", 2)
    assert not (tmp_path / "out").exists()
