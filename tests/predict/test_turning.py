"""A model sees every image as its training images lay, and what it draws lies on the file's own voxels."""

import itertools
import zipfile
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK
from nibabel.orientations import aff2axcodes, axcodes2ornt, io_orientation, ornt_transform
from PIL import Image

from atfm.errors import InputError
from atfm.models import Model, load
from atfm.predict import Prepared, prepare_file, sample_file

RNG = np.random.default_rng(5)
ALL = ["".join(way) for pairs in itertools.permutations(["LR", "PA", "SI"]) for way in itertools.product(*pairs)]
VOLUME = RNG.integers(0, 256, (16, 16, 16), np.uint8)  # [D, H, W] of LPS, cubic: no shape tells the axes apart
AFFINE = np.array([[-0.7, 0, 0, 4], [0, -0.8, 0, 5], [0, 0, 2.5, 6], [0, 0, 0, 1]])
LPS = nibabel.Nifti1Image(VOLUME.T, AFFINE)


def as_lps(image: nibabel.Nifti1Image) -> np.ndarray:
    """`[D, H, W]` of an image, turned by nibabel."""
    by = ornt_transform(io_orientation(image.affine), axcodes2ornt("LPS"))
    return np.asanyarray(image.as_reoriented(by).dataobj).T


def stored(path: Path, letters: str) -> nibabel.Nifti1Image:
    """The same volume in another order, also written as `path`."""
    image = LPS.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt(letters)))
    assert "".join(aff2axcodes(image.affine)) == letters
    nibabel.save(image, path)
    return image


@pytest.fixture
def axial(make_model) -> Model:
    """A model of 16 x 16 slices that lay LPS."""
    return make_model(orientation="LPS")


def axial_number(image: nibabel.Nifti1Image, k: int) -> int:
    """The number of the axial slice `k` of LPS along that axis of a file."""
    axis = next(a for a, letter in enumerate(aff2axcodes(image.affine)) if letter in "SI")
    return k if aff2axcodes(image.affine)[axis] == "S" else image.shape[axis] - 1 - k


@pytest.mark.parametrize("letters", ALL)
def test_a_slice_is_axial_however_the_file_is_stored(axial: Model, tmp_path: Path, letters: str) -> None:
    image = stored(tmp_path / "a.nii", letters)
    (found,) = prepare_file(axial, tmp_path / "a.nii", slices=[axial_number(image, 3), axial_number(image, 9)])
    np.testing.assert_array_equal(found.image[0] * 255, VOLUME[[3, 9]])
    assert found.place.slices == tuple(sorted(axial_number(image, k) for k in (3, 9)))


@pytest.mark.parametrize("letters", ALL)
def test_a_volume_and_its_masks_turn_there_and_back(make_model, tmp_path: Path, letters: str) -> None:
    image = stored(tmp_path / "a.nii", letters)
    (found,) = prepare_file(make_model((16, 16, 16), orientation="LPS"), tmp_path / "a.nii")
    np.testing.assert_array_equal(found.image[0] * 255, VOLUME)
    np.testing.assert_array_equal(found.place.put(VOLUME), np.asanyarray(image.dataobj).T)


@pytest.mark.parametrize("letters", ALL)
def test_a_point_is_a_voxel_of_the_file(axial: Model, tmp_path: Path, letters: str) -> None:
    image = stored(tmp_path / "a.nii", letters)
    world = AFFINE @ [5, 12, 3, 1]
    at = np.rint(np.linalg.solve(image.affine, world))[:3].astype(int)
    (by_voxel,) = prepare_file(axial, tmp_path / "a.nii", at=[at.tolist()])
    (by_mm,) = prepare_file(axial, tmp_path / "a.nii", at_mm=[world[:3].tolist()])
    assert by_voxel.at == by_mm.at == tuple(at)
    (wanted,) = prepare_file(axial, write_lps(tmp_path), at=[(5, 12, 3)])
    for found in (by_voxel, by_mm):
        np.testing.assert_array_equal(found.image, wanted.image)
        drawn = RNG.integers(0, 2, wanted.place.size, np.uint8)
        back = nibabel.Nifti1Image(found.place.put(drawn).T, image.affine)
        np.testing.assert_array_equal(as_lps(back), wanted.place.put(drawn))
    assert (wanted.place.mm2, by_mm.place.mm2) == pytest.approx((0.7 * 0.8, 0.7 * 0.8))


