"""The caller of the scenario `serve`: sends images, has masks drawn and saved, and keeps what was answered whole."""

import hashlib
import io
import json
import signal
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

__all__ = ["ask_service", "make_series"]

ROUNDS = 3
PATIENCE = 60.0


def ask_service(process: "subprocess.Popen[bytes]", told: Path, folder: Path) -> None:
    """Ask a service until all has been answered, or it is gone; then end it.

    Args:
        process: of the service.
        told: what it says on standard output.
        folder: of the trial; answers are kept in it, each when it is whole.
    """
    address = address_of(process, told)
    inputs = folder / ".." / ".." / "inputs"
    images = [(inputs / "images" / "0.png").read_bytes(), (inputs / "series.zip").read_bytes()]
    try:
        for number in range(ROUNDS if address else 0):
            for which, content in enumerate(images):
                keep(folder / "answers" / f"{number}-{which}.json", one(f"{address}api/v1/", content, number, which))
    except (OSError, KeyError, ValueError):
        pass  # it was killed, refused for want of space, or the folder takes nothing any more
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)


def address_of(process: "subprocess.Popen[bytes]", told: Path) -> str:
    """Where it answers; "" if it ends before it says so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        line = told.read_bytes()
        if line.endswith(b"\n"):
            return str(json.loads(line)["address"])
        time.sleep(0.05)
    return ""


def one(root: str, content: bytes, seed: int, which: int) -> dict[str, Any]:
    """What is drawn of an image, and a digest of it as a file."""
    image = json.loads(asked(f"{root}images", content))["id"]
    way = {"slices": [3]} if which else {}
    drawn = json.loads(
        asked(f"{root}samples", json.dumps({"image": image, "n": 4, "seed": seed, **way}).encode(), True)
    )
    form = "nrrd" if which else "nifti"
    saved = asked(f"{root}samples/{drawn['id']}/files/{form}", None)
    told = {name: drawn[name] for name in ("masks", "areas", "hypotheses", "probability", "warnings")}
    return told | {"saved": digest(saved)}


def asked(url: str, body: bytes | None, is_json: bool = False) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if is_json else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return bytes(answer.read())


def digest(content: bytes) -> str:
    """Of a file, or of all in a zip."""
    if not content.startswith(b"PK"):
        return hashlib.sha256(content).hexdigest()[:16]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return hashlib.sha256(b"".join(archive.read(name) for name in sorted(archive.namelist()))).hexdigest()[:16]


def keep(file: Path, answer: dict[str, Any]) -> None:
    """Whole or not at all."""
    file.parent.mkdir(exist_ok=True)
    half = file.with_suffix(".half")
    try:
        half.write_text(json.dumps(answer))
        half.rename(file)
    finally:
        half.unlink(missing_ok=True)


def make_series(file: Path, slices: int = 260) -> None:
    """A zipped series of more slices than the service holds as files in memory."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    with zipfile.ZipFile(file, "w") as archive:
        for k in range(slices):
            ds = Dataset()
            ds.file_meta = FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = CTImageStorage, f"1.2.3.{k + 1}", "CT"
            ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
            ds.PatientName, ds.PatientID, ds.InstanceNumber = "Doe^Jane", "p1", k + 1
            ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, k]
            ds.PixelSpacing, ds.SliceThickness = [1, 1], 1
            ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 32, 32, 1, "MONOCHROME2"
            ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
            ds.RescaleSlope, ds.RescaleIntercept = 1, -1000
            ds.PixelData = np.random.default_rng(k).integers(0, 1500, (32, 32), np.int16).tobytes()
            stream = io.BytesIO()
            ds.save_as(stream, enforce_file_format=True)
            archive.writestr(f"{k}.dcm", stream.getvalue())
