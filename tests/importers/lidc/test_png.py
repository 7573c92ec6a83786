"""The PNG layout of LIDC: folders and zips, in order, and what is wrong is named."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.splits import load_splits
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers import members
from atfm.importers.lidc.png import plan_lidc_png
from atfm.importers.plan import build_store

TOP = "LIDC-IDRI-slices"
Files = dict[str, bytes]


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def slice_files(patient: str, nodule: int, number: int, *, masks: int = 4) -> Files:
    rng = np.random.default_rng([nodule, number])
    folder = f"{TOP}/{patient}/nodule-{nodule}"
    files = {f"{folder}/images/slice-{number}.png": png(rng.integers(0, 256, (8, 6), np.uint8))}
    for k in range(masks):
        files[f"{folder}/mask-{k}/slice-{number}.png"] = png(rng.integers(0, 2, (8, 6), np.uint8) * np.uint8(255))
    return files


def as_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


ONE = slice_files("P-1", 0, 0)
IMAGE, MASK = f"{TOP}/P-1/nodule-0/images/slice-0.png", f"{TOP}/P-1/nodule-0/mask-2/slice-0.png"
MANY = {
    **slice_files("P-10", 0, 0),
    **slice_files("P-2", 0, 10),
    **slice_files("P-2", 0, 9),
    **slice_files("P-2", 11, 0),
    **slice_files("P-2", 2, 0),
    "README.txt": b"not a slice",
}


@pytest.mark.parametrize("pack", [as_zip, as_folder])
def test_cases_in_natural_order_with_exact_pixels(tmp_path, pack: Callable[[Path, Files], Path]) -> None:
    seen = []
    info = build_store(
        plan_lidc_png([pack(tmp_path / "in", MANY)], splits={"train": ["P-2"], "test": ["P-10"]}),
        tmp_path / "store",
        lambda *at: seen.append(at),
    )
    store = Store.open(tmp_path / "store")
    assert store.info == info and info.licence == "CC BY 3.0" and "10.7937" in info.source
    assert info.intensity is not None and info.intensity.kind == "stretch"  # what a model of it does with a raw scan
    names = ["P-2/nodule-0/slice-9", "P-2/nodule-0/slice-10", "P-2/nodule-2/slice-0", "P-2/nodule-11/slice-0"]
    assert [case_id for case_id, _ in store.ids()] == [*names, "P-10/nodule-0/slice-0"]
    assert store.split("train") == [0, 1, 2, 3] and store.split("test") == [4]
    case = store[1]
    folder = f"{TOP}/P-2/nodule-0"
    for k in range(4):
        stored = np.asarray(Image.open(io.BytesIO(MANY[f"{folder}/mask-{k}/slice-10.png"])))
        np.testing.assert_array_equal(case.masks[k] * 255, stored)
    stored = np.asarray(Image.open(io.BytesIO(MANY[f"{folder}/images/slice-10.png"])))
    np.testing.assert_array_equal(np.rint(case.image[0] * 255), stored)
    assert seen == [(done, 5) for done in range(1, 6)]


def test_several_sources_and_a_limit(tmp_path) -> None:
    paths = [as_zip(tmp_path / "a.zip", slice_files("P-2", 0, 0)), as_folder(tmp_path / "b", slice_files("P-1", 0, 0))]
    for limit, patients in ((None, ["P-1", "P-2"]), (1, ["P-1"])):
        build_store(plan_lidc_png(paths, limit=limit), tmp_path / str(limit))
        store = Store.open(tmp_path / str(limit))
        assert store.patients() == patients and store.unassigned() == []


def change(name: str, content: bytes | None) -> Files:
    files = dict(ONE)
    if content is None:
        del files[name]
    else:
        files[name] = content
    return files


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no slices found; expected files such as"),
        ({"a/b.png": ONE[IMAGE]}, "no slices found"),
        (change(IMAGE, ONE[IMAGE][:60]), r"images/slice-0.png: cannot be read as an image"),
        (change(MASK, b"no png"), r"mask-2/slice-0.png: cannot be read as an image"),
        (change(IMAGE, None), "this slice has no images beside it"),
        ({**MANY, **change(MASK, None)}, r"P-1/nodule-0/.*slice-0.png: this slice has no mask-2 beside it"),
        ({IMAGE: ONE[IMAGE]}, "there is no mask-<k> folder beside images"),
        (
            change(MASK, png(np.zeros((8, 7), np.uint8))),
            r"mask-2.*a mask of \[8, 7\] pixels beside an image of \[8, 6\]",
        ),
        (change(MASK, png(np.full((8, 6), 7, np.uint8))), r"mask-2.*expected a mask of 0 and 255, got values 7"),
        (change(IMAGE, png(np.zeros((8, 6, 3), np.uint8))), "expected an 8-bit grey PNG, got one of mode RGB"),
        (change(IMAGE, png(np.zeros((8, 6), np.uint16))), "expected an 8-bit grey PNG, got one of mode I;16"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, files, message) -> None:
    path = as_zip(tmp_path / "in.zip", files)
    with pytest.raises(InputError, match=message) as error:
        build_store(plan_lidc_png([path]), tmp_path / "store")
    assert "in.zip" in str(error.value) and "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["in.zip"]


def test_the_same_slice_twice(tmp_path) -> None:
    paths = [as_zip(tmp_path / "a.zip", ONE), as_zip(tmp_path / "b.zip", ONE)]
    with pytest.raises(InputError, match=r"b.zip.*the same slice is also in .*a.zip"):
        build_store(plan_lidc_png(paths), tmp_path / "store")


def test_sources_that_are_none(tmp_path) -> None:
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(InputError, match="no such file or folder"):
        build_store(plan_lidc_png([tmp_path / "missing.zip"]), tmp_path / "store")
    with pytest.raises(InputError, match="neither a folder nor a whole zip file"):
        build_store(plan_lidc_png([tmp_path / "text.zip"]), tmp_path / "store")
    whole = as_zip(tmp_path / "whole.zip", ONE).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="neither a folder nor a whole zip file"):
        build_store(plan_lidc_png([tmp_path / "cut.zip"]), tmp_path / "store")


def test_a_damaged_member_is_named(tmp_path) -> None:
    path = as_zip(tmp_path / "in.zip", ONE)
    data = bytearray(path.read_bytes())
    data[data.index(MASK.encode()) + len(MASK) + 50] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"mask-2/slice-0.png: cannot be read, the file is damaged"):
        build_store(plan_lidc_png([path]), tmp_path / "store")


@pytest.mark.parametrize("name", ["/etc/passwd", "../../outside.png", "a/../../b.png", "a\nb.png"])
def test_names_that_lead_out_are_refused(tmp_path, name) -> None:
    path = as_zip(tmp_path / "in.zip", {**ONE, name: b"x"})
    with pytest.raises(InputError, match=r"leads out of the archive|which is no name"):
        build_store(plan_lidc_png([path]), tmp_path / "store")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(members, "LARGEST_MEMBER", 1000)
    path = as_zip(tmp_path / "in.zip", change(MASK, bytes(1001)))
    with pytest.raises(InputError, match=r"mask-2/slice-0.png: 1001 bytes is more than the 1000"):
        build_store(plan_lidc_png([path]), tmp_path / "store")


@pytest.mark.real
def test_real_slices(shared_data: Path, tmp_path) -> None:
    lidc = shared_data / "lidc"
    splits = load_splits(lidc / "patients.json")
    assert [len(splits[name]) for name in ("train", "val", "test")] == [550, 93, 134]
    build_store(plan_lidc_png([lidc / "val.zip", lidc / "test.zip"], splits=splits, limit=300), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert store.check().cases == 300 and store.unassigned() == []
    assert store.info.dtype == "uint8" and {store.shape(i) for i in range(300)} == {(128, 128)}
    assert len(store.split("val")) + len(store.split("test")) == 300 and store.split("train") == []
    name = store.ids()[123][0]
    member = f"{TOP}/{name.rpartition('/')[0]}/images/{name.rpartition('/')[2]}.png"
    with zipfile.ZipFile(lidc / ("val.zip" if 123 in store.split("val") else "test.zip")) as archive:
        pixels = np.asarray(Image.open(io.BytesIO(archive.read(member))))
    np.testing.assert_array_equal(store[123].image[0], pixels / np.float32(255))


@pytest.mark.parametrize("name", ["", "a\nb", "a\u2028b", "n" * 501, "p/nodule-" + "9" * 5000 + "/images/slice-0.png"])
def test_names_that_are_none_are_refused(tmp_path, name) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", b"")
        archive.writestr(zipfile.ZipInfo("placeholder"), b"")
        archive.filelist[-1].filename = name
    with pytest.raises(InputError, match="which is no name") as error:
        build_store(plan_lidc_png([tmp_path / "a.zip"]), tmp_path / "store")
    assert len(str(error.value).splitlines()) == 1


def test_a_zip_of_a_later_version_is_refused(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", b"")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 255
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match="neither a folder nor a whole zip file"):
        build_store(plan_lidc_png([tmp_path / "a.zip"]), tmp_path / "store")


def test_members_whose_package_is_damaged(tmp_path) -> None:
    for packing in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", packing) as archive:
            archive.writestr("p/nodule-0/images/slice-0.png", bytes(range(256)) * 40)
            archive.writestr("p/nodule-0/mask-0/slice-0.png", bytes(range(256)) * 40)
        content = (tmp_path / "a.zip").read_bytes()
        for offset in (2, 9, 20, 60):
            at = 30 + len("p/nodule-0/images/slice-0.png") + offset
            (tmp_path / "a.zip").write_bytes(
                content[:at] + bytes(b ^ 255 for b in content[at : at + 9]) + content[at + 9 :]
            )
            with pytest.raises(InputError, match="cannot be read"):
                build_store(plan_lidc_png([tmp_path / "a.zip"]), tmp_path / "store")


def test_a_local_name_that_is_no_text(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("p/nodule-0/images/slice-0ü.png", b"x")  # a letter beyond ASCII makes names UTF-8
        archive.writestr("p/nodule-0/images/slice-0.png", b"x")
        archive.writestr("p/nodule-0/mask-0/slice-0.png", b"x")
    content = (tmp_path / "a.zip").read_bytes()
    at = content.index(b"slice-0.png")
    content = bytearray(content[:at] + b"\xff" + content[at + 1 :])
    content[content.index(b"PK\x03\x04", 40) + 7] |= 8  # the local head says UTF-8, too
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read, the file is damaged"):
        build_store(plan_lidc_png([tmp_path / "a.zip"]), tmp_path / "store")


def test_a_zip_that_wants_a_password(tmp_path) -> None:
    content = as_zip(tmp_path / "a.zip", ONE).read_bytes()
    content = content.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    listed = content.index(b"PK\x01\x02")
    content = content[:listed] + content[listed:].replace(b"\x14\x00\x00", b"\x14\x00\x01")
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.zip: .*slice-0\.png: cannot be read: .*unpack it and import the folder"):
        build_store(plan_lidc_png([tmp_path / "a.zip"]), tmp_path / "store")


def test_digits_beyond_what_python_counts_in_a_folder(tmp_path) -> None:
    huge = {name.replace("P-1", f"P-{'9' * 200}"): content for name, content in ONE.items()}
    build_store(plan_lidc_png([as_folder(tmp_path / "a", {**ONE, **huge})]), tmp_path / "store")
    assert [patient for _, patient in Store.open(tmp_path / "store").ids()] == ["P-1", f"P-{'9' * 200}"]
