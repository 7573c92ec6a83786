"""Memory where the data are large: a million crops, and volumes of 512^3, generated, trained on and sampled."""

import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atfm.bench.watch import HOW, watched
from atfm.data.budget import Budget
from atfm.data.case import Case
from atfm.data.layout import FILES, INDEX_ROW, VERSION, StoreInfo, npy_header, sha256
from atfm.data.ood.recorder import Recorder
from atfm.data.source import Selection
from atfm.data.store import Store, StoreWriter
from atfm.disk.lock import folder_lock
from atfm.seeding import Noise
from atfm.train.config import Config, override
from atfm.train.loop import Trainer
from atfm.train.presets import resolve
from atfm.train.run import Run

__all__ = ["large_data", "write_crops", "write_volumes"]

_ANNOTATORS = 4
_STEPS = 4  # of each stage
_BATCH = 32
_PREFIX = ".atfm-bench-"


def large_data(
    *,
    crops: int = 1_000_000,
    side: int = 512,
    volumes: int = 2,
    samples: int = 2,
    limit: int = 8 * 10**9,
    folder: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """Measure the memory of what a user does with large data, each in a process that may not have more than `limit`.

    Args:
        crops: images of 128x128, 4 annotators each, in files without content (all is black), which take no room; of
            more than one patient, who has 100 of them.
        side: of the volumes, in voxels; a step sees parts of at most 64^3.
        volumes: how many are trained on; one more is validated on.
        samples: masks of a volume in a validation, at least 2.
        limit: bytes.
        folder: where the stores are made and removed again; None: where the system keeps temporary files.
        tell: is told what begins.

    Raises:
        InputError: something does not fit within the limit.
        BusyError: another process measures in this folder.
    """
    rows: dict[str, dict[str, Any]] = {}
    with _place(folder) as place:
        write_crops(place / "crops", crops)
        work: dict[str, tuple[Any, ...]] = {
            f"train on {crops:,} crops of 128x128": (_train_crops, place / "crops"),
            f"write {volumes + 1} volumes of {side}^3": (_write, place / "volumes", side, volumes + 1),
            f"train on {volumes} volumes of {side}^3, held": (_train_volumes, place / "volumes"),
            f"train on and validate {volumes} + 1, streamed": (_validate_volumes, place / "volumes", samples),
            f"sample a volume of {side}^3": (_sample_volume, place / "volumes"),
        }
        for name, (function, *arguments) in work.items():
            tell(name)
            rows[name] = watched(function, *arguments, limit=limit)
    return {"limit_mb": limit / 1e6, "rows": rows, "how": [HOW]}


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    """A folder that is removed again; in one that the user names also what a killed run has left of its own there."""
    with ExitStack() as stack:
        if folder is not None:
            stack.enter_context(folder_lock(folder))
            for left in folder.glob(f"{_PREFIX}*"):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
        yield Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder)))


def write_crops(folder: Path, cases: int, side: int = 128) -> None:
    """Write a store of black images in sparse files: as large as it says, without taking room on the disk."""
    folder.mkdir(parents=True)
    pixels, bits = side * side, _ANNOTATORS * side * side // 8
    rows = np.zeros(cases, INDEX_ROW)
    rows["image"], rows["mask"] = np.arange(cases) * pixels, np.arange(cases) * bits
    rows["shape"][:, :2], rows["spacing"][:, :2], rows["annotators"] = side, 1, _ANNOTATORS
    rows["image_crc"], rows["mask_crc"] = zlib.crc32(bytes(pixels)), zlib.crc32(bytes(bits))
    np.save(folder / "index.npy", rows)
    for name, size in (("images.npy", pixels), ("masks.npy", bits)):
        with (folder / name).open("wb") as stream:
            stream.write(npy_header("|u1", cases * size))
            stream.truncate(stream.tell() + cases * size)
    patients = [f"patient-{number // 100:06d}" for number in range(cases)]
    named = [(f"case-{number:08d}", patient) for number, patient in enumerate(patients)]
    (folder / "cases.json").write_text(json.dumps(named), encoding="utf-8")
    small = {"index.npy", "cases.json"}  # those of the others are looked at by `check` alone, and take minutes
    info = StoreInfo(
        name="crops",
        licence="CC0",
        source="generated",
        modality="simulated",
        classes=1,
        channels=1,
        spatial_dims=2,
        cases=cases,
        dtype="uint8",
        version=VERSION,
        files={name: sha256(folder / name) if name in small else "" for name in FILES},
        splits={"train": tuple(dict.fromkeys(patients))[:-1], "val": (patients[-1],)},
    )
    (folder / "store.json").write_text(info.model_dump_json(), encoding="utf-8")


