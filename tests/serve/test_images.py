"""What is sent is read in every format, told of, shown slice by slice, and forgotten; nobody hears of its patient."""

import asyncio
import gzip
import io
import logging
import struct
import time
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image


def shown(caller, image: str, k: int, **headers: str) -> np.ndarray:
    answer = caller.get(f"images/{image}/slices/{k}", headers=headers or {"Accept-Encoding": "identity"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/octet-stream"
    kind = np.dtype(answer.headers["X-Dtype"]).newbyteorder("<")
    return np.frombuffer(answer.content, kind).reshape([int(n) for n in answer.headers["X-Shape"].split(",")])


def test_a_picture(serve, kit) -> None:
    caller, pixels = serve(), kit.grey()
    told = caller.send(kit.png(pixels), "Doe%20Jane.png")
    assert told["size"] == {"width": 16, "height": 16, "slices": 1} and told["kind"] == "flat"
    assert told["channels"] == 1 and told["spacing"] is None and told["letters"] is None and told["units"] == "grey"
    assert told["window"] == {"low": 0, "high": 255} and told["readers"] == [] and told["attribution"] is None
    assert told["ways"]["small"] | {"warnings": []} == {
        "whole": True, "slices": False, "spot": False, "sees": None, "window": None, "why": {}, "warnings": [],
        "field": {"width": 16, "height": 16},
    }  # fmt: skip
    assert np.array_equal(shown(caller, told["id"], 0)[..., 0], pixels)
    caller.refused(404, "GET", f"images/{told['id']}/slices/1")
    caller.refused(404, "GET", f"images/{told['id']}/readers")


def test_a_slice_is_packed_where_that_is_understood(serve, kit) -> None:
    caller, pixels = serve(), np.zeros((64, 64), np.uint8)
    image = caller.send(kit.png(pixels))["id"]
    answer = caller.get(f"images/{image}/slices/0", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip" and int(answer.headers["content-length"]) < 100
    assert answer.content == bytes(64 * 64) and answer.headers["vary"] == "Accept-Encoding"


def test_a_dicom_series_in_a_zip(serve, kit) -> None:
    caller = serve()
    told = caller.send(kit.zipped(kit.series(depth=3)))
    assert told["size"] == {"width": 16, "height": 16, "slices": 3} and told["kind"] == "volume"
    assert told["spacing"] == {"x": 0.75, "y": 0.5, "z": 2.5} and told["units"] == "HU"
    assert told["letters"] == {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    assert {"lung", "bone"} <= {preset["name"] for preset in told["presets"]}
    values = np.random.default_rng(2).integers(20, 1500, (16, 16), np.int16) - 1000
    found = shown(caller, told["id"], 2)
    assert found.dtype == np.int16 and np.array_equal(found[..., 0], values)
    more = caller.send(kit.zipped([*kit.series(depth=2), b"<xml/>"]))
    assert more["warnings"] == ["left out, no DICOM: 1 file, member-3"]
    one = caller.send(kit.series(depth=1)[0], "x.dcm")
    assert one["kind"] == "flat" and one["size"]["slices"] == 1
    two, three = (caller.draw(image=one["id"], n=2, point=point) for point in ([3, 4], [3, 4, 0]))
    assert two["masks"] == three["masks"] and two["place"] == three["place"]


@pytest.mark.parametrize(
    "name", ["a.tif", "a.npy", "a.nii.gz", "a.nii", "a.nrrd", "a.mha", "a.bmp", "a.jpg", "a.gif", "a.ppm"]
)
@pytest.mark.parametrize("named", [True, False])
def test_every_format_is_told_by_its_bytes_or_its_name(serve, kit, tmp_path, name: str, named: bool) -> None:
    pixels, path = kit.grey(), tmp_path / name
    volume = np.random.default_rng(0).integers(0, 500, (3, 16, 16), np.int16)
    if name.endswith((".bmp", ".jpg", ".gif", ".ppm")):
        Image.fromarray(pixels).save(path)
    elif name == "a.tif":
        tifffile.imwrite(path, pixels)
    elif name == "a.npy":
        np.save(path, pixels)
    elif name == "a.nrrd":
        nrrd = pytest.importorskip("nrrd")
        nrrd.write(str(path), volume.T)
    elif name == "a.mha":
        head = "ObjectType = Image\nNDims = 3\nDimSize = 16 16 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        path.write_bytes(head.encode() + volume.astype("<i2").tobytes())
    else:
        content = kit.nifti(volume, np.eye(4))
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    told = serve().send(path.read_bytes(), name if named else None)
    assert told["size"]["slices"] == (3 if name in ("a.nii", "a.nii.gz", "a.nrrd", "a.mha") else 1)


def test_an_array_outlives_the_file_that_it_was_mapped_from(serve, kit) -> None:
    stream = io.BytesIO()
    pixels = kit.grey()
    np.save(stream, pixels)
    caller = serve()
    image = caller.send(stream.getvalue())["id"]
    assert type(caller.service.images.get(image).opened.source.picture.pixels) is np.ndarray
    assert np.array_equal(shown(caller, image, 0)[..., 0], pixels)


def directory(members: int, size: int = 0) -> bytes:
    """The end of a zip that claims so many members."""
    return b"PK\3\4" + bytes(40) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, members, members, size, 4, 0)


def locked(content: bytes) -> bytes:
    """The same zip, said to be locked."""
    at = content.rfind(b"PK\1\2")
    return content[: at + 8] + b"\1" + content[at + 9 :]


def packed(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "status", "word"),
    [
        (b"", None, 400, "no bytes"),
        (b"hello there", None, 415, "PNG"),
        (b"hello there", "notes.docx", 415, "PNG"),
        (b"hello there", "a.png", 400, "damaged"),
        (b"\x89PNG but no more", None, 400, "damaged"),
        (b"NRRD0004\nencoding: raw\ndata file: /etc/passwd\n\n", None, 400, "image"),
        (b"x", "head.mhd", 415, ".mha"),
        (b"PK\3\4 and no end", None, 400, "no end"),
        (directory(5000), None, 413, "5000 files"),
        (directory(3, 2**31), None, 413, "files"),
        (directory(3), None, 415, "no DICOM"),
        (packed(a=b"text"), None, 415, "no DICOM"),
        (locked(packed(a=b"text")), None, 415, "password"),
        (packed(a=b"\0" * 128 + b"DICM" + bytes(10**6)), None, 413, "unpacks"),
        (gzip.compress(b"text"), None, 415, "PNG"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_line(serve, content, name, status, word) -> None:
    caller = serve(unpacked=10**5)
    said = caller.refused(status, "POST", "images", content=content, headers={"X-File-Name": name} if name else {})
    assert word in said and "/" not in said.replace("A/P", "").replace("and/or", "")


def test_an_image_that_is_larger_than_it_may_be(serve, kit) -> None:
    caller = serve(upload=1000, values=100)
    assert "1000 bytes" in caller.refused(413, "POST", "images", content=bytes(1001))

    async def drip():
        for _ in range(11):
            yield bytes(100)

    assert "1000 bytes" in caller.refused(413, "POST", "images", content=drip())
    assert "pixels" in caller.refused(400, "POST", "images", content=kit.png(np.zeros((11, 11), np.uint8)))
    small = kit.nifti(np.zeros((1, 11, 11), np.uint8), np.eye(4))
    assert "more than an image may have" in caller.refused(400, "POST", "images", content=small)
    assert caller.send(kit.png(np.zeros((9, 9), np.uint8)))["size"]["width"] == 9
    assert caller.service.arriving.nbytes == 0


def test_numbers_beyond_all_measure_are_refused(serve, kit) -> None:
    caller, volume = serve(), np.random.default_rng(0).random((1, 16, 16))
    assert "float32" in caller.refused(400, "POST", "images", content=kit.nifti(volume * 1e300, np.eye(4)))
    head = "ObjectType = Image\nNDims = 2\nDimSize = 16 16\nElementType = MET_UCHAR\nElementSpacing = 1e308 1e308\n"
    image = caller.send(f"{head}ElementDataFile = LOCAL\n".encode() + kit.grey().tobytes())["id"]
    assert "not finite" in caller.refused(400, "POST", "samples", json={"image": image, "n": 1})


def test_an_image_that_does_not_arrive(serve, monkeypatch) -> None:
    caller = serve(receive=0.05)

    async def slow():
        yield b"\x89PNG"
        await asyncio.sleep(0.5)
        yield b"more"

    assert "did not arrive" in caller.refused(408, "POST", "images", content=slow())


def test_only_so_many_bytes_are_on_their_way(serve) -> None:
    caller = serve(arriving=100)
    answer = caller.post("images", content=bytes(101))
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5" and caller.service.arriving.nbytes == 0


def test_images_expire(serve, kit) -> None:
    caller = serve(keep=0.05)
    image = caller.send(kit.png(kit.grey()))
    time.sleep(0.1)
    caller.refused(410, "GET", f"images/{image['id']}/slices/0")
    assert caller.service.images.nbytes == 0
    caller.send(kit.png(kit.grey()))
    time.sleep(0.1)
    caller.service.sweep()  # as the process does by itself
    assert caller.service.images.nbytes == 0
    caller.refused(404, "GET", "images/never-there/slices/0")
    caller.refused(404, "DELETE", "images/never-there")


def test_several_models_each_say_what_they_can(serve, kit) -> None:
    caller = serve(kit.small(), kit.small((99, 99), "large"), kit.small((4, 16, 16), "deep"))
    ways = caller.send(kit.png(kit.grey()))["ways"]
    assert list(ways) == ["small", "large", "deep"]
    assert ways["small"]["whole"] and not ways["large"]["whole"] and "99 x 99" in ways["large"]["why"]["whole"]
    assert not any(ways["deep"][way] for way in ("whole", "slices", "spot"))


def test_names_and_patients_stay_where_they_are(serve, kit, caplog, capsys) -> None:
    """Neither is in any answer, log or number, whatever goes wrong."""
    caller, files, name = serve(), kit.series(depth=3), {"X-File-Name": "Doe%5EJane.zip"}
    with caplog.at_level(logging.INFO, "atfm.serve"):
        told = caller.send(kit.zipped(files), name["X-File-Name"])
        said = [str(told)]
        for wrong in ([files[0], files[1][:400], files[2]], [*files, *kit.series(depth=2)], [b"\0" * 128 + b"DICM"]):
            said.append(caller.post("images", content=kit.zipped(wrong), headers=name).text)
        drawn = caller.draw(image=told["id"], n=2, slices=[1])
        said += [str(drawn), caller.get(f"samples/{drawn['id']}/files/json").text]
        said += [caller.get("/metrics").text, caller.get("models").text, caller.get("cases").text]
    lines = [f"{record.getMessage()} {record.__dict__['fields']}" for record in caplog.records]
    told_all = "\n".join([*said, *lines, *capsys.readouterr()])
    for word in ("Doe", "Jane", "SECRET", "1950", "atfm-serve-", "/tmp", "/dev/shm", "/proc"):
        assert word not in told_all, word
    assert len(lines) == 9 and not any(told["id"] in line for line in (*lines, caller.get("/metrics").text))
