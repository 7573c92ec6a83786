"""A service in this process: small models, and callers that ask it without a socket."""

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import nibabel
import numpy as np
import pytest
import torch
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from atfm.methods.atfm.config import ATFMConfig, SFMConfig
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model, load
from atfm.serve.app import create_app
from atfm.serve.cases import Cases, Examples
from atfm.serve.guard import Access
from atfm.serve.limits import Limits
from atfm.serve.service import Service

API = "/api/v1"
CONFIG = ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2))
STRETCH = {"kind": "stretch", "low": None, "high": None, "stretched": False}


def small(size: tuple[int, ...] = (16, 16), name: str = "small", channels: int = 1, **card: object) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = CONFIG.build(Frame(1, channels, size)).eval()
    return Model(method, name, frozenset(), {"intensity": STRETCH, **card})


class Caller:
    """Asks a service, one question after the other or several at a time."""

    def __init__(self, service: Service, access: Access | None = None, host: str = "127.0.0.1:8000") -> None:
        self.service, self.app = service, create_app(service, access)
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}", timeout=60)

    def close(self) -> None:
        self.service.close()
        self._runner.close()

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        path = path if path.startswith("/") else f"{API}/{path}"
        return self.run(self.client.request(method, path, **how))

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("POST", path, **how)

    def send(self, content: bytes, name: str | None = None) -> dict[str, Any]:
        """Send an image and return what is told of it."""
        answer = self.post("images", content=content, headers={} if name is None else {"X-File-Name": name})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def draw(self, **wish: Any) -> dict[str, Any]:
        answer = self.post("samples", json=wish)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, status: int, method: str, path: str, **how: Any) -> str:
        """The message of a refusal in the one shape."""
        answer = self.ask(method, path, **how)
        assert answer.status_code == status, (answer.status_code, answer.text)
        body = answer.json()
        assert set(body) == {"error"} and set(body["error"]) == {"code", "message"}, body
        assert "\n" not in body["error"]["message"]
        return body["error"]["message"]


Make = Callable[..., Caller]


@pytest.fixture
def serve() -> Iterator[Make]:
    """Start a service of some models; the small one if none is given."""
    callers: list[Caller] = []

    def start(
        *models: Model,
        cases: Cases | None = None,
        access: Access | None = None,
        host: str = "127.0.0.1:8000",
        scratch: Path | None = None,
        **limits: Any,
    ) -> Caller:
        service = Service(models or (small(),), cases or Examples(), Limits(**limits), scratch)
        callers.append(Caller(service, access, host))
        return callers[-1]

    yield start
    for caller in callers:
        caller.close()


@pytest.fixture(scope="session")
def lidc() -> Model:
    return load("lidc")


def unpacked(masks: dict[str, Any]) -> np.ndarray:
    """Masks of an answer, `[n, C, D, H, W]` bool."""
    shape, bits = masks["shape"], np.frombuffer(base64.b64decode(masks["bits"]), np.uint8)
    rows = bits.reshape(shape[0], -1)
    return np.unpackbits(rows, axis=1, count=int(np.prod(shape[1:]))).view(bool).reshape(shape)


def values(told: dict[str, Any]) -> np.ndarray:
    """A map of an answer, `[D, H, W]`."""
    return np.frombuffer(base64.b64decode(told["data"]), told["dtype"]).reshape(told["shape"]) * told["scale"]


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def grey(side: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)


def nifti(volume: np.ndarray, affine: np.ndarray) -> bytes:
    """`[D, H, W]` as a NIfTI."""
    return nibabel.Nifti1Image(volume.T, affine).to_bytes()


def series(depth: int = 4, side: int = 16, **more: object) -> list[bytes]:
    """The files of a CT series."""
    study, uid, frame = generate_uid(), generate_uid(), generate_uid()
    files = []
    for k in range(depth):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Jane", "SECRET-1", "19500101", "O"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, uid, frame
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260101", "101010", "", "1"
        ds.ReferringPhysicianName, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "", "CT", 3, k + 1
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [10, -20, 30 + 2.5 * k]
        ds.PixelSpacing, ds.SliceThickness = [0.5, 0.75], 2.5
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = side, side, 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept, ds.PositionReferenceIndicator = 1, -1000, ""
        ds.PixelData = np.random.default_rng(k).integers(10 * (k % 100), 1500, (side, side), np.int16).tobytes()
        for name, value in more.items():
            setattr(ds, name, value)
        stream = io.BytesIO()
        ds.save_as(stream, enforce_file_format=True)
        files.append(stream.getvalue())
    return files


def zipped(files: Sequence[bytes], folder: str = "Doe^Jane") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{folder}/{number}.dcm", content)
    return stream.getvalue()


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """What tests make images with, and read answers by."""
    return SimpleNamespace(
        small=small, unpacked=unpacked, values=values, events=events, png=png, grey=grey, nifti=nifti, series=series,
        zipped=zipped, Caller=Caller, API=API,
    )  # fmt: skip