def write_volumes(folder: Path, side: int, cases: int) -> None:
    """Write a store of volumes with a soft ball each, which its four annotators take to be of different sizes."""
    splits = {"train": [f"p{number}" for number in range(cases - 1)], "val": [f"p{cases - 1}"]}
    with StoreWriter(folder, name="volumes", modality="simulated", splits=splits) as writer:
        for number in range(cases):
            writer.add(_volume(number, side))


def _volume(number: int, side: int) -> Case:
    image, masks = np.empty((1, side, side, side), np.float32), np.zeros((_ANNOTATORS, side, side, side), np.uint8)
    middle = np.random.default_rng(number).uniform(0.3, 0.7, 3) * side
    squares = [(np.arange(side, dtype=np.float32) - centre) ** 2 for centre in middle]
    for z in range(side):  # a slice at a time, or the distances alone would take a gigabyte
        distance = np.sqrt(squares[0][z] + squares[1][:, None] + squares[2]) / side
        image[0, z] = np.rint(255 * np.clip(1.2 - 4 * distance, 0, 1)) / np.float32(255)
        for annotator, mask in enumerate(masks):
            mask[z] = distance < 0.1 + 0.03 * annotator
    return Case(image, masks, f"c{number}", f"p{number}", (1.0, 1.0, 1.0))


# What is done in the processes under watch.


def _write(folder: Path, side: int, cases: int) -> dict[str, Any]:
    write_volumes(folder, side, cases)
    return {}


def _train_crops(folder: Path) -> dict[str, Any]:
    config = override(resolve("phantom"), {"validate_cases": 4, **_short("phantom", _BATCH)})
    return _train(Store.open(folder), config, Budget())


def _train_volumes(folder: Path) -> dict[str, Any]:
    store = Store.open(folder)
    return _train(store, _volumes(store), Budget(), validated=False)


def _validate_volumes(folder: Path, samples: int) -> dict[str, Any]:
    """Train GTR alone, as a validation with the flow takes twice as long and no more memory."""
    store = Store.open(folder)
    config = override(_volumes(store), {"validate_samples": samples, "stages": {"sfm": {"steps": 0}}})
    return _train(store, config, Budget(0))


def _sample_volume(folder: Path) -> dict[str, Any]:
    store = Store.open(folder)
    method = _volumes(store).build(in_channels=1, channels=1, size=_tile(store)).eval()
    image = torch.from_numpy(store[len(store) - 1].image).unsqueeze(0)
    masks = method.sample(image, 1, noise=Noise(0, ["c"])).masks
    return {"size": list(masks.shape)}


def _volumes(store: Store) -> Config:
    """The preset of volumes with the smallest networks: what a volume takes does not depend on them."""
    small = {"widths": [4, 8], "patch": 4}
    fields = {
        "crop": _tile(store),
        "method": {"gtr": small, "sfm": {**small, "context_widths": [4, 8], "steps": 1}},
        "validate_cases": 1,
    }
    return override(resolve("phantom-volume"), {**fields, **_short("phantom-volume", max(2, _BATCH // 8))})


def _tile(store: Store) -> tuple[int, ...]:
    return tuple(min(64, side) for side in store.shape(0))


def _short(preset: str, batch: int) -> dict[str, Any]:
    stages = resolve(preset).stages
    return {"stages": {name: {"steps": _STEPS * bool(stage.steps), "batch": batch} for name, stage in stages.items()}}


def _train(store: Store, config: Config, budget: Budget, *, validated: bool = True) -> dict[str, Any]:
    """Make a few steps of every stage, with all that a training does beside them."""
    device = torch.device("cpu")
    opened = budget.open(Selection(store, store.split("train")), store.info.classes, device, crop=config.crop)
    held_out = Selection(store, store.split("val")[: config.validate_cases])
    validation = budget.open(held_out, store.info.classes, device, crop=config.crop) if validated else None
    recorder = Recorder(config.crop)
    recorder.look(opened.reader.source)
    seen = recorder.training_images(store.info.modality)
    torch.manual_seed(0)
    method = config.build(in_channels=opened.channels, channels=store.info.classes, size=opened.size)
    with tempfile.TemporaryDirectory() as folder:
        steps = Trainer(method, config, opened, validation, Run(Path(folder), {})).train()
    return {"steps": steps, "images_looked_at": seen.images, **budget.told(opened)}
