"""A pack gives back the store that went in, cut as asked, and says so when a byte is not what was written."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.intensity import Intensity
from atfm.data.packed import pack, unpack
from atfm.data.packed.head import HEAD
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError, StoreError

SPLITS = {"train": ["p0", "p1"], "test": ["p2"]}


def make_case(number: int, *, shape=(12, 9), k=3, channels=1, classes=1, grid=True) -> Case:
    rng = np.random.default_rng(number)
    steps = rng.integers(0, 256, (channels, *shape)).astype(np.float32)
    return Case(
        image=steps / np.float32(255) if grid else rng.random((channels, *shape), np.float32),
        masks=rng.integers(0, max(classes, 2), (k, *shape), np.uint8),
        case_id=f"c{number}",
        patient_id=f"p{number % 3}",
        spacing=tuple(0.5 + axis for axis in range(len(shape))),
    )


def write(path: Path, cases: list[Case], **options) -> Store:
    with StoreWriter(path, name="test", licence="CC0", splits=SPLITS, **options) as writer:
        for case in cases:
            writer.add(case)
    return Store.open(path)


def assert_same(a: Case, b: Case) -> None:
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.masks, b.masks)
    assert (a.image.dtype, a.masks.dtype) == (b.image.dtype, b.masks.dtype)
    assert (a.case_id, a.patient_id, a.spacing) == (b.case_id, b.patient_id, b.spacing)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write(tmp_path / "store", [make_case(i, k=1 + i % 4) for i in range(60)])


@pytest.mark.parametrize("grid", [True, False])
@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize(
    ("shape", "channels", "grows"),
    [((12, 9), 1, 0), ((6, 7), 3, 0), ((5, 4, 6), 1, 0), ((3, 5, 4), 2, 0), ((5, 7), 1, 1), ((1, 1), 1, 0)],
)
def test_the_whole_store_comes_back(tmp_path, shape, channels, grows, classes, grid) -> None:
    cases = [
        make_case(
            i, shape=(shape[0], *(n + grows * (i // 2) for n in shape[1:])), k=1 + i % 3, channels=channels,
            classes=classes, grid=grid,
        )
        for i in range(7)
    ]  # fmt: skip
    before = write(tmp_path / "store", cases, classes=classes, orientation="RAS")
    packed = pack(before, tmp_path / "one")
    info = unpack(tmp_path / "one", tmp_path / "back")
    after = Store.open(tmp_path / "back")
    for case, back in zip(cases, after, strict=True):
        assert_same(case, back)
    after.check()
    assert info.orientation == "RAS"
    assert info.packed_from == after.info.packed_from == before.digest
    assert after.info.files == before.info.files  # the same bytes
    same = before.info.model_copy(update={"packed_from": before.digest})
    assert after.info == same
    assert (packed.cases, packed.patients, packed.bytes) == (7, 3, (tmp_path / "one").stat().st_size)


def test_the_window_is_the_centre_and_other_splits_stay_out(tmp_path, store) -> None:
    packed = pack(store, tmp_path / "one", splits=["train"], window=[7, 4])
    unpack(tmp_path / "one", tmp_path / "back")
    after = Store.open(tmp_path / "back")
    assert after.info.splits == {"train": ("p0", "p1")} and packed.splits == {"train": {"cases": 40, "patients": 2}}
    assert after.ids() == [store.ids()[i] for i in store.split("train")]
    for i, case in zip(store.split("train"), after, strict=True):
        np.testing.assert_array_equal(case.image, store[i].image[:, 2:9, 2:6])
        np.testing.assert_array_equal(case.masks, store[i].masks[:, 2:9, 2:6])
    after.check()


@pytest.mark.parametrize("window", [None, [7, 4]])
def test_that_images_were_stretched_is_told_where_their_centres_no_longer_show_it(tmp_path, window) -> None:
    cases = [make_case(i) for i in range(25)]
    for case in cases:
        case.image[...] = case.image * 0.5 + 0.2
        case.image[..., 0, :2] = (0, 1)
        case.image[...] = np.rint(case.image * 255) / np.float32(255)
    before = write(tmp_path / "store", cases)
    pack(before, tmp_path / "one", window=window)
    info = unpack(tmp_path / "one", tmp_path / "back")
    assert info.intensity == (None if window is None else Intensity(kind="byte", stretched=True))


def test_chosen_cases_only(tmp_path, store) -> None:
    pack(store, tmp_path / "one", cases=[0, 4, 7])
    unpack(tmp_path / "one", tmp_path / "back")
    after = Store.open(tmp_path / "back")
    assert [case_id for case_id, _ in after.ids()] == ["c0", "c4", "c7"]
    assert after.info.splits == {"train": ("p0", "p1"), "test": ()}


def test_smooth_images_become_small(tmp_path) -> None:
    y, x = np.mgrid[:64, :64] / 64
    images = [
        np.rint(120 + 100 * np.sin(3 * x + i / 5) * y)[None].astype(np.float32) / np.float32(255) for i in range(9)
    ]
    masks = np.zeros((2, 64, 64), np.uint8)
    cases = [Case(image, masks, f"c{i}", f"p{i % 3}") for i, image in enumerate(images)]
    packed = pack(write(tmp_path / "store", cases), tmp_path / "one")
    assert packed.images_bytes < 9 * 64 * 64 / 2.5 and packed.masks_bytes < 100


def test_the_same_store_packs_to_the_same_bytes(tmp_path, store) -> None:
    seals = {pack(store, tmp_path / name).sha256 for name in ("one", "two")}
    assert len(seals) == 1
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert zipfile.ZipFile(tmp_path / "one").testzip() is None


def test_every_flipped_byte_is_a_named_error(tmp_path) -> None:
    pack(write(tmp_path / "store", [make_case(i) for i in range(3)]), tmp_path / "one")
    whole = (tmp_path / "one").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "one").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=r"one: .*(pack|seal)"):
            unpack(tmp_path / "one", tmp_path / "back")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one", "store"]


@pytest.mark.parametrize("keep", [0, 3, 100, -80, -1])
def test_a_truncated_file_is_refused(tmp_path, store, keep) -> None:
    pack(store, tmp_path / "one")
    (tmp_path / "one").write_bytes((tmp_path / "one").read_bytes()[:keep])
    with pytest.raises(StoreError, match=r"one: .*pack"):
        unpack(tmp_path / "one", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def resealed(file: Path, edit) -> None:
    """Write a pack again with other members, and a seal that fits: what no accident but a mistake would make."""
    from atfm.data.packed.head import DIGITS, MARK, seal

    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(members[HEAD])
    edit(head, members)
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = MARK + b"0" * DIGITS
        for name, data in {**members, HEAD: json.dumps(head).encode()}.items():
            archive.writestr(name, data)
    seal(file)


def drop_case(head, members):
    head["cases"].pop()


def more_cases(head, members):
    head["cases"].append(["c99", *head["cases"][-1][1:]])


def other_shape(head, members):
    head["cases"][0][2] = [9, 12]


def huge(head, members):
    head["cases"][0][2] = [2**20, 2**20]


def other_part(head, members):
    members[head["images"][0]["name"]] = members[head["masks"][0]["name"]]


def no_part(head, members):
    del members[head["images"][0]["name"]]


def wide_part(head, members):
    head["images"][0]["shape"][1] += 1


def other_digest(head, members):
    head["masks"][0]["sha256"] = "0" * 64


def later(head, members):
    head["version"] = 2


def stranger(head, members):
    head["store"]["classes"] = "many"


@pytest.mark.parametrize(
    "edit",
    [drop_case, more_cases, other_shape, huge, other_part, no_part, wide_part, other_digest, later, stranger],
)
def test_a_head_that_does_not_fit_is_a_named_error(tmp_path, store, edit) -> None:
    pack(store, tmp_path / "one")
    resealed(tmp_path / "one", edit)
    with pytest.raises(StoreError, match="one: "):
        unpack(tmp_path / "one", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_no_pack_at_all(tmp_path) -> None:
    with pytest.raises(StoreError, match="no such file; make one with `atfm data pack`"):
        unpack(tmp_path / "nothing", tmp_path / "back")
    (tmp_path / "text").write_text("words")
    with pytest.raises(StoreError, match="not a pack"):
        unpack(tmp_path / "text", tmp_path / "back")
    with pytest.raises(StoreError, match="cannot be read"):
        unpack(tmp_path, tmp_path / "back")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": [13, 4]}, r"\[13, 4\] is more than case c0 has, \[12, 9\]"),
        ({"window": [4]}, "expected 2 numbers above 0"),
        ({"window": [0, 4]}, "expected 2 numbers above 0"),
        ({"cases": []}, "no case to pack"),
        ({"splits": ["test"], "cases": [0]}, "no case to pack"),
    ],
)
def test_what_cannot_be_packed(tmp_path, store, options, words) -> None:
    with pytest.raises(InputError, match=words):
        pack(store, tmp_path / "one", **options)
    assert not (tmp_path / "one").exists()


def test_an_unknown_split_and_a_file_in_use(tmp_path, store) -> None:
    with pytest.raises(StoreError, match="no split 'val'"):
        pack(store, tmp_path / "one", splits=["val"])
    (tmp_path / "one").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        pack(store, tmp_path / "one")
    assert (tmp_path / "one").read_text() == "mine"


@pytest.mark.parametrize("word", ["pack", "unpack"])
def test_killed_leaves_nothing_half_made(tmp_path, store, word) -> None:
    pack(store, tmp_path / "one")
    arguments = {"pack": f"Store.open({str(store.path)!r}), Path({str(tmp_path / 'new')!r})"}
    arguments["unpack"] = f"Path({str(tmp_path / 'one')!r}), Path({str(tmp_path / 'new')!r})"
    script = (
        "import time; from pathlib import Path; from atfm.data.packed import pack, unpack;"
        "from atfm.data.store import Store;"
        f"{word}({arguments[word]}, progress=lambda d, t: d == 40 and (print('half', flush=True), time.sleep(60)))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "new").exists()
    if word == "unpack":
        unpack(tmp_path / "one", tmp_path / "new")
        assert Store.open(tmp_path / "new").info.packed_from == store.digest
