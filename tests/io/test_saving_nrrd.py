"""NRRD files of our own hand, as pynrrd and SimpleITK read them."""

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from atfm.errors import InputError
from atfm.io.saving_nrrd import Segment, write_nrrd_stack, write_seg_nrrd

AFFINE = np.array([[0.0, -0.6, 0, 5], [0.7, 0, 0, -3], [0, 0, 2.5, 40], [0, 0, 0, 1]])
RED = (255, 0, 0)


@pytest.mark.parametrize("kind", ["u1", "<f4", ">f4"])
def test_a_stack_written_one_by_one_is_the_array_and_the_same_bytes(tmp_path: Path, kind: str) -> None:
    volumes = np.random.default_rng(0).integers(0, 9, (5, 2, 3, 4)).astype(kind)
    for name in ("a.nrrd", "b.nrrd"):
        write_nrrd_stack(tmp_path / name, iter(volumes), 5, AFFINE, fields={"atfm_seed": "7"})
    values, head = nrrd.read(str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(values.T, volumes)
    assert head["atfm_seed"] == "7" and (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


def test_one_volume_lies_where_its_affine_says(tmp_path: Path) -> None:
    volume = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    write_nrrd_stack(tmp_path / "a.nrrd", [volume], None, AFFINE)
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume)
    for voxel in ((0, 0, 0), (3, 1, 1), (2, 2, 0)):
        ras = AFFINE @ [*voxel, 1]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(voxel), ras[:3] * [-1, -1, 1], atol=1e-9)


def test_a_name_cannot_break_the_head(tmp_path: Path) -> None:
    layer = np.ones((1, 2, 2), np.uint8)
    segments = [Segment("a\nSegment0_LabelValue:=9\n\nb|c", 0, 1, RED, tags={"k": "x|y\nz"})]
    write_seg_nrrd(tmp_path / "a.seg.nrrd", [layer], segments)
    values, head = nrrd.read(str(tmp_path / "a.seg.nrrd"))
    assert head["Segment0_LabelValue"] == "1" and head["Segment0_Name"] == "a?Segment0_LabelValue:=9??b|c"
    assert head["Segment0_Tags"].endswith("|k:x/y?z|")
    np.testing.assert_array_equal(values.T, layer)


def test_what_it_does_not_hold(tmp_path: Path) -> None:
    layer = np.ones((1, 2, 2), np.uint8)
    for layers, segments, message in (
        ([], [], "expected segments of 0 layers"),
        ([layer], [Segment("a", 1, 1, RED)], "expected segments of 1 layers"),
        ([layer], [Segment("a", 0, 0, RED)], "labels 1 to 255"),
        ([layer.astype(float)], [Segment("a", 0, 1, RED)], "uint8 labels"),
    ):
        with pytest.raises(InputError, match=message):
            write_seg_nrrd(tmp_path / "a.seg.nrrd", layers, segments)
    with pytest.raises(InputError, match="of uint8 or float32, got int64"):
        write_nrrd_stack(tmp_path / "a.nrrd", [np.zeros((1, 2, 2), int)], None)
    with pytest.raises(InputError, match="expected 2 arrays, got 1"):
        write_nrrd_stack(tmp_path / "a.nrrd", [layer], 2)
    assert not list(tmp_path.iterdir())