def write_lps(folder: Path) -> Path:
    nibabel.save(LPS, folder / "lps.nii")
    return folder / "lps.nii"


@pytest.mark.parametrize("letters", ["LPS", "LAS", "RAS", "PIR", "ASL", "SRP"])
def test_every_format_lies_on_the_voxels_of_the_file(axial: Model, tmp_path: Path, letters: str) -> None:
    """NIfTI, NPY and PNG of the same noise: turned to LPS they are those of the volume in LPS."""
    image = stored(tmp_path / "a.nii", letters)
    chosen = sorted(axial_number(image, k) for k in (3, 9))
    results = {}
    for form in ("nifti", "npy", "png", "nrrd"):
        (results[form],) = sample_file(axial, tmp_path / "a.nii", tmp_path / form, 3, slices=chosen, form=form, key="k")
    (wanted,) = sample_file(axial, write_lps(tmp_path), tmp_path / "lps", 3, slices=[3, 9], key="k")
    reference = nibabel.load(tmp_path / "lps" / "samples.nii.gz").get_fdata()
    assert 0 < reference.mean() < 2 / 16
    assert {tuple(result["areas"]) for result in results.values()} == {tuple(wanted["areas"])}
    assert {tuple(result["slices"]) for result in results.values()} == {tuple(chosen)}
    samples = nibabel.load(tmp_path / "nifti" / "samples.nii.gz")
    np.testing.assert_allclose(samples.affine, image.affine, atol=1e-6)
    for s in range(3):
        own = np.asanyarray(samples.dataobj)[..., s]  # [X, Y, Z] of the file
        np.testing.assert_array_equal(as_lps(nibabel.Nifti1Image(own, image.affine)).T, reference[..., s])
        axis = next(a for a, letter in enumerate(letters) if letter in "SI")
        covered = own.any((1, 2)) if letters[0] in "SI" else None
        saved = np.load(tmp_path / "npy" / "samples.npy")[s]  # of the file's slices those that are covered
        np.testing.assert_array_equal(saved, own.T[chosen] if axis == 2 else own.T)
        assert covered is None or set(np.flatnonzero(covered)) <= set(chosen)
        for k in chosen:
            picture = np.asarray(Image.open(tmp_path / "png" / f"slice-{k:04d}" / f"mask-{s:03d}.png"))
            np.testing.assert_array_equal(picture > 0, np.take(own, k, axis).T > 0)
    layers = SimpleITK.ReadImage(str(tmp_path / "nrrd" / "samples.nrrd"))
    for s in range(3):
        volume = SimpleITK.DICOMOrient(SimpleITK.VectorIndexSelectionCast(layers, s), "LPS")
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(volume).T, reference[..., s])
    for name in ("probability", "entropy", "hypothesis-1"):
        mine, other = (nibabel.load(tmp_path / folder / f"{name}.nii.gz") for folder in ("nifti", "lps"))
        np.testing.assert_array_equal(as_lps(mine), np.asanyarray(other.dataobj).T)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd", ".nii.gz"])
def test_other_formats_are_turned_too(axial: Model, tmp_path: Path, suffix: str) -> None:
    """SimpleITK turns the volume and writes it; a point in millimetres is LPS there."""
    nibabel.save(LPS, tmp_path / "lps.nii")
    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(tmp_path / "lps.nii")), "SAL")
    SimpleITK.WriteImage(image, str(tmp_path / f"a{suffix}"))
    world = AFFINE @ [5, 12, 3, 1]
    point = world[:3] if suffix == ".nii.gz" else world[:3] * [-1, -1, 1]
    (found,) = prepare_file(axial, tmp_path / f"a{suffix}", at_mm=[point.tolist()])
    (wanted,) = prepare_file(axial, tmp_path / "lps.nii", at=[(5, 12, 3)])
    np.testing.assert_array_equal(found.image, wanted.image)


