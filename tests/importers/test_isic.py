"""Images of the ISIC Archive and their segmentations, wherever they lie."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.form import Form
from atfm.importers.isic import plan_isic
from atfm.importers.plan import build_store

RNG = np.random.default_rng(0)


def picture(path: Path, size: tuple[int, int] = (12, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(path)
    return path


def mask(path: Path, size: tuple[int, int] = (12, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 2, size, np.uint8) * np.uint8(255)).save(path)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    for name in ("ISIC_1", "ISIC_2", "ISIC_10", "ISIC_1_2"):
        picture(folder / f"Images/{name}.png")
    picture(folder / "Images/ISIC_1_superpixels.png")
    (folder / "LICENSE.txt").write_text("CC-0")
    for name in ("ISIC_1_segmentation", "ISIC_1_novice_Segmentation_2", "ISIC_1_SEGMENTATION_10"):
        mask(folder / f"Segmentation/{name}.png")
    for who in ("anna", "ben"):
        mask(folder / f"{who}/ISIC_10_segmentation.png")
    mask(folder / "Segmentation/ISIC_1_2_segmentation.png")
    mask(folder / "Segmentation/ISIC_77_segmentation.png")
    return folder


def imported(folder: Path, **options: object) -> Store:
    build_store(plan_isic(folder, **options), folder.parent / "store")
    store = Store.open(folder.parent / "store")
    store.check()
    return store


def test_every_segmentation_finds_its_image(archive) -> None:
    store = imported(archive)
    assert [case_id for case_id, _ in store.ids()] == ["ISIC_1", "ISIC_1_2", "ISIC_10"]
    assert [store.annotators(i) for i in range(3)] == [3, 1, 2]
    assert (store.info.name, store.info.channels, store.info.dtype) == ("isic", 3, "uint8")
    names = ("ISIC_1_novice_Segmentation_2", "ISIC_1_SEGMENTATION_10", "ISIC_1_segmentation")
    stored = {name: np.asarray(Image.open(archive / f"Segmentation/{name}.png")) for name in names}
    order = [next(name for name in names if (stored[name] == m * 255).all()) for m in store[0].masks]
    assert order.index("ISIC_1_SEGMENTATION_10") < order.index("ISIC_1_segmentation") and len(set(order)) == 3


@pytest.mark.parametrize(
    ("annotators", "cases"), [(3, ["ISIC_1"]), (2, ["ISIC_10"]), (None, ["ISIC_1", "ISIC_1_2", "ISIC_10"])]
)
def test_the_number_of_annotators_is_a_filter_that_says_what_it_left_out(archive, annotators, cases) -> None:
    with plan_isic(archive, annotators=annotators) as plan:
        assert [case.case_id for case in plan.cases] == cases
        reasons = "\n".join(plan.skipped)
        assert "ISIC_77_segmentation.png: a segmentation without its image" in reasons
        assert "ISIC_2.png: no segmentation of it" in reasons and len(plan.skipped) == 4 + 3 - len(cases)
        assert "1 file left out, superpixels are no segmentation: " in reasons
        assert "left out, no pictures: " in reasons
        assert ("ISIC_1_2.png: 1 segmentations, not 3" in reasons) == (annotators == 3)


def test_grey_and_one_size(archive) -> None:
    store = imported(archive, annotators=3, form=Form(grey=True, size=(6, 5)))
    assert store.shape(0) == (6, 5) and store.info.channels == 1 and set(np.unique(store[0].masks)) == {0, 1}
    colours = np.asarray(Image.open(archive / "Images/ISIC_1.png")) / 255
    np.testing.assert_allclose(store[0].image.mean(), (colours @ [0.299, 0.587, 0.114]).mean(), atol=0.02)


def test_whose_the_images_are(archive) -> None:
    table = archive.parent / "metadata.csv"
    table.write_text("isic_id,patient_id,lesion_id\nISIC_1,IP_7,IL_1\nISIC_10,,IL_1\nISIC_99,IP_1,IL_2\n")
    assert imported(archive, patients=table).ids() == [
        ("ISIC_1", "IP_7"),
        ("ISIC_1_2", "ISIC_1_2"),
        ("ISIC_10", "IL_1"),
    ]


def test_splits_given_and_dealt(archive) -> None:
    with plan_isic(archive, splits={"train": ["ISIC_1"]}) as plan:
        assert plan.splits == {"train": ["ISIC_1"]}
    with plan_isic(archive, seed=1) as plan:
        assert sorted(patient for named in plan.splits.values() for patient in named) == [
            "ISIC_1",
            "ISIC_10",
            "ISIC_1_2",
        ]


def test_what_is_wrong_is_named(archive) -> None:
    for options, message in (
        ({"annotators": 5}, "none of its 4 images has exactly 5 segmentations"),
        ({"patients": archive / "none.csv"}, "none.csv: cannot be read: No such file"),
        ({"patients": archive / "LICENSE.txt"}, r"LICENSE.txt: expected columns isic_id and .*\['CC-0'\]"),
        ({"patients": archive / "Images/ISIC_1.png"}, r"ISIC_1.png: (not a CSV file|expected columns)"),
    ):
        with pytest.raises(InputError, match=message) as error:
            imported(archive, **options)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no such folder"):
        imported(archive / "nowhere")
    (archive.parent / "empty").mkdir()
    with pytest.raises(InputError, match="no images in it; expected files such as ISIC_0000000"):
        imported(archive.parent / "empty")
    mask(archive / "more/ISIC_1_segmentation.png", (12, 11))
    with pytest.raises(InputError, match=r"more/ISIC_1_segmentation.png: a mask of \[12, 11\] pixels beside an image"):
        imported(archive)
    picture(archive / "again/ISIC_1.jpg")
    with pytest.raises(InputError, match="there is another image of this name"):
        imported(archive)
    assert not (archive.parent / "store").exists()
