"""DICOM series with Segmentations and RT Structure Sets of several observers, by the folder importer."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.store import Store
from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.importers.folder import plan_folder
from atfm.importers.form import Form
from atfm.importers.plan import build_store
from atfm.importers.survey import survey

SHAPE = (4, 12, 16)
PATTERNS = {"images": "{case}/ct/", "masks": "{case}/{annotator}.dcm"}
HU = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
FORM = Form(window=(-1000, 1000))


def box(low: float, high: float, slice_: int) -> np.ndarray:
    """A square between the centres of pixels, in the millimetres of `write_series`."""
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    return np.column_stack([np.add(corners, (-10, 20)), np.full(4, -30 + 2.5 * slice_)])


@pytest.fixture
def scans(tmp_path: Path, dicom, masks) -> Path:
    """Two cases: one by two people in RT Structure Sets and one in a Segmentation, the other by one."""
    root = tmp_path / "scans"
    for number, case in enumerate(("a", "b")):
        fields = masks.WHOLE | {"FrameOfReferenceUID": f"1.2.3.9{number}"}
        files = dicom.write_series(root / case / "ct", HU + number, series=f"1.2.{number}", **fields)
        frame = {"frame": f"1.2.3.9{number}", "series": f"1.2.{number}"}
        if case == "a":
            masks.write_structures(root / "a/ann.dcm", {"GTV": [("CLOSED_PLANAR", box(1.5, 6.5, 1))]}, **frame)
            bits = np.zeros((1, *SHAPE), bool)
            bits[0, 2, 3:9, 4:7] = True
            masks.write_masks(root / "a/eve.dcm", files, bits, ["GTV"])
        masks.write_structures(root / case / "bob.dcm", {"GTV": [("CLOSED_PLANAR", box(2.5, 7.5, 2))]}, **frame)
    return root


def imported(folder: Path, **options) -> Store:
    build_store(plan_folder(folder, **{"form": FORM, **PATTERNS, **options}), folder.parent / "store")
    store = Store.open(folder.parent / "store")
    store.check()
    return store


def test_series_and_the_masks_of_their_observers(scans) -> None:
    store = imported(scans)
    one, other = store
    np.testing.assert_allclose(one.image[0], (np.clip(HU, -1000, 1000) + 1000) / 2000, atol=1e-6)
    assert one.masks.shape == (3, *SHAPE) and other.masks.shape == (1, *SHAPE) and one.spacing == (2.5, 1.0, 1.0)
    ann, bob, eve = np.zeros((3, *SHAPE), np.uint8)
    ann[1, 2:7, 2:7] = bob[2, 3:8, 3:8] = eve[2, 3:9, 4:7] = 1
    np.testing.assert_array_equal(one.masks, [ann, bob, eve])
    np.testing.assert_array_equal(other.masks, [bob])


def test_files_that_lie_about_and_guesses_reach_the_store_and_the_dry_run(scans, masks) -> None:
    (scans / "a/ct/notes.txt").write_text("nothing")
    (scans / "a/ct/.DS_Store").write_text("nothing")
    with_hole = {"GTV": [("CLOSED_PLANAR", box(1.5, 8.5, 1)), ("CLOSED_PLANAR", box(3.5, 5.5, 1))]}
    masks.write_structures(scans / "a/ann.dcm", with_hole, frame="1.2.3.90", series="1.2.0")
    store = imported(scans)
    told = survey(plan_folder(scans, form=FORM, **PATTERNS))
    for lines in (list(store.info.warnings), told["warnings"]):
        text = "\n".join(lines)
        assert "left out, no DICOM: 1 file, notes.txt (case a)" in text
        assert "ROI 'GTV': CLOSED_PLANAR contours within others were taken as holes (case a)" in text
    assert next(iter(store)).masks[0].sum() == 7 * 7 - 2 * 2
    assert any("hidden" in line for line in told["skipped"])


def test_masks_beside_their_series_in_one_folder(scans) -> None:
    for case in ("a", "b"):
        for file in (scans / case / "ct").iterdir():
            file.rename(scans / case / f"slice-{file.name}")
        for who in ("ann", "bob", "eve"):
            if (scans / case / f"{who}.dcm").exists():
                (scans / case / f"{who}.dcm").rename(scans / case / f"mask-{who}.dcm")
    store = imported(scans, images="{case}/", masks="{case}/mask-{annotator}.dcm")
    assert len(store) == 2 and not any("left out" in line for line in store.info.warnings)


def test_one_file_for_each_case_with_a_picture_as_its_mask(tmp_path, dicom) -> None:
    root, stored = tmp_path / "scans", np.arange(96, dtype=np.uint16).reshape(8, 12)
    dicom.write_slice(root / "images/a.dcm", stored, Modality="CR", position=None)
    (root / "masks").mkdir()
    Image.fromarray((stored > 40).astype(np.uint8) * 255).save(root / "masks/a_x.png")
    store = imported(root, images="images/{case}.dcm", masks="masks/{case}_{annotator}.png", form=Form(window=(0, 95)))
    (case,) = store
    assert case.image.shape == (1, 8, 12)
    np.testing.assert_array_equal(case.masks[0], stored > 40)


def test_a_window_is_asked_for_and_never_taken_from_the_file(scans) -> None:
    with pytest.raises(InputError, match="give a window"):
        imported(scans, form=Form())


def test_several_structures_and_the_flag_that_chooses(scans, masks, capsys) -> None:
    ring = {"heart": box(0.5, 9.5, 1), "GTV_cat": box(1.5, 4.5, 1), "GTV_dan": box(1.5, 5.5, 1)}
    rois = {name: [("CLOSED_PLANAR", points)] for name, points in ring.items()}
    for number, case in enumerate("ab"):
        masks.write_structures(scans / case / "all.dcm", rois, frame=f"1.2.3.9{number}", series=f"1.2.{number}")
    options = {"masks": "{case}/all.dcm"}
    with pytest.raises(
        AmbiguousError, match="3 structures, 'heart', 'GTV_cat', 'GTV_dan'; say which is meant with --roi"
    ):
        imported(scans, **options)
    command = ["data", "import", "folder", str(scans), "--images", "{case}/ct/", "--masks", "{case}/all.dcm"]
    command += ["--window", "-1000", "1000", "--roi", "^GTV_(.+)$", "--out", str(scans.parent / "store")]
    assert main(command) == 0
    for case in Store.open(scans.parent / "store"):
        assert [int(mask.sum()) for mask in case.masks] == [9, 16]
    assert main([*command, "--roi", "(", "--out", str(scans.parent / "other")]) == 2
    assert "not a regular expression" in capsys.readouterr().err


def test_what_does_not_go_together_is_refused_with_both_named(scans) -> None:
    swapped = {"masks": "{case}/{annotator}.dcm", "images": "{case}/ct/"}
    (scans / "a/ct").rename(scans / "t")
    (scans / "b/ct").rename(scans / "a/ct")
    (scans / "t").rename(scans / "b/ct")
    with pytest.raises(InputError, match=r"ann.dcm: drawn in frame of reference 1.2.3.90, but .*a/ct lies in 1.2.3.91"):
        imported(scans, **swapped)
    with pytest.raises(UnsupportedError, match="structures are read as binary masks"):
        imported(scans, form=Form(window=(-1000, 1000), classes=3))


def test_a_dicom_mask_wants_a_dicom_image(tmp_path, scans) -> None:
    for case in "ab":
        Image.fromarray(np.zeros((12, 16), np.uint8)).save(scans / f"{case}.png")
    with pytest.raises(UnsupportedError, match="read as a mask on a DICOM image"):
        imported(scans, images="{case}.png", form=Form())