def test_what_dcm2niix_writes_gives_the_masks_of_the_dicom(axial: Model, tmp_path: Path, write_series) -> None:
    """Its rows run from back to front, LAS: seen upside down, the model drew other masks (Dice .67 to .98)."""
    write_series(tmp_path / "s")
    SimpleITK.WriteImage(
        SimpleITK.DICOMOrient(SimpleITK.ReadImage(sorted(map(str, (tmp_path / "s").iterdir()))[::-1]), "LAS"),
        str(tmp_path / "a.nii.gz"),
    )
    options = {"slices": [1, 3], "key": "k", "window": (-1000, 500), "form": "nifti"}
    for image, out in (("s", "dicom"), ("a.nii.gz", "flipped")):
        list(sample_file(axial, tmp_path / image, tmp_path / out, 4, **options))
    dicom, flipped = (nibabel.load(tmp_path / out / "samples.nii.gz") for out in ("dicom", "flipped"))
    assert np.asanyarray(dicom.dataobj).any() and aff2axcodes(flipped.affine) == tuple("LAS")
    for s in range(4):
        volumes = [nibabel.Nifti1Image(np.asanyarray(one.dataobj)[..., s], one.affine) for one in (dicom, flipped)]
        np.testing.assert_array_equal(as_lps(volumes[0]), as_lps(volumes[1]))


def test_a_segmentation_refers_to_every_slice_that_an_axial_plane_cuts(
    axial: Model, tmp_path: Path, write_series
) -> None:
    """A sagittal series: an axial plane is a row of each of its images."""
    files = write_series(tmp_path / "s", depth=16, ImageOrientationPatient=[0, 1, 0, 0, 0, -1], **{})
    import pydicom

    for k, file in enumerate(files):
        with pydicom.dcmread(file) as ds:
            ds.ImagePositionPatient, ds.PixelSpacing = [10 + 2.5 * k, -20, 30], [0.5, 0.75]
            ds.save_as(file)
    (found,) = prepare_file(axial, tmp_path / "s", slices=[4], window=(-1000, 500))
    raw = np.stack([pydicom.dcmread(file).pixel_array for file in sorted(files, key=position)]).astype(float) - 1000
    np.testing.assert_allclose(found.image[0, 0], np.clip((raw[::-1, 4].T + 1000) / 1500, 0, 1), atol=1e-6)
    assert len(found.place.files) == 16 and found.place.slices == (4,)
    for form in ("dicom-seg", "dicom-pm", "rtstruct"):
        options = {"slices": [4], "window": (-1000, 500), "form": form}
        (result,) = sample_file(axial, tmp_path / "s", tmp_path / form, 2, **options)
        samples = np.asanyarray(nibabel.load(tmp_path / form / "samples.nii.gz").dataobj)
        assert samples.any() and not np.delete(samples, 4, 1).any()  # row 4 of every image, and no other
        drawn = [one for one in result["hypotheses"] if one["area"]]
        assert sum(one["area"] for one in drawn) > 0
        if form == "dicom-seg":
            with pydicom.dcmread(tmp_path / form / "segmentation.dcm") as ds:
                frames = ds.pixel_array.reshape(-1, 16, 16)
                assert frames.sum() == sum(one["area"] for one in drawn)
                assert not np.delete(frames, 4, 1).any()
        if form == "dicom-pm":
            with pydicom.dcmread(tmp_path / form / "probability.dcm") as ds:
                values = ds.pixel_array.reshape(-1, 16, 16)
                np.testing.assert_allclose(values.sum(), samples.mean(-1).sum(), rtol=1e-5)
                assert not np.delete(values, 4, 1).any()


def position(file: Path) -> float:
    import pydicom

    return -float(pydicom.dcmread(file).ImagePositionPatient[0])


def warnings(model: Model, path: Path, **options: object) -> str:
    found: list[Prepared] = prepare_file(model, path, **options)
    return " | ".join(found[0].warnings)


def test_what_is_not_turned_is_said(axial: Model, model: Model, make_model, tmp_path: Path) -> None:
    nibabel.save(LPS, tmp_path / "a.nii")
    for unknown in (model, make_model(orientation="unknown"), make_model(orientation="none")):
        assert "it lies LPS, and how the training images of small lay is not known; nothing was turned" in warnings(
            unknown, tmp_path / "a.nii", slices=[3]
        )
    assert warnings(axial, tmp_path / "a.nii", slices=[3]) == ""
    nowhere = nibabel.Nifti1Image(VOLUME.T, None)
    nowhere.set_sform(None, 0)
    nowhere.set_qform(None, 0)
    nibabel.save(nowhere, tmp_path / "b.nii")
    assert "it does not say how it lies; taken for LPS" in warnings(axial, tmp_path / "b.nii", slices=[3])
    np.save(tmp_path / "c.npy", VOLUME)
    assert warnings(axial, tmp_path / "c.npy", slices=[3]) == ""
    stored(tmp_path / "d.nii", "PIR")
    assert "it lies PIR and was turned to LPS: slices of the model are rows of the file" in warnings(
        axial, tmp_path / "d.nii", slices=[3]
    )
    c, s = np.cos(np.pi / 5), np.sin(np.pi / 5)
    tilted = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]]) @ AFFINE
    nibabel.save(nibabel.Nifti1Image(VOLUME.T, tilted), tmp_path / "e.nii")
    assert "it is tilted by 36 degrees; LPS is only the nearest" in warnings(axial, tmp_path / "e.nii", slices=[3])


