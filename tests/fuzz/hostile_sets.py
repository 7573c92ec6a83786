"""Other people's data sets: pickles, HDF5 and folders of LIDC and ISIC, whole, and made to do harm."""

import io
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import h5py
import numpy as np
from corpus import Files, Kind
from damage import damaged
from hostile_packages import Members, links, repacked, zip_hostile, zipped
from hostile_pickles import PICKLES, Calls, called
from hostile_rasters import BINARY, COLOUR, GREY, saved

__all__ = ["hdf5_kind", "hpunet_kind", "isic_kind", "lidc_pickle_kind"]


def inside(file: str, files: Files, rng: np.random.Generator) -> Files:
    """Damage of a member of the zip, or of the file itself where it is none."""
    content = files.get(file)
    if isinstance(content, bytes) and zipfile.is_zipfile(io.BytesIO(content)):
        return repacked(file, files, rng)
    return {name: damaged(held, rng)[1] if isinstance(held, bytes) else held for name, held in files.items()}


# ---- Knegt's pickle ----


def entries(image: Any = GREY / 255, masks: Any = (BINARY, 1 - BINARY), series: Any = "1.2.3") -> dict[Any, Any]:
    case = {"image": image, "masks": list(masks), "series_uid": series}
    return {"first": case, "second": {"image": GREY, "masks": [BINARY], "series_uid": "1.2.4"}}


def lidc_pickle_kind() -> Kind:
    valid: dict[str, Files] = {}
    for protocol in range(6):
        content = pickle.dumps(entries(), protocol)
        valid[f"pickle of protocol {protocol}"] = {"a.pickle": content}
        if protocol in (2, 4):
            valid[f"pickle of protocol {protocol}, zipped"] = {"a.zip": zipped({"all.pickle": content})}
    valid["pickle of stacks"] = {"a.pickle": pickle.dumps(entries(masks=np.stack([BINARY] * 3)), 4)}
    hostile: dict[str, Callable[[], Files]] = {}
    for name, content in PICKLES.items():
        hostile[f"pickle, {name}"] = partial(plain, content)
        hostile[f"pickle, zipped, {name}"] = partial(packed, content)
    for name, value in lying().items():
        hostile[f"pickle, {name}"] = partial(dumped, value)
    whole = {"all.pickle": pickle.dumps(entries(), 2)}
    hostile |= zip_hostile("a.zip", whole, "all.pickle")
    evil = called("os", "system", "touch CANARY")[2:-1]  # without its protocol and its end
    for where in ("(", "K\x01", "]", "}"):
        start = b"\x80\x02" + where.encode("latin-1")
        hostile[f"pickle, a call behind {where!r}"] = partial(plain, start + evil + b".")
    return Kind(valid, hostile, None, partial(inside, "a.zip"))


def plain(content: bytes) -> Files:
    return {"a.pickle": content}


def packed(content: bytes) -> Files:
    return {"a.zip": zipped({"all.pickle": content})}


def dumped(value: Any) -> Files:
    return {"a.pickle": pickle.dumps(value, 4)}


def lying() -> dict[str, Any]:
    """Dicts whose entries are not what they should be."""
    import os

    objects = np.empty(3, object)
    images = {
        "objects": objects,
        "text": np.array(["a", "b"]),
        "dates": np.zeros((6, 9), "M8[ns]"),
        "complex numbers": GREY * 1j,
        "long floats": GREY.astype(np.longdouble),
        "fields": np.zeros((6, 9), [("a", "u1"), ("b", "f4")]),
        "no pixel": np.zeros((0, 9)),
        "no axis": np.float32(3),
        "eight axes": np.zeros((1,) * 8),
        "NaN": np.full((6, 9), np.nan),
        "values of 1e300": np.full((6, 9), 1e300),
        "negative values": GREY.astype(np.int16) - 300,
        "colour": COLOUR,
        "fortran order": np.asfortranarray(GREY),
        "a call": Calls(os.system, "touch CANARY"),
        "an array that calls": [Calls(os.system, "touch CANARY")],
        "none": None,
        "a list": GREY.tolist(),
        "a number of 10^5 digits": 10**100_000,
        "infinity": float("inf"),
        "a matrix": np.asmatrix(GREY),
        "a masked array": np.ma.masked_array(GREY),
        "a record array": np.rec.array([(1, 2.0)]),
    }
    made: dict[str, Any] = {f"image of {name}": entries(image=image) for name, image in images.items()}
    made |= {f"masks of {name}": entries(masks=[image, BINARY]) for name, image in images.items()}
    made |= {
        "no masks": entries(masks=[]),
        "masks of two sizes": entries(masks=[BINARY, BINARY.T.copy()]),
        "masks of 3": entries(masks=[BINARY * 3]),
        "300 masks": entries(masks=[BINARY] * 300),
        "70000 masks": entries(masks=[BINARY] * 70000),
        "series of lines": entries(series="a\nb\u2028"),
        "series of surrogates": entries(series="\ud800"),
        "series of 10^5 letters": entries(series="s" * 10**5),
        "series of 10^5 digits": entries(series=10**100_000),
        "series of bytes": entries(series=b"1.2.3"),
        "case of lines": {"a\nb\u2028": entries()["first"]},
        "case of surrogates": {"\ud800": entries()["first"]},
        "case of 10^5 letters": {"c" * 10**5: entries()["first"]},
        "case of 10^5 digits": {10**100_000: entries()["first"]},
        "case of 10^5 digits without fields": {10**100_000: {}},
        "case of a tuple": {(1, 2): entries()["first"]},
        "case True beside case 1": {True: entries()["first"], "True": entries()["first"]},
        "cases 1 and '1'": {1: entries()["first"], "1": entries()["second"]},
        "entry of a list": {"first": [1]},
        "nothing": {},
        "a list": [entries()],
        "2000 cases without fields": {f"c{i}": {} for i in range(2000)},
        "a masks array of nothing": entries()
        | {"third": {"image": GREY, "masks": np.zeros((0, 6, 9)), "series_uid": "1"}},
    }
    return made


