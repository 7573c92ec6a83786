"""LIDC in HDF5: whole, and with links, sizes and types that do harm."""

import io
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from corpus import Files, Kind
from hostile_pickles import PICKLES
from hostile_rasters import BINARY

__all__ = ["hdf5_kind"]


def hdf5(make: Callable[[h5py.File], object] = lambda file: None, **parts: Any) -> Files:
    """An HDF5 file with the groups `train` and `test`; `make` adds to it, `parts` replace arrays of `train`."""
    stream = io.BytesIO()
    rng = np.random.default_rng(0)
    with h5py.File(stream, "w") as file:
        for name, uids in (("train", (b"1.2", b"1.3")), ("test", (b"2.1", b"2.2"))):
            group = file.create_group(name)
            arrays = {"images": rng.random((2, 6, 9)), "labels": np.stack([np.stack([BINARY] * 3, -1)] * 2)}
            arrays |= {"uids": np.array(uids)} | (parts if name == "train" else {})
            for field, values in arrays.items():
                if values is not None:
                    group.create_dataset(field, **(values if isinstance(values, dict) else {"data": values}))
        make(file)
    return {"a.hdf5": stream.getvalue()}


def hdf5_kind() -> Kind:
    images = np.random.default_rng(1).random((2, 6, 9)).astype(np.float32)
    small = {"data": images, "chunks": (1, 6, 9), "compression": "gzip", "shuffle": True, "fletcher32": True}
    text = {"data": ["1.2", "1.3"], "dtype": h5py.string_dtype()}
    valid = {
        "hdf5": hdf5(),
        "hdf5 in pieces": hdf5(images=small),
        "hdf5 with text": hdf5(uids=text),
        "hdf5 with numbers": hdf5(uids=np.array([5, 6])),
        "hdf5, annotators first": hdf5(labels=np.stack([np.stack([BINARY] * 3)] * 2)),
    }
    return Kind(valid, {f"hdf5 {name}": make for name, make in hdf5_hostile().items()})


def reserved(shape: tuple[int, ...], kind: str = "u1", **more: Any) -> dict[str, Any]:
    """An array that is said to be so large, and of which not a byte is stored."""
    return {"shape": shape, "dtype": kind, "chunks": tuple(min(n, 64) for n in shape)} | more


