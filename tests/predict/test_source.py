"""What a path is, before any model is asked."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.errors import InputError
from atfm.predict.source import ends, is_dicom, read_source, title


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a/nodule.png", "nodule"),
        ("a/brain.nii.gz", "brain"),
        ("a/1.2.840.113.dcm", "1.2.840.113"),
        ("a/1.2.840.113", "1.2.840.113"),
        ("a/v1.5.PNG", "v1.5"),
        ("a/series/", "series"),
        ("/.png", "image"),
    ],
)
def test_titles(path: str, wanted: str) -> None:
    assert title(Path(path)) == wanted


def test_the_folder_that_one_is_in_has_a_title(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert title(Path(".")) == tmp_path.name


def test_a_dicom_is_known_by_name_or_by_its_letters(tmp_path: Path, write_series) -> None:
    (file,) = write_series(tmp_path / "s", depth=1)
    bare = file.rename(tmp_path / "IM0001")
    assert is_dicom(bare) and is_dicom(tmp_path / "nowhere.DCM")
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    assert not is_dicom(tmp_path / "a.png") and not is_dicom(tmp_path / "nowhere")


def test_a_series_is_a_volume_in_order_of_position(tmp_path: Path, write_series) -> None:
    files = write_series(tmp_path / "s")
    source = read_source(tmp_path / "s", spatial_dims=None)
    assert source.files == tuple(files)  # by position, not by name
    assert source.picture.pixels.shape == (1, 5, 16, 16)
    assert source.picture.spacing == pytest.approx((2.5, 0.5, 0.75))
    assert source.picture.meta["modality"] == "CT"
    assert source.in_units and source.frames == (0,) * 5


@pytest.mark.parametrize(("window", "wanted"), [((-600.0, 1500.0), (-1350, 149)), ((0.0, 1.0), None), (None, None)])
def test_ends_of_a_window(window: tuple[float, float] | None, wanted: tuple[float, float] | None) -> None:
    assert ends(window) == wanted


def test_folders_that_are_no_series(tmp_path: Path, write_series) -> None:
    with pytest.raises(InputError, match="an empty folder; give an image"):
        read_source(tmp_path, spatial_dims=None)
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    with pytest.raises(InputError, match="--series chooses among DICOM series"):
        read_source(tmp_path / "a.npy", spatial_dims=None, series="1.2")
    write_series(tmp_path / "two")
    for file in write_series(tmp_path / "other"):
        file.rename(tmp_path / "two" / f"other-{file.name}")
    with pytest.raises(InputError, match="series") as error:
        read_source(tmp_path / "two", spatial_dims=None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.png", "a"),
        ("..png", "..png"),
        ("...png", "...png"),
        ("....nii.gz", "....nii.gz"),
        (". .png", ". .png"),
        (".png", "image"),
        ("..a.png", "..a"),
        ("a..png", "a."),
    ],
)
def test_a_title_is_the_name_of_a_folder_and_no_way_out_of_one(tmp_path: Path, name: str, wanted: str) -> None:
    found = title(tmp_path / name)
    assert found == wanted
    out = tmp_path / "out"
    assert (out / found).resolve().parent == out
