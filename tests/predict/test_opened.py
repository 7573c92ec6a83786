"""An image in memory is what its file is: the same pixels, place, noise and words for every way to ask."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest
import tifffile
from PIL import Image

from atfm.errors import InputError
from atfm.models import Model, load
from atfm.predict import Prepared, prepare_file, sample, sample_file
from atfm.predict.opened import open_image, prepare_opened

RNG = np.random.default_rng(0)
VOLUME = RNG.integers(-1000, 1500, (6, 24, 20), np.int16)
SAGITTAL = np.array([[0.0, 0, 2.0, 5], [0.7, 0, 0, -3], [0, 0.6, 0, 40], [0, 0, 0, 1]])
STRETCH = {"kind": "stretch"}


def nifti(path: Path, volume: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(volume.T, affine), path)
    return path


def files(folder: Path) -> dict[str, Path]:
    """Images of every kind by name."""
    byte = RNG.integers(0, 256, (24, 20), np.uint8)
    Image.fromarray(byte).save(folder / "flat.png")
    Image.fromarray(RNG.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / "colour.png")
    tifffile.imwrite(folder / "stack.tif", RNG.integers(0, 256, (5, 24, 20), np.uint8), metadata={"axes": "ZYX"})
    np.save(folder / "flat.npy", byte)
    np.save(folder / "three.npy", RNG.integers(0, 256, (3, 16, 16), np.uint8))
    np.save(folder / "deep.npy", RNG.integers(0, 256, (6, 24, 20), np.uint8))
    nifti(folder / "axial.nii.gz", VOLUME, np.diag([-0.7, -0.6, 2.5, 1]))
    nifti(folder / "sagittal.nii.gz", VOLUME, SAGITTAL)
    nifti(folder / "single.nii.gz", VOLUME[:1], np.diag([-0.7, -0.6, 2.5, 1]))
    nrrd.write(str(folder / "deep.nrrd"), VOLUME.T)
    return {path.name: path for path in folder.iterdir() if path.is_file()}


def told(make: Callable[[], Prepared]) -> Any:
    """All that a prepared image is, or that it was refused."""
    try:
        found = make()
    except InputError:
        return "refused"
    return found.digest, found.key, found.how, found.warnings, found.at, found.place.form, found.place.turn


@pytest.mark.parametrize("size", [(16, 16), (4, 16, 16), (24, 20)], ids=str)
@pytest.mark.parametrize(
    "asked", [{}, {"slices": [0]}, {"at": (9, 11)}, {"at": (9, 11, 0)}, {"at": (3, 2, 4)}], ids=str
)
def test_it_is_fitted_as_its_file_is(make_model, tmp_path: Path, size: tuple[int, ...], asked: dict[str, Any]) -> None:
    model: Model = make_model(size=size, intensity=STRETCH, orientation="LPS")
    sound = 0
    for path in files(tmp_path).values():
        by_file = {"at": [asked["at"]]} if "at" in asked else asked
        opened = open_image(path)
        found = told(lambda: prepare_opened(model, opened, **asked))  # noqa: B023
        wanted = told(lambda: prepare_file(model, path, **by_file)[0])  # noqa: B023
        assert found == wanted, path.name
        sound += found != "refused"
    assert sound or size == (4, 16, 16)  # of which none of these files is a volume


def test_a_series_is_held_without_its_files(model: Model, tmp_path: Path, write_series) -> None:
    written = write_series(tmp_path / "ct")
    (wanted,) = prepare_file(model, tmp_path / "ct", at=[(5, 6, 3)], window=(-1000, 500))
    opened = open_image(tmp_path / "ct")
    for file in written:
        file.unlink()
    found = prepare_opened(model, opened, at=(5, 6, 3), window=(-1000, 500))
    assert (found.digest, found.place.files) == (wanted.digest, wanted.place.files)
    np.testing.assert_array_equal(sample(model, found, 3).masks, sample(model, wanted, 3).masks)


def test_a_spot_in_a_large_scan_is_that_of_the_command(tmp_path: Path) -> None:
    """512 x 512 x 60: what is drawn of the scan in memory is what `atfm sample --at` draws of its file."""
    scan = np.full((60, 512, 512), -800, np.int16)
    scan[30:33, 240:254, 300:318] = 40
    path = nifti(tmp_path / "ct.nii", scan, np.diag([-0.7, -0.7, 2.5, 1]))
    model, point = load("lidc"), (308, 247, 31)
    held = sample(model, prepare_opened(model, open_image(path), at=point), 4, seed=7)
    (result,) = sample_file(model, path, tmp_path / "out", 4, seed=7, at=[point], form="npy")
    direct = np.load(Path(result["out"]) / "samples.npy")  # [S, 1, H, W] of the slice that was looked at
    assert direct.any()
    np.testing.assert_array_equal(held.place.put(held.masks[:, 0], planes=True), direct)


def test_names_and_noise_can_be_another_than_the_files(model: Model, tmp_path: Path) -> None:
    Image.fromarray(RNG.integers(0, 256, (40, 40), np.uint8)).save(tmp_path / "Doe^Jane.png")
    opened = open_image(tmp_path / "Doe^Jane.png", name="the image", key="image-0")
    assert prepare_opened(model, opened, at=(9, 11)).key == "image-0 at 9 11"
    assert prepare_opened(model, opened, at=(9, 11), key="k").key == "k"
    for asked in ({}, {"at": (99, 11)}, {"slices": [1]}, {"slices": [1], "at": (3, 3)}):
        with pytest.raises(InputError) as raised:
            prepare_opened(model, opened, **asked)
        assert "Doe" not in str(raised.value)


def test_what_is_held_counts_every_array_once(tmp_path: Path) -> None:
    paths = files(tmp_path)
    assert open_image(paths["axial.nii.gz"]).nbytes == VOLUME.nbytes
    assert open_image(paths["single.nii.gz"]).nbytes == 2 * VOLUME[0].nbytes  # flat, and as a volume of one