def hdf5_hostile() -> dict[str, Callable[[], Files]]:
    bomb = reserved((2, 2000, 2000, 3), chunks=(1, 2000, 2000, 3), compression="gzip")

    def linked(link: object, field: str = "images") -> Callable[[], Files]:
        def add(file: h5py.File) -> None:
            file[f"train/{field}"] = link

        return lambda: hdf5(add, **{field: None})

    def external(file: h5py.File) -> None:
        file["train"].create_dataset("images", (2, 6, 9), "u1", external=[("/etc/passwd", 0, 108)])

    def deep(file: h5py.File) -> None:
        file.create_group("/".join(["train", "images", *["g"] * 500]))

    return {
        "of 2^40 slices": lambda: hdf5(**dict.fromkeys(("images", "labels", "uids"), reserved((2**40,)))),
        "of 2^40 slices that fit": lambda: hdf5(
            images=reserved((2**40, 6, 9)), labels=reserved((2**40, 6, 9, 3)), uids=reserved((2**40,), "S8")
        ),
        "of 10^6 slices that fit": lambda: hdf5(
            images=reserved((10**6, 6, 9)), labels=reserved((10**6, 6, 9, 3)), uids=reserved((10**6,), "S8")
        ),
        "of 10^5 x 10^5": lambda: hdf5(images=reserved((2, 10**5, 10**5)), labels=reserved((2, 10**5, 10**5, 3))),
        "of 10^9 annotators": lambda: hdf5(labels=reserved((2, 6, 9, 10**9))),
        "of 1500 x 1500 of nothing": lambda: hdf5(
            images=reserved((2, 1500, 1500)), labels=reserved((2, 1500, 1500, 3))
        ),
        "of pieces of 12 MB": lambda: hdf5(images=reserved((2, 2000, 2000)), labels=bomb),
        "of uids of 10^9": lambda: hdf5(uids=reserved((2,), "S1000000000")),
        "of uids of lines": lambda: hdf5(uids=np.array([b"a\nb", b"c"])),
        "of uids of no text": lambda: hdf5(uids=np.array([b"\xff\xfe", b"c"])),
        "of uids of surrogates": lambda: hdf5(uids=np.array([b"\xed\xa0\x80", b"c"])),
        "of uids of NaN": lambda: hdf5(uids=np.array([np.nan, np.inf])),
        "of uids of references": lambda: hdf5(uids={"shape": (2,), "dtype": h5py.ref_dtype}),
        "of uids of lists": lambda: hdf5(uids={"shape": (2,), "dtype": h5py.vlen_dtype(np.int32)}),
        "of uids of fields": lambda: hdf5(uids=np.zeros(2, [("a", "i4")])),
        "of uids that are no array": lambda: hdf5(uids=np.float64(3)),
        "of uids of both splits": lambda: hdf5(uids=np.array([b"2.1", b"2.2"])),
        "of images of NaN": lambda: hdf5(images=np.full((2, 6, 9), np.nan)),
        "of images of 1e300": lambda: hdf5(images=np.full((2, 6, 9), 1e300)),
        "of images of complex numbers": lambda: hdf5(images=np.zeros((2, 6, 9), complex)),
        "of images of text": lambda: hdf5(images={"shape": (2, 6, 9), "dtype": h5py.string_dtype()}),
        "of no images": lambda: hdf5(images=np.zeros((0, 6, 9)), labels=np.zeros((0, 6, 9, 3)), uids=np.zeros(0)),
        "of images without a pixel": lambda: hdf5(images=np.zeros((2, 0, 9)), labels=np.zeros((2, 0, 9, 3))),
        "of an empty image": lambda: hdf5(images={"data": h5py.Empty("f4")}),
        "of labels of 7": lambda: hdf5(labels=np.full((2, 6, 9, 3), 7)),
        "of labels of another size": lambda: hdf5(labels=np.zeros((2, 5, 9, 3))),
        "of 70000 annotators": lambda: hdf5(
            images=np.zeros((2, 2, 2)), labels=reserved((2, 2, 2, 70000), chunks=(1, 2, 2, 70000))
        ),
        "without images": lambda: hdf5(images=None),
        "with a group for images": lambda: hdf5(deep, images=None),
        "with a link into the system": linked(h5py.ExternalLink("/etc/hostname", "/a")),
        "with a link to itself": linked(h5py.SoftLink("/train/images")),
        "with a link to the other": linked(h5py.SoftLink("/test/images")),
        "with a link for a group": lambda: hdf5(lambda file: file.__setitem__("val", h5py.SoftLink("/train"))),
        "with an external array": lambda: hdf5(external, images=None),
        "with a third group of nothing": lambda: hdf5(lambda file: file.create_group("more")),
        "with an array beside its groups": lambda: hdf5(lambda file: file.create_dataset("x", data=[1])),
        "with 3000 groups": lambda: hdf5(lambda file: [file.create_group(f"g{i}") for i in range(3000)]),
        "with a group of lines": lambda: hdf5(lambda file: file.create_group("a\nb")),
        "with a group of 60000 letters": lambda: hdf5(lambda file: file.create_group("g" * 60000)),
        "with a group of surrogates": lambda: hdf5(lambda file: file.create_group(b"\xff\xfe")),
        "packed by what is not there": lambda: {
            "a.hdf5": hdf5(images={"data": np.zeros((2, 6, 9)), "compression": "lzf"})["a.hdf5"].replace(b"lzf", b"xyz")
        },
        "head alone": lambda: {"a.hdf5": hdf5()["a.hdf5"][:96]},
        "of a pickle": lambda: {"a.hdf5": PICKLES["os.system"]},
    }
