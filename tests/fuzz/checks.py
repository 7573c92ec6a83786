"""Reading one input, and what has to be true of what comes back; a reader that refuses raises an `AtfmError`."""

import io
import math
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from atfm.data.case import Case
from atfm.data.layout import StoreInfo
from atfm.data.splits import load_splits
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.io.images import read_image, read_mask
from atfm.io.pictures.marking import MaskRule
from atfm.seeding import Noise
from atfm.train.config import Config
from atfm.train.presets import resolve

__all__ = [
    "any_folder", "config", "dicom", "drawn", "image", "isic", "labels", "lidc_dicom", "lidc_hdf5", "lidc_hpunet",
    "lidc_pickle", "lidc_png", "mask", "pair", "ruled", "splits", "store", "uploaded", "weights", "windowed", "xml",
]  # fmt: skip


class Wrong(Exception):
    """A reader accepted something and returned what it may not return."""


def holds(truth: object, what: str) -> None:
    if not truth:
        raise Wrong(what)


def file_of(folder: Path) -> Path:
    """The one file of an input; of a folder that has lost it, a file that is not there."""
    files = (path for path in sorted(folder.iterdir()) if path.name[:2] in ("a.", "w."))
    return next(files, folder / "a.nrrd")


def image(folder: Path) -> None:
    picture = read_image(file_of(folder))
    pixels = picture.pixels
    holds(
        pixels.dtype == np.float32 and pixels.ndim in (3, 4) and pixels.size > 0,
        f"pixels {pixels.dtype} {pixels.shape}",
    )
    holds(np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1, "pixels outside [0, 1]")
    holds(len(picture.spacing) == pixels.ndim - 1, "spacing of other axes")
    holds(all(math.isfinite(mm) and mm > 0 for mm in picture.spacing), f"spacing {picture.spacing}")
    affine = picture.meta.get("affine")
    holds(affine is None or (affine.shape == (4, 4) and np.isfinite(affine).all()), "an affine that is not finite")


def windowed(folder: Path) -> None:
    pixels = read_image(file_of(folder), window=(-1000.0, 400.0), spatial_dims=2).pixels
    holds(pixels.dtype == np.float32 and pixels.ndim == 3 and np.isfinite(pixels).all(), "pixels")
    holds(pixels.min() >= 0 and pixels.max() <= 1, "pixels outside [0, 1]")


def mask(folder: Path) -> None:
    labels = read_mask(file_of(folder))
    holds(labels.dtype == np.uint8 and labels.ndim in (2, 3) and set(np.unique(labels)) <= {0, 1}, "no mask")


def labels(folder: Path) -> None:
    found = read_mask(file_of(folder), classes=4)
    holds(found.dtype == np.uint8 and found.ndim in (2, 3) and found.max() < 4, "no labels")


RULES = (
    MaskRule(threshold=127),
    MaskRule(foreground=255),
    MaskRule.of(foreground="white"),
    MaskRule.of(foreground="visible"),
    MaskRule.of(foreground="transparent"),
)
TABLE = MaskRule.of(labels=["0=0", "1=1", "2=2", "3=3", "255=3"])


def ruled(folder: Path) -> None:
    """By one of the rules, which the bytes choose: it may refuse, and do nothing else but give labels."""
    file, rules = file_of(folder), (*RULES, TABLE)
    rule = rules[zlib.crc32(file.read_bytes()) % len(rules)] if file.is_file() else TABLE
    found = read_mask(file, classes=1 if rule.binary else 4, rule=rule)
    holds(found.dtype == np.uint8 and found.ndim in (2, 3), "no labels")
    holds(int(found.max()) < (2 if rule.binary else 4), f"labels beyond {rule}")


def whole(case: Case, info: StoreInfo) -> None:
    """A case of a store is one that the rest of the library can use."""
    holds(case.image.dtype == np.float32 and case.image.size > 0, "an image of nothing")
    holds(len(case.image) == info.channels and case.image.ndim == info.spatial_dims + 1, "other axes than the store")
    holds(np.isfinite(case.image).all() and case.image.min() >= 0 and case.image.max() <= 1, "pixels outside [0, 1]")
    holds(
        case.masks.dtype == np.uint8 and len(case.masks) > 0 and case.masks.shape[1:] == case.image.shape[1:], "masks"
    )
    allowed = range(max(2, info.classes)) if info.ignore_label is None else [*range(info.classes), info.ignore_label]
    holds(set(np.unique(case.masks).tolist()) <= set(allowed), "labels that are no classes")
    holds(isinstance(case.case_id, str) and isinstance(case.patient_id, str), "ids that are no text")
    holds(all(math.isfinite(mm) and mm > 0 for mm in case.spacing), f"spacing {case.spacing}")


