"""What was drawn as files: in the geometry of the image, under names that say nothing, and nothing is left behind."""

import errno
import gzip
import io
import json
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from atfm.serve.private import PREFIX


@pytest.fixture
def drawn(serve, kit, tmp_path: Path):
    """A caller, and samples of a slice of a DICOM series that was sent."""
    caller = serve(kit.small(orientation="LPS"), scratch=tmp_path)
    image = caller.send(kit.zipped(kit.series(depth=4)), "Doe.zip")["id"]
    return caller, caller.draw(image=image, n=4, slices=[2])


@pytest.mark.parametrize("form", ["png", "nifti", "nrrd", "dicom-seg", "rtstruct", "json"])
def test_every_form_of_a_ct(drawn, kit, tmp_path: Path, form: str) -> None:
    caller, told = drawn
    assert form in told["files"]
    answer = caller.get(f"samples/{told['id']}/files/{form}")
    assert answer.status_code == 200, answer.text
    name = answer.headers["content-disposition"]
    assert name.startswith('attachment; filename="') and "Doe" not in name and list(tmp_path.iterdir()) == []
    masks = kit.unpacked(told["masks"])[:, 0]
    first = masks[told["hypotheses"][0]["sample"]]
    if form in ("png", "nifti"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            if form == "nifti":
                volume = nibabel.Nifti1Image.from_bytes(nibabel_bytes(archive, "hypothesis-1.nii.gz"))
                assert np.array_equal(np.asarray(volume.dataobj).T[2] > 0, first[0])
    elif form == "dicom-seg":
        found = pydicom.dcmread(io.BytesIO(answer.content))
        assert found.Modality == "SEG" and found.PatientID == "SECRET-1"
    elif form == "rtstruct":
        found = pydicom.dcmread(io.BytesIO(answer.content))
        assert found.Modality == "RTSTRUCT" and len(found.StructureSetROISequence) == len(told["hypotheses"])
    elif form == "json":
        assert json.loads(answer.content)["areas"] == told["areas"]["px"]


def nibabel_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    return gzip.decompress(archive.read(name))


def test_a_picture_has_no_dicom(serve, kit) -> None:
    caller = serve()
    told = caller.draw(image=caller.send(kit.png(kit.grey()))["id"], n=2)
    assert told["files"] == ["png", "nifti", "nrrd", "json"]
    assert "png, nifti, nrrd, json" in caller.refused(404, "GET", f"samples/{told['id']}/files/dicom-seg")
    caller.refused(422, "GET", f"samples/{told['id']}/files/exe")
    caller.refused(404, "GET", "samples/nobody/files/png")


def test_dicom_refers_to_an_image_that_is_still_kept(drawn) -> None:
    caller, told = drawn
    caller.service.images.drop_all()
    caller.refused(410, "GET", f"samples/{told['id']}/files/dicom-seg")
    assert caller.get(f"samples/{told['id']}/files/nrrd").status_code == 200


def test_a_full_disk_is_told_and_leaves_nothing(drawn, tmp_path: Path, monkeypatch) -> None:
    caller, told = drawn

    def full(*words, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("atfm.predict.saved.atomic_write", full)
    said = caller.refused(507, "GET", f"samples/{told['id']}/files/json")
    assert "disk is full" in said and PREFIX not in said and list(tmp_path.iterdir()) == []
