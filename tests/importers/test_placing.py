"""Masks are laid on their image by where they lie; volumes in many orders become a store of one."""

import itertools
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image

from atfm.data.store import Store
from atfm.errors import AmbiguousError, AtfmError, InputError
from atfm.importers import Form, build_store, plan_folder, survey

RNG = np.random.default_rng(6)
ALL = ["".join(way) for pairs in itertools.permutations(["LR", "PA", "SI"]) for way in itertools.product(*pairs)]
AFFINE = np.array([[-0.7, 0, 0, 40], [0, -0.8, 0, 50], [0, 0, 2.5, 6], [0, 0, 0, 1]])
IMAGE = RNG.integers(0, 256, (8, 7, 6), np.uint8)  # [X, Y, Z] of LPS
MASK = np.zeros((8, 7, 6), np.uint8)
MASK[1:5, 2:4, 3:6] = 1


def in_order(array: np.ndarray, letters: str = "LPS", affine: np.ndarray = AFFINE) -> nibabel.Nifti1Image:
    image = nibabel.Nifti1Image(array, affine)
    return image.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt(letters)))


def imported(folder: Path, masks: str = "{case}_m.nii", *, images: str = "{case}.nii", **form: object) -> Store:
    build_store(plan_folder(folder, images=images, masks=masks, form=Form(**form)), folder / "store")
    return Store.open(folder / "store")


@pytest.mark.parametrize("letters", ALL)
def test_the_same_region_overlaps_exactly_in_whatever_order(tmp_path: Path, letters: str) -> None:
    """Of a mask in R-A-S beside an image in L-P-S, 0 of 294 voxels overlapped, and it was imported."""
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    nibabel.save(in_order(MASK, letters), tmp_path / "a_m.nii")
    store = imported(tmp_path)
    np.testing.assert_array_equal(store[0].image[0] * 255, IMAGE.T)
    np.testing.assert_array_equal(store[0].masks[0], MASK.T)
    assert store.info.orientation == "LPS" and store[0].spacing == pytest.approx((2.5, 0.8, 0.7))


def test_a_mask_that_lies_elsewhere_is_refused_with_both_places(tmp_path: Path) -> None:
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    moved = AFFINE.copy()
    moved[2, 3] += 2.5
    nibabel.save(in_order(MASK, affine=moved), tmp_path / "a_m.nii")
    message = r"a_m.nii: does not lie where .*a.nii does, 2.5 mm apart: it is LPS, 8 x 7 x 6 .* the image is LPS, 8 x 7"
    with pytest.raises(InputError, match=message):
        imported(tmp_path)
    (refused,) = survey(plan_folder(tmp_path, images="{case}.nii", masks="{case}_m.nii"))["refused"]
    assert "2.5 mm apart" in refused


@pytest.mark.parametrize(("image", "mask"), [(".nii", ".npy"), (".npy", ".nii")])
def test_a_place_on_trust_is_said(tmp_path: Path, image: str, mask: str) -> None:
    for suffix, array, name in ((image, IMAGE, "a"), (mask, MASK, "a_m")):
        if suffix == ".npy":
            np.save(tmp_path / f"{name}.npy", array.T)
        else:
            nibabel.save(in_order(array), tmp_path / f"{name}.nii")
    store = imported(tmp_path, f"{{case}}_m{mask}", images=f"{{case}}{image}", spatial_dims=3)
    np.testing.assert_array_equal(store[0].masks[0], MASK.T)
    assert any("their place was taken on trust" in warning for warning in store.info.warnings)
    np.save(tmp_path / ("a.npy" if image == ".npy" else "a_m.npy"), MASK)  # [X, Y, Z], as nibabel has it
    with pytest.raises(InputError, match=r"a mask of .* pixels beside an image of"):
        build_store(
            plan_folder(tmp_path, images=f"{{case}}{image}", masks=f"{{case}}_m{mask}", form=Form(spatial_dims=3)),
            tmp_path / "other",
        )


