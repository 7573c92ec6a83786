"""Zips of images: bombs, names that lead out, twins, locks, links, and members that lie."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from corpus import Content, Files, Kind, Link
from damage import damaged
from hostile_rasters import BINARY, COLOUR, GREY, png, saved, zeros

__all__ = ["Members", "inside", "lidc_png_kind", "links", "repacked", "zip_hostile", "zipped"]

Members = dict[str, bytes]


def zipped(members: Members | list[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members; a list may hold a name twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            # a fixed time, so that the same members are the same bytes
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), content, packing)
    return stream.getvalue()


def lidc_members() -> Members:
    members = {}
    for patient, slice_ in (("LIDC-IDRI-0001", 0), ("LIDC-IDRI-0001", 1), ("LIDC-IDRI-0002", 0)):
        root = f"LIDC-IDRI-slices/{patient}/nodule-0"
        members[f"{root}/images/slice-{slice_}.png"] = saved(GREY, "PNG")
        for k in range(4):
            members[f"{root}/mask-{k}/slice-{slice_}.png"] = saved(BINARY * 255 * (k % 2), "PNG")
    return members


def lidc_png_kind() -> Kind:
    members = lidc_members()
    valid: dict[str, Files] = {
        "zip": {"a.zip": zipped(members)},
        "zip, not packed": {"a.zip": zipped(members, zipfile.ZIP_STORED)},
        "folder": {f"a.zip/{name}": content for name, content in members.items()},
    }
    hostile = zip_hostile("a.zip", members, "LIDC-IDRI-slices/LIDC-IDRI-0001/nodule-0/images/slice-0.png")
    hostile |= links("a.zip", members)
    hostile |= {name: partial(renamed, members, *change) for name, change in NAMES.items()}
    return Kind(valid, hostile, None, partial(repacked, "a.zip"))


NAMES = {
    "zip, patient of lines": ("LIDC-IDRI-0001/", "a\nb\u2028/"),
    "zip, patient of 60000 letters": ("LIDC-IDRI-0001/", "p" * 60000 + "/"),
    "zip, patient of null characters": ("LIDC-IDRI-0001/", "a\x00b/"),
    "zip, nodule of 5000 digits": ("nodule-0", "nodule-" + "9" * 5000),
    "zip, nodule of other digits": ("nodule-0", "nodule-٣"),
    "zip, slice of 5000 digits": ("slice-1", "slice-" + "1" * 5000),
    "zip, slice of a square": ("slice-1", "slice-²"),
    "zip, mask of 5000 digits": ("mask-3", "mask-" + "3" * 5000),
    "zip, patient of digits": ("LIDC-IDRI-0001", "1" * 5000),
    "zip, slice 01 beside slice 1": (
        "LIDC-IDRI-0002/nodule-0/images/slice-0",
        "LIDC-IDRI-0001/nodule-00/images/slice-00",
    ),
}


def renamed(members: Members, old: str, new: str) -> Files:
    return {"a.zip": zipped({name.replace(old, new): content for name, content in members.items()})}


def zip_hostile(file: str, members: Members, victim: str) -> dict[str, Callable[[], Files]]:
    """What a zip can do to whoever opens it; `victim` is the member that does it."""

    def with_(content: bytes) -> Files:
        return {file: zipped(members | {victim: content})}

    def extra(name: str) -> Files:
        return {file: zipped([*members.items(), (name, b"CANARY")])}

    whole = zipped(members)
    made: dict[str, Callable[[], Files]] = {
        f"zip, {name}": partial(with_, content)
        for name, content in {
            "65 MB in a member": bytes(65 * 2**20),
            "image of 10^9 x 10^9": png(10**9, 10**9),
            "image of 12000 x 12000": png(12000, 12000, data=zeros(1)),
            "image of nothing": b"",
            "image in colour": saved(COLOUR, "PNG"),
            "image of another size": saved(GREY.T.copy(), "PNG"),
            "image that is a zip": whole,
        }.items()
    }
    for name in (
        "../CANARY",
        "/CANARY",
        "a/../../CANARY",
        "..\\CANARY",
        "C:\\CANARY",
        "\\CANARY",
        "",
        ".",
        "a//b",
        "a/./b",
    ):
        made[f"zip, a member named {name!r}"] = partial(extra, name)
    made |= {f"zip, {name}": partial(edited, file, whole, edit) for name, edit in EDITS.items()}
    return made | {
        "zip, a member twice": lambda: {file: zipped([*members.items(), (victim, saved(GREY, "PNG"))])},
        "zip of nothing": lambda: {file: zipped({})},
        "zip of 20000 members": lambda: {file: zipped({f"{i}.txt": b"" for i in range(20000)} | members)},
        "zip whose directories overlap": lambda: {file: overlapping(victim, 2000)},
        "zip in a zip": lambda: {file: zipped({"a.zip": whole})},
        "zip with a link": lambda: {file: linked(members, victim)},
        "zip behind other bytes": lambda: {file: b"#!/bin/sh\ntouch CANARY\n" * 100 + whole},
        "zip with a comment of 65535": lambda: {file: whole[:-2] + b"\xff\xff" + b"c" * 65535},
        "zip end alone": lambda: {file: whole[-22:]},
        "zip, packed by lzma": lambda: {file: zipped(members, zipfile.ZIP_LZMA)},
        "zip, packed by bzip2": lambda: {file: zipped(members, zipfile.ZIP_BZIP2)},
        "a pickle called zip": lambda: {file: b"cos\nsystem\n(S'touch CANARY'\ntR."},
    }


# Fields of every entry of the central directory (signature PK 1 2) and of the local heads (PK 3 4): place and value.
EDITS: dict[str, tuple[tuple[int, int, bytes], ...]] = {
    "locked": ((1, 8, b"\x01\x00"), (3, 6, b"\x01\x00")),
    "locked strongly": ((1, 8, b"\x41\x00"), (3, 6, b"\x41\x00")),
    "patched": ((1, 8, b"\x20\x00"), (3, 6, b"\x20\x00")),
    "packed by method 99": ((1, 10, b"\x63\x00"), (3, 8, b"\x63\x00")),
    "packed by method 9": ((1, 10, b"\x09\x00"), (3, 8, b"\x09\x00")),
    "packed by lzma in name only": ((1, 10, b"\x0e\x00"), (3, 8, b"\x0e\x00")),
    "of version 255": ((1, 6, b"\xff\x00"),),
    "with another CRC": ((1, 16, b"\x00\x00\x00\x00"),),
    "of 4 GB": ((1, 24, b"\xfe\xff\xff\xff"),),
    "of 4 GB packed": ((1, 20, b"\xfe\xff\xff\xff"),),
    "of no byte": ((1, 24, b"\x00\x00\x00\x00"),),
    "of 64 bits that are not there": ((1, 24, b"\xff\xff\xff\xff"),),
    "that begin at 4 GB": ((1, 42, b"\xfe\xff\xff\xff"),),
    "that begin at the first": ((1, 42, b"\x00\x00\x00\x00"),),
    "with names of 65535": ((1, 28, b"\xff\xff"),),
    "with extras of 65535": ((1, 30, b"\xff\xff"),),
    "in the year 2107": ((1, 12, b"\xff\xff\xff\xff"),),
}


def edited(file: str, whole: bytes, edits: tuple[tuple[int, int, bytes], ...]) -> Files:
    changed = bytearray(whole)
    for kind, at, value in edits:
        mark = b"PK\x01\x02" if kind == 1 else b"PK\x03\x04"
        place = changed.find(mark)
        while place >= 0:
            changed[place + at : place + at + len(value)] = value
            place = changed.find(mark, place + 4)
    return {file: bytes(changed)}


def overlapping(victim: str, count: int) -> bytes:
    """Many names for one packed member of 60 MB: little to store, 120 GB to read."""
    packed = zeros(60)[2:-4]
    name = victim.encode()
    crc = zlib.crc32(bytes(60 * 2**20))
    sizes = struct.pack("<III", crc, len(packed), 60 * 2**20)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name
    entries = []
    for number in range(count):
        other = victim.replace("slice-0", f"slice-{number}").encode()
        head = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
        entries.append(head + struct.pack("<HHHHHII", len(other), 0, 0, 0, 0, 0, 0) + other)
    central = b"".join(entries)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(local) + len(packed), 0)
    return local + packed + central + end


def linked(members: Members, victim: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            info.external_attr = (0o120777 if name == victim else 0o100644) << 16
            archive.writestr(info, b"/etc/hostname" if name == victim else content)
    return stream.getvalue()


def repacked(file: str, files: Files, rng: np.random.Generator) -> Files:
    """Damage of one member, packed again; of a folder, of one file."""
    content = files.get(file, b"")
    try:
        with zipfile.ZipFile(io.BytesIO(content if isinstance(content, bytes) else b"")) as archive:
            members = {item.filename: archive.read(item) for item in archive.infolist()[:50] if item.file_size < 10**6}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OSError, zlib.error, EOFError):
        members = {}
    if not members:
        return files
    names = sorted(members)
    name = names[int(rng.integers(len(names)))]
    if rng.random() < 0.2:
        changed = damaged(name.encode(), rng)[1].decode("latin-1")[:60000]
        members[changed] = members.pop(name)
    else:
        members[name] = damaged(members[name], rng)[1]
    return {**files, file: zipped(members)}


def inside(file: str, files: Files, rng: np.random.Generator) -> Files:
    """Damage of a member of the zip, or of the file itself where it is none."""
    content = files.get(file)
    if isinstance(content, bytes) and zipfile.is_zipfile(io.BytesIO(content)):
        return repacked(file, files, rng)
    return {name: damaged(held, rng)[1] if isinstance(held, bytes) else held for name, held in files.items()}


def links(root: str, members: Members) -> dict[str, Callable[[], Files]]:
    """A folder in which one file is a link."""
    first = next(iter(members))
    targets = {
        "to a file of the system": "/etc/hostname",
        "to itself": first.rsplit("/", 1)[-1],
        "to nowhere": "nowhere",
    }
    targets |= {"to a folder": "/etc", "to endless zeros": "/dev/zero", "out of it": "../../../../../../CANARY"}

    def with_link(target: str) -> Files:
        files: dict[str, Content] = {f"{root}/{name}": content for name, content in members.items()}
        files[f"{root}/{first}"] = Link(target)
        return files

    return {f"folder, link {name}": partial(with_link, target) for name, target in targets.items()}