def checked_store(path: Path) -> None:
    store = Store.open(path)
    checked = store.check()
    holds(checked.cases == len(store) == store.info.cases > 0, "another number of cases")
    for case in store:
        whole(case, store.info)
    for name in store.info.splits:
        store.split(name)
    holds(len({case_id for case_id, _ in store.ids()}) == len(store), "two cases of one name")


def store(folder: Path) -> None:
    checked_store(folder / "store")


def pair(folder: Path) -> None:
    import torch

    from atfm.train.checkpoint import load_pair

    tensors, card = load_pair(folder / "w.safetensors")
    holds(isinstance(card, dict) and all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()), "no pair")
    sum(
        float(tensor.double().sum())
        for tensor in tensors.values()
        if tensor.numel() < 10**6 and not tensor.is_complex()
    )


def weights(folder: Path) -> None:
    import torch

    from atfm.models import load

    model = load(folder / "w.safetensors")
    method = model.method
    holds(all(isinstance(patient, str) for patient in model.patients), "patients that are no text")
    if math.prod(method.size) > 10**6:  # a card may name images of any size; nobody drew one
        return
    image = torch.zeros(1, method.in_channels, *method.size)
    with torch.inference_mode():
        masks = method.sample(image, 1, noise=Noise(0, ["a"])).masks
    holds(masks.shape == (1, 1, method.channels, *method.size) and masks.dtype == torch.bool, "no sample")


def config(folder: Path) -> None:
    found = resolve(str(file_of(folder)))
    holds(isinstance(found, Config), "no configuration")
    for part in (found.method, *found.stages.values(), found.augment, found):
        for name, value in part:
            holds(not isinstance(value, float) or math.isfinite(value), f"{name} = {value}")
    holds(Config.model_validate_json(found.model_dump_json()) == found, "cannot be written down")


def splits(folder: Path) -> None:
    found = load_splits(file_of(folder))
    patients = [patient for listed in found.values() for patient in listed]
    holds(all(isinstance(patient, str) for patient in patients) and len(set(patients)) == len(patients), "no splits")


def imported(folder: Path, importer: Callable[[Path], object]) -> None:
    """Import into a store, and check that store as one does before training."""
    out = folder.parent / "out"
    importer(out)
    checked_store(out)


def lidc_png(folder: Path) -> None:
    from atfm.importers.lidc.png import plan_lidc_png
    from atfm.importers.plan import build_store

    imported(folder, lambda out: build_store(plan_lidc_png([folder / "a.zip"]), out))


def any_folder(folder: Path) -> None:
    from atfm.importers.folder import plan_folder
    from atfm.importers.plan import build_store

    patterns = {"images": "images/{case}.png", "masks": "masks/{case}_{annotator}.png"}
    imported(folder, lambda out: build_store(plan_folder(folder / "a", **patterns), out))


def lidc_pickle(folder: Path) -> None:
    from atfm.importers.lidc.pickle import plan_lidc_pickle
    from atfm.importers.plan import build_store

    imported(folder, lambda out: build_store(plan_lidc_pickle(file_of(folder)), out))


def lidc_hdf5(folder: Path) -> None:
    from atfm.importers.lidc.hdf5 import plan_lidc_hdf5
    from atfm.importers.plan import build_store

    imported(folder, lambda out: build_store(plan_lidc_hdf5(folder / "a.hdf5"), out))


def lidc_hpunet(folder: Path) -> None:
    from atfm.importers.lidc.hpunet import plan_lidc_hpunet
    from atfm.importers.plan import build_store

    imported(folder, lambda out: build_store(plan_lidc_hpunet([folder / "a.zip"]), out))


def isic(folder: Path) -> None:
    from atfm.importers.isic import plan_isic
    from atfm.importers.plan import build_store

    table = folder / "a.csv"
    imported(folder, lambda out: build_store(plan_isic(folder / "a", patients=table if table.exists() else None), out))


def dicom(folder: Path) -> None:
    from atfm.io.dicom.series import read_series

    series = read_series(folder / "a")
    pixels = series.pixels
    colour = pixels.ndim == 4 and pixels.shape[-1] == 3 and pixels.dtype == np.uint8
    holds(colour or (pixels.ndim == 3 and pixels.dtype == np.float32), f"pixels {pixels.dtype} {pixels.shape}")
    holds(pixels.size > 0 and np.isfinite(pixels).all(), "values that are not finite")
    holds(all(math.isfinite(mm) and mm > 0 for mm in series.spacing), f"spacing {series.spacing}")
    holds(np.isfinite(series.affine).all() and np.linalg.det(series.affine[:3, :3]) != 0, "an affine that is none")
    holds(len(pixels) == len(series.positions) == len(series.frames), "another number of slices")