def test_mixed_orientations_become_that_of_most(tmp_path: Path) -> None:
    for case, letters in (("a", "RAS"), ("b", "LPS"), ("c", "LPS"), ("d", "PIR")):
        nibabel.save(in_order(IMAGE, letters), tmp_path / f"{case}.nii")
        nibabel.save(in_order(MASK, letters), tmp_path / f"{case}_m.nii")
    store = imported(tmp_path)
    assert store.info.orientation == "LPS"
    assert "of 4 images 1 lie PIR, 1 lie RAS; they were turned to LPS" in store.info.warnings
    for case in store:
        np.testing.assert_array_equal(case.image[0] * 255, IMAGE.T)
        np.testing.assert_array_equal(case.masks[0], MASK.T)
        assert case.spacing == pytest.approx((2.5, 0.8, 0.7))


def test_an_orientation_can_be_stated(tmp_path: Path) -> None:
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    nibabel.save(in_order(MASK), tmp_path / "a_m.nii")
    store = imported(tmp_path, orientation="ras")
    assert store.info.orientation == "RAS"
    np.testing.assert_array_equal(store[0].image[0] * 255, IMAGE.T[:, ::-1, ::-1])
    np.testing.assert_array_equal(store[0].masks[0], MASK.T[:, ::-1, ::-1])
    with pytest.raises(InputError, match="--orientation: expected three letters"):
        plan_folder(tmp_path, images="{case}.nii", masks="{case}_m.nii", form=Form(orientation="up"))


