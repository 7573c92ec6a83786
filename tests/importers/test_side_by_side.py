"""Images and masks in one folder with one extension: the more specific pattern wins."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.store import Store
from atfm.errors import AmbiguousError, InputError
from atfm.importers.finding import find_cases
from atfm.importers.folder import plan_folder
from atfm.importers.naming import Pattern
from atfm.importers.plan import build_store


def put(folder: Path, *names: str) -> Path:
    """Images of an even grey that tells them apart, and masks for every name with another ending."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((4, 5), 10 + number, np.uint8)
        if any(word in name for word in ("mask", "_x", "_y", "anna")):
            pixels = np.zeros((4, 5), np.uint8)
            pixels[:2] = 255
        Image.fromarray(pixels).save(folder / name)
    return folder


def cases(folder: Path, images: str, masks: str, **options: object) -> dict[str, int]:
    """The number of masks of each case that is imported."""
    build_store(plan_folder(folder, images=images, masks=masks, **options), folder.parent / "store")
    store = Store.open(folder.parent / "store")
    return {case: store.annotators(i) for i, (case, _) in enumerate(store.ids())}


def test_one_folder_one_extension(tmp_path) -> None:
    names = [f"{kind} ({i}){end}.png" for kind in ("benign", "normal") for i in (1, 2) for end in ("", "_mask")]
    folder = put(tmp_path / "in", *names, "benign (1)_mask_1.png")
    with pytest.raises(InputError, match="has a mask already and the pattern has no"):
        cases(folder, "{case}.png", "{case}_mask*.png")
    (folder / "benign (1)_mask_1.png").unlink()
    assert cases(folder, "{case}.png", "{case}_mask.png") == dict.fromkeys(
        ["benign (1)", "benign (2)", "normal (1)", "normal (2)"], 1
    )


def test_several_annotators_beside_the_image(tmp_path) -> None:
    folder = put(tmp_path / "in", "a_1.png", "a_1_x.png", "a_1_y.png", "a_2.png", "a_2_x.png", "b.png", "b_anna_z.png")
    assert cases(folder, "{case}.png", "{case}_{annotator}.png") == {"a_1": 2, "a_2": 1, "b": 1}


def test_the_images_pattern_wins_where_it_is_more_specific(tmp_path) -> None:
    folder = put(tmp_path / "in", "one/image.png", "one/anna.png", "two/image.png", "two/anna_2.png")
    assert cases(folder, "{case}/image.png", "{case}/{annotator}.png") == {"one": 1, "two": 1}


def test_a_mask_of_nothing_is_an_image(tmp_path) -> None:
    folder = put(tmp_path / "in", "a.png", "a_mask.png", "b_mask.png", "b_mask_mask.png")
    assert cases(folder, "{case}.png", "{case}_mask.png") == {"a": 1, "b_mask": 1}


def test_what_may_be_both_is_ambiguous(tmp_path) -> None:
    folder = put(tmp_path / "in", "a.png", "a_y.png", "a_1.png", "a_1_x.png")
    with pytest.raises(AmbiguousError, match=r"a_1.png: may be an image, of which a_1_x.png is a mask, or itself a"):
        cases(folder, "{case}.png", "{case}_{annotator}.png")
    images = put(tmp_path / "apart/images", "a.png", "a_1.png").parent
    put(images / "masks", "a_y.png", "a_1_x.png")
    assert cases(images, "images/{case}.png", "masks/{case}_{annotator}.png") == {"a": 1, "a_1": 1}


@pytest.mark.parametrize(
    ("names", "masks", "message"),
    [
        (["a.png", "a_mask.png"], "{case}.png", "2 files that fit it fit the pattern of the images too"),
        (["a.png", "b.png"], "{case}_mask.png", "all 2 files of the folder are images by their pattern, such as a.png"),
        (["a.png", "notes.bmp"], "{case}_mask.png", "beside 1 images the folder holds notes.bmp"),
        (["a.png", "m/c_x.png"], "m/{case}_x.png", "what fits it belongs to no image: m/c_x.png"),
    ],
)
def test_a_folder_without_a_mask_is_told_in_the_right_words(tmp_path, names, masks, message) -> None:
    folder = put(tmp_path / "in", *names)
    with pytest.raises(InputError, match=message) as error:
        cases(folder, "{case}.png", masks)
    assert "no other file" not in str(error.value)


def test_letter_case_of_extensions_does_not_matter(tmp_path) -> None:
    folder = put(tmp_path / "in", "images/a.PNG", "images/b.png", "masks/a_x.Png", "masks/b_x.PNG")
    assert cases(folder, "images/{case}.png", "masks/{case}_{annotator}.PNG") == {"a": 1, "b": 1}


def test_other_letters_do(tmp_path) -> None:
    folder = put(tmp_path / "in", "images/a.png", "images/A.png", "masks/a_x.png", "masks/A_x.png")
    assert cases(folder, "images/{case}.png", "masks/{case}_{annotator}.png") == {"A": 1, "a": 1}


def test_two_files_that_differ_in_the_extension_alone_are_told_of(tmp_path) -> None:
    folder = put(tmp_path / "in", "images/a.png", "images/a.PNG", "masks/a_x.png")
    with pytest.raises(InputError, match="case a has an image already"):
        cases(folder, "images/{case}.png", "masks/{case}_{annotator}.png")


def test_a_pattern_that_ends_in_a_slash_names_folders(tmp_path) -> None:
    folder = put(tmp_path / "in", "a/ct/1.png", "a/ct/2.png", "a/masks/x.png", "b/ct/1.png", "b/masks/x.png")
    found = find_cases(folder, Pattern("{case}/ct/"), Pattern("{case}/masks/{annotator}.png"))
    assert {case: files.image for case, files in found.items()} == {"a": folder / "a/ct", "b": folder / "b/ct"}
    assert found["a"].masks == {"x": folder / "a/masks/x.png"}