def drawn(folder: Path) -> None:
    """Masks on a series."""
    from atfm.io.dicom.grid import grid_of
    from atfm.io.dicom.observers import read_observers
    from atfm.io.dicom.series import read_series

    series = read_series(folder / "a")
    found = read_observers(folder / "m.dcm", grid_of(series, "a"))
    for mask in found.masks.values():
        holds(mask.dtype == bool and mask.shape == series.pixels.shape[:3], "a mask of another size")
        holds(mask.any() or found.warnings, "an empty mask, and not a word")
    holds(all("\n" not in line and len(line) < 1000 for line in found.warnings), "warnings of several lines")


def xml(folder: Path) -> None:
    from atfm.importers.lidc.xml import read_xml

    reading = read_xml(folder / "a.xml")
    if reading is not None:
        holds(reading.series and all(outline.rois for outline in reading.outlines), "no reading")
        points = [roi.points for outline in reading.outlines for roi in outline.rois]
        holds(all(len(each) and each.min() >= 0 for each in points), "points that are none")


def lidc_dicom(folder: Path) -> None:
    from atfm.importers.lidc.dicom import NoduleCrop, plan_lidc_dicom
    from atfm.importers.plan import build_store

    imported(folder, lambda out: build_store(plan_lidc_dicom([folder / "a"], crop=NoduleCrop(size=16)), out))


@cache
def service() -> Callable[..., Any]:
    """Ask the service in this process, with a small model."""
    import asyncio

    import httpx
    import torch

    from atfm.methods.atfm.config import ATFMConfig, SFMConfig
    from atfm.methods.gtr.config import GTRConfig
    from atfm.methods.method import Frame
    from atfm.models import Model
    from atfm.serve.app import create_app
    from atfm.serve.cases import Examples
    from atfm.serve.limits import Limits
    from atfm.serve.service import Service

    torch.manual_seed(0)
    config = ATFMConfig(gtr=GTRConfig(widths=(4,), rank=2), sfm=SFMConfig(widths=(4,), steps=1))
    method = config.build(Frame(1, 1, (8, 8))).eval()
    card = {"intensity": {"kind": "percentile", "low": 0, "high": 100}}
    app = create_app(
        Service([Model(method, "small", frozenset(), card)], Examples(), Limits(values=2**25, unpacked=2**25))
    )
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1/api/v1/", timeout=100)
    runner = asyncio.Runner()
    return lambda *words, **more: runner.run(client.request(*words, **more))


def uploaded(folder: Path) -> None:
    """Send it to the service, look at a slice, have a spot drawn, and forget it; refused is what is no image."""
    from urllib.parse import quote

    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    if len(files) == 1:
        name, content = files[0].name, files[0].read_bytes()
    else:
        name, content = "a.zip", _zipped(files)
    ask = service()
    told = answered(ask("POST", "images", content=content, headers={"X-File-Name": quote(name)}), 201)
    image, size = told["id"], told["size"]
    holds(size["width"] >= 1 and size["height"] >= 1 and size["slices"] >= 1, f"size {size}")
    try:
        shown = ask("GET", f"images/{image}/slices/{size['slices'] - 1}", headers={"Accept-Encoding": "identity"})
        holds(shown.status_code == 200, f"a slice: {shown.status_code}")
        shape = [int(side) for side in shown.headers["x-shape"].split(",")]
        holds(shape == [size["height"], size["width"], told["channels"]], f"a slice of {shape}")
        holds(len(shown.content) == math.prod(shape) * np.dtype(shown.headers["x-dtype"]).itemsize, "a slice cut short")
        ways = told["ways"]["small"]
        if ways["spot"]:
            point = [
                size["width"] // 2,
                size["height"] // 2,
                *([size["slices"] // 2] if told["kind"] == "volume" else []),
            ]
            answered(ask("POST", "samples", json={"image": image, "n": 1, "point": point}), 200)
    finally:
        holds(ask("DELETE", f"images/{image}").status_code == 204, "it is not forgotten")


def answered(answer: Any, wanted: int) -> Any:
    """What an answer tells; one that refuses does so in the one shape, and without a fault."""
    holds(answer.status_code < 500, f"status {answer.status_code}: {answer.text[:300]}")
    told = answer.json()
    if answer.status_code != wanted:
        holds(set(told) == {"error"} and set(told["error"]) == {"code", "message"}, f"the shape of {told}")
        message = told["error"]["message"]
        holds("atfm-serve-" not in message and "/proc/" not in message, f"a private place in {message}")
        raise InputError(message)
    return told


def _zipped(files: list[Path]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return stream.getvalue()