def test_pictures_have_none_and_what_does_not_say_is_unknown(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(IMAGE[0]).save(tmp_path / f"{name}.png")
        Image.fromarray(MASK[2] * 255).save(tmp_path / f"{name}_m.png")
    assert imported(tmp_path, "{case}_m.png", images="{case}.png").info.orientation == "none"
    plan = plan_folder(tmp_path, images="{case}.png", masks="{case}_m.png", form=Form(orientation="LPS"))
    assert plan.orientation == "LPS" and "taken for LPS, as --orientation says" in " ".join(plan.warnings)


def test_some_that_say_and_some_that_do_not_are_unknown(tmp_path: Path) -> None:
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    silent = nibabel.Nifti1Image(IMAGE, None)
    silent.set_sform(None, 0)
    silent.set_qform(None, 0)
    nibabel.save(silent, tmp_path / "b.nii")
    for case in "ab":
        nibabel.save(in_order(MASK), tmp_path / f"{case}_m.nii")
    store = imported(tmp_path)
    assert store.info.orientation == "unknown"
    told = " ".join(store.info.warnings)
    assert "1 of 2 images do not say how they lie, so the store's orientation is unknown" in told
    assert "images do not say where they lie; their place was taken on trust" in told


def test_a_dry_run_tells_of_every_file_that_cannot_be_read(tmp_path: Path) -> None:
    for case in "abc":
        nibabel.save(in_order(IMAGE), tmp_path / f"{case}.nii")
        nibabel.save(in_order(MASK), tmp_path / f"{case}_m.nii")
    for case in "ac":
        (tmp_path / f"{case}.nii").write_bytes(b"damaged")
    told = survey(plan_folder(tmp_path, images="{case}.nii", masks="{case}_m.nii"))
    assert len(told["refused"]) == 2 and told["cases"] == 1 and told["orientation"] == "LPS"


def test_a_slice_of_another_plane_is_refused(tmp_path: Path) -> None:
    for case, letters in (("a", "LPS"), ("b", "LPS"), ("c", "PIR")):
        for name, array in ((case, IMAGE), (f"{case}_m", MASK)):
            nibabel.save(in_order(array, letters).slicer[:, :, 3:4], tmp_path / f"{name}.nii")
    with pytest.raises(InputError, match=r"c.nii: a single slice that lies PIR cannot be turned to LPS"):
        imported(tmp_path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd", ".nii.gz"])
def test_other_formats_as_images_and_as_masks(tmp_path: Path, suffix: str) -> None:
    for name, array in (("a", IMAGE), ("a_m", MASK)):
        nibabel.save(in_order(array), tmp_path / "lps.nii")
        image = SimpleITK.ReadImage(str(tmp_path / "lps.nii"))
        (tmp_path / "lps.nii").unlink()
        SimpleITK.WriteImage(
            SimpleITK.DICOMOrient(image, "SAL" if name == "a" else "LPS"), str(tmp_path / f"{name}{suffix}")
        )
    store = imported(tmp_path, f"{{case}}_m{suffix}", images=f"{{case}}{suffix}", orientation="LPS")
    np.testing.assert_array_equal(store[0].image[0] * 255, IMAGE.T)
    np.testing.assert_array_equal(store[0].masks[0], MASK.T)


def segmentation(path: Path, layers: np.ndarray, begin: tuple[int, int, int] = (0, 0, 0), **fields: object) -> None:
    """`layers` `[X, Y, Z]`, or `[L, X, Y, Z]`, from a voxel of the image on, as 3D Slicer keeps them."""
    lps = np.diag([-1, -1, 1, 1]) @ AFFINE
    directions = lps[:3, :3].T
    head = {"space": "left-posterior-superior", "space origin": (lps @ [*begin, 1])[:3]}
    if layers.ndim == 4:
        directions = np.vstack([np.full(3, np.nan), directions])
        head["kinds"] = ["list", "domain", "domain", "domain"]
    nrrd.write(str(path), layers, head | {"space directions": directions} | fields)


ONE = {"Segment0_Name": "tumour", "Segment0_Layer": "0", "Segment0_LabelValue": "1"}
TWO = ONE | {"Segment1_Name": "vessel", "Segment1_Layer": "1", "Segment1_LabelValue": "1"}


def test_a_segmentation_of_a_part_of_the_image_lies_where_it_says(tmp_path: Path) -> None:
    """Slicer keeps the smallest box round all segments."""
    nibabel.save(in_order(IMAGE, "RAS"), tmp_path / "a.nii")
    segmentation(tmp_path / "a_1.seg.nrrd", MASK[1:6, 2:5, 2:], (1, 2, 2), **ONE)
    segmentation(tmp_path / "a_2.seg.nrrd", np.zeros((1, 1, 1), np.uint8), (99, 0, 0), **ONE)  # nothing marked
    store = imported(tmp_path, "{case}_{annotator}.seg.nrrd", orientation="LPS")
    np.testing.assert_array_equal(store[0].masks, [MASK.T, np.zeros_like(MASK.T)])
    padded = np.pad(MASK, 2)
    segmentation(tmp_path / "a_1.seg.nrrd", padded, (-2, -2, -2), **ONE)  # beyond the image, but empty there
    build_store(
        plan_folder(tmp_path, images="{case}.nii", masks="{case}_{annotator}.seg.nrrd", form=Form(orientation="LPS")),
        tmp_path / "other",
    )
    np.testing.assert_array_equal(Store.open(tmp_path / "other")[0].masks[0], MASK.T)


@pytest.mark.parametrize(
    ("begin", "message"), [((7, 2, 2), "marks voxels outside"), ((1.5, 2, 2), "lies beside the voxels")]
)
def test_a_part_that_does_not_fit_is_refused(tmp_path: Path, begin, message: str) -> None:
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    segmentation(tmp_path / "a_m.seg.nrrd", MASK[1:6, 2:5, 2:], begin, **ONE)
    with pytest.raises(InputError, match=message):
        imported(tmp_path, "{case}_m.seg.nrrd")


def test_overlapping_segments_become_labels_that_are_told(tmp_path: Path) -> None:
    nibabel.save(in_order(IMAGE), tmp_path / "a.nii")
    other = np.zeros_like(MASK)
    other[4:7, 3:6, 4:] = 1
    segmentation(tmp_path / "a_m.seg.nrrd", np.stack([MASK, other]), **TWO)
    store = imported(tmp_path, "{case}_m.seg.nrrd", classes=3)
    np.testing.assert_array_equal(store[0].masks[0], np.where(other, 2, MASK).T)
    told = " ".join(store.info.warnings)
    assert "its segments became the labels 1 tumour, 2 vessel" in told
    assert f"{int((MASK & other).sum())} voxels are in more than one segment" in told
    with pytest.raises((AmbiguousError, InputError)) as raised:
        build_store(plan_folder(tmp_path, images="{case}.nii", masks="{case}_m.seg.nrrd"), tmp_path / "binary")
    assert isinstance(raised.value, AtfmError) and "\n" not in str(raised.value)