# ---- HDF5 ----


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

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((2, 6, 9), "f8")
        layout[:] = h5py.VirtualSource("/etc/hostname", "a", (2, 6, 9))
        file["train"].create_virtual_dataset("images", layout)

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
        "of 4000 x 4000 of nothing": lambda: hdf5(
            images=reserved((2, 4000, 4000)), labels=reserved((2, 4000, 4000, 3))
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
        "with a virtual array": lambda: hdf5(virtual, images=None),
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


# ---- folders and zips of PNG ----


def hpunet_members() -> Members:
    members = {}
    for split, patient in (("train", "p1"), ("train", "p2"), ("val", "p3"), ("test", "p4")):
        members[f"crops_{split}/images/{patient}/s-1.png"] = saved(GREY, "PNG")
        for k in range(4):
            members[f"crops_{split}/gt/{patient}/s-1_l{k}.png"] = saved(BINARY * 255 * (k % 2), "PNG")
    return members


def hpunet_kind() -> Kind:
    members = hpunet_members()
    valid: dict[str, Files] = {
        "zip": {"a.zip": zipped(members)},
        "folder": {f"a.zip/{name}": content for name, content in members.items()},
    }
    hostile = zip_hostile("a.zip", members, "crops_train/images/p1/s-1.png") | links("a.zip", members)
    names = {
        "patient of lines": ("p1/", "a\nb\u2028/"),
        "patient of 60000 letters": ("p1/", "p" * 60000 + "/"),
        "patient in two splits": ("p3/", "p1/"),
        "mask of 5000 digits": ("_l3", "_l" + "3" * 5000),
        "mask of other digits": ("_l3", "_l٣"),
        "mask 01 beside mask 1": ("_l3", "_l01"),
        "slice of digits": ("s-1", "9" * 5000),
        "slice of underscores": ("s-1", "_l" * 20000),
    }
    for name, (old, new) in names.items():
        changed = {path.replace(old, new): content for path, content in members.items()}
        hostile[f"zip, {name}"] = lambda changed=changed: {"a.zip": zipped(changed)}
    return Kind(valid, hostile, None, partial(inside, "a.zip"))


def isic_members() -> Members:
    members = {f"a/ISIC_000000{i}.jpg": saved(COLOUR, "JPEG") for i in range(2)}
    for i, who in ((0, "one"), (0, "two"), (1, "one"), (1, "two"), (1, "three")):
        members[f"a/masks/ISIC_000000{i}_{who}_segmentation.png"] = saved(BINARY * 255, "PNG")
    return members


TABLE = b"isic_id,patient_id\nISIC_0000000,IP_1\nISIC_0000001,IP_2\n"


def isic_kind() -> Kind:
    members = isic_members()
    valid: dict[str, Files] = {"isic": dict(members), "isic with patients": {**members, "a.csv": TABLE}}
    tables = {
        "of nothing": b"",
        "of other columns": b"a,b\n1,2\n",
        "of null characters": b"isic_id,patient_id\n\0,\0\n",
        "of bytes that are no text": b"isic_id,patient_id\n\xff,\xfe\n",
        "with a field of 10^6 letters": b'isic_id,patient_id\nISIC_0000000,"' + b"p" * 10**6 + b'"\n',
        "with a column of 10^6 letters": b"c" * 10**6 + b",b\n",
        "with a patient of lines": b'isic_id,patient_id\nISIC_0000000,"a\nb"\nISIC_0000001,c\n',
        "with a quote and no end": b'isic_id,patient_id\nISIC_0000000,"a\n' * 100,
        "with too many fields": b"isic_id,patient_id\nISIC_0000000,a,b,c,d\n",
        "with too few fields": b"isic_id,patient_id\nISIC_0000000\n",
        "of 10^5 columns": b"isic_id,patient_id" + b",c" * 10**5 + b"\n",
        "with columns of lines": b'"a\nb",c\n',
    }
    hostile: dict[str, Callable[[], Files]] = {
        f"isic, table {name}": lambda table=table: {**members, "a.csv": table} for name, table in tables.items()
    }
    hostile |= links("a", {name.removeprefix("a/"): content for name, content in members.items()})
    names = {"of lines": "a\nb", "of surrogates": "\udcff", "of underscores": "_" * 200, "of an arrow": "\u2028"}
    for what, name in names.items():
        hostile[f"isic, image {what}"] = lambda name=name: {f"a/{name}.png": saved(GREY, "PNG"), **members}
        hostile[f"isic, case {what}"] = lambda name=name: {
            f"a/{name}.png": saved(GREY, "PNG"),
            f"a/{name}_segmentation.png": saved(BINARY * 255, "PNG"),
            **members,
        }
    return Kind(valid, hostile)