def test_a_lone_slice_turns_in_its_plane_only(axial: Model, tmp_path: Path) -> None:
    flipped = LPS.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt("LAS")))
    nibabel.save(flipped.slicer[:, :, 3:4], tmp_path / "a.nii")
    (found,) = prepare_file(axial, tmp_path / "a.nii")
    np.testing.assert_array_equal(found.image[0] * 255, VOLUME[3])
    np.testing.assert_array_equal(found.place.put(VOLUME[3]), VOLUME[3, ::-1])
    sagittal = LPS.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt("PIR")))
    nibabel.save(sagittal.slicer[:, :, 3:4], tmp_path / "b.nii")
    assert "its only slice is no slice of LPS, as the training was, but of PIR; not turned" in warnings(
        axial, tmp_path / "b.nii"
    )


def test_slicers_nrrd_is_turned(axial: Model, tmp_path: Path) -> None:
    directions = np.diag([0.7, 0.8, 2.5])
    head = {"space": "right-anterior-superior", "space directions": directions, "space origin": np.zeros(3)}
    nrrd.write(str(tmp_path / "a.nrrd"), VOLUME[:, ::-1, ::-1].T, head)
    (found,) = prepare_file(axial, tmp_path / "a.nrrd", slices=[3])
    np.testing.assert_array_equal(found.image[0, 0] * 255, VOLUME[3])


def test_a_point_beyond_the_file_is_refused_as_the_file_counts(axial: Model, tmp_path: Path) -> None:
    image = LPS.as_reoriented(ornt_transform(axcodes2ornt("LPS"), axcodes2ornt("PIR")))
    nibabel.save(image.slicer[:, :, :9], tmp_path / "a.nii")
    with pytest.raises(InputError, match="point 3 4 9: expected a pixel of the image, 0 to 15 x 0 to 15 x 0 to 8"):
        prepare_file(axial, tmp_path / "a.nii", at=[(3, 4, 9)])


def test_a_card_of_no_orientation_is_refused(make_model, tmp_path: Path) -> None:
    nibabel.save(LPS, tmp_path / "a.nii")
    with pytest.raises(InputError, match="orientation of the model: expected three letters"):
        prepare_file(make_model(orientation="up"), tmp_path / "a.nii", slices=[3])


@pytest.mark.real
def test_the_shipped_weights_know_how_lidc_lies(shared_data: Path, tmp_path: Path) -> None:
    """Its pictures are the rows and columns of the raw slices, pixel for pixel (`test_at`), and those lie LPS."""
    with zipfile.ZipFile(shared_data / "lidc_dicom" / "LIDC-IDRI-0001-part.zip") as packed:
        packed.extractall(tmp_path / "raw")
    folder = next(path.parent for path in (tmp_path / "raw").rglob("*.dcm"))
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    scan = SimpleITK.ReadImage(names)
    assert SimpleITK.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(scan.GetDirection()) == "LPS"
    model = load("lidc")
    (wanted,) = prepare_file(model, folder, at=[(316, 366, 1)], key="k")
    masks = model.sample(wanted, 4).masks
    assert masks.any() and wanted.warnings == ()
    for letters in ("LAS", "RAI", "PIR"):
        SimpleITK.WriteImage(SimpleITK.DICOMOrient(scan, letters), str(tmp_path / f"{letters}.nii.gz"))
        world = np.array(scan.TransformIndexToPhysicalPoint((316, 366, 1))) * [-1, -1, 1]
        (found,) = prepare_file(model, tmp_path / f"{letters}.nii.gz", at_mm=[world.tolist()], key="k")
        np.testing.assert_array_equal(found.image, wanted.image)
        np.testing.assert_array_equal(model.sample(found, 4).masks, masks)  # Dice 1
