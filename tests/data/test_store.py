"""A store gives back what was put in, and says so when it cannot."""

import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atfm.data import partial as partial_module
from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.errors import DiskError, InputError, StoreError

FILES = ("images.npy", "masks.npy", "index.npy", "cases.json")
SPLITS = {"train": ["p0", "p1"], "test": ["p2"]}


def make_case(number: int, *, shape=(5, 7), k=3, channels=1, classes=1, grid=True, patient=None) -> Case:
    rng = np.random.default_rng(number)
    image = rng.integers(0, 256, (channels, *shape)).astype(np.float32) / np.float32(255)
    return Case(
        image=image if grid else rng.random((channels, *shape), np.float32),
        masks=rng.integers(0, max(classes, 2), (k, *shape), np.uint8),
        case_id=f"c{number}",
        patient_id=patient or f"p{number % 3}",
        spacing=tuple(0.5 + axis for axis in range(len(shape))),
    )


def write(path: Path, cases: list[Case], **options) -> Store:
    with StoreWriter(path, name="test", splits=SPLITS, **options) as writer:
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
    return write(tmp_path / "store", [make_case(i, shape=(4 + i, 7), k=1 + i % 4) for i in range(6)])


@pytest.mark.parametrize("grid", [True, False])
@pytest.mark.parametrize(("shape", "channels"), [((5, 7), 1), ((6, 3), 3), ((3, 4, 5), 1)])
@pytest.mark.parametrize("classes", [1, 4])
def test_cases_come_back_bit_for_bit(tmp_path, grid, shape, channels, classes) -> None:
    cases = [
        make_case(i, shape=(shape[0] + i, *shape[1:]), k=1 + i, channels=channels, classes=classes, grid=grid)
        for i in range(4)
    ]
    store = write(tmp_path / "store", cases, classes=classes)
    assert store.info.dtype == ("uint8" if grid else "float32")
    for case, back in zip(cases, store, strict=True):
        assert_same(case, back)
    assert [store.annotators(i) for i in range(4)] == [1, 2, 3, 4]
    assert store.shape(2) == (shape[0] + 2, *shape[1:])
    assert_same(store[-1], cases[-1])
    store.check()


def test_a_late_image_off_the_grid_widens_the_whole_store(tmp_path) -> None:
    cases = [make_case(i, grid=i != 3) for i in range(5)]
    store = write(tmp_path / "store", cases)
    assert store.info.dtype == "float32"
    for case, back in zip(cases, store, strict=True):
        assert_same(case, back)
    store.check()
    assert sorted(file.name for file in store.path.iterdir()) == sorted([*FILES, "store.json"])


def test_info_and_splits(store) -> None:
    assert (store.info.cases, store.info.channels, store.info.spatial_dims, store.info.classes) == (6, 1, 2, 1)
    assert store.split("train") == [0, 1, 3, 4] and store.split("test") == [2, 5]
    assert store.ids()[4] == ("c4", "p1")
    with pytest.raises(StoreError, match="no split 'val'; it has train, test"):
        store.split("val")
    checked = store.check()
    assert (checked.cases, checked.patients, checked.unassigned) == (6, 3, [])


def test_patients_in_no_split_are_reported_and_absent_ones_left_out(tmp_path) -> None:
    with StoreWriter(tmp_path / "s", name="x", splits={"train": ["p0", "nobody"]}) as writer:
        for i in range(3):
            writer.add(make_case(i))
    store = Store.open(tmp_path / "s")
    assert store.info.splits == {"train": ("p0",)}
    assert store.check().unassigned == ["p1", "p2"]


def test_a_patient_in_two_splits_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="p1 is in 'train' and in 'test'"):
        StoreWriter(tmp_path / "s", name="x", splits={"train": ["p1"], "test": ["p1"]})


def test_the_digest_names_the_data(tmp_path) -> None:
    one, same, other = (write(tmp_path / name, [make_case(i)]) for name, i in (("a", 1), ("b", 1), ("c", 2)))
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 64


def test_a_store_travels_to_a_worker_by_its_path(store) -> None:
    data = pickle.dumps(store)
    assert len(data) < 500
    assert_same(pickle.loads(data)[3], store[3])


@pytest.mark.parametrize("name", ["images.npy", "masks.npy"])
def test_a_flipped_byte_names_file_and_case(store, name) -> None:
    file = store.path / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    damaged = Store.open(store.path)
    assert damaged[0].case_id == "c0"
    for read in (lambda: damaged[5], damaged.check):
        with pytest.raises(StoreError, match=rf"{name}: damaged in case c5.*import the data again"):
            read()


@pytest.mark.parametrize("name", ["index.npy", "cases.json"])
def test_a_flipped_byte_in_the_index_is_seen_on_opening(store, name) -> None:
    file = store.path / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError, match=f"{name}: damaged"):
        Store.open(store.path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [None, 0, 60, -1])
def test_a_missing_or_truncated_file_is_named(store, name, keep) -> None:
    file = store.path / name
    data = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(data[:keep])
    with pytest.raises(StoreError, match=name) as error:
        Store.open(store.path)
    assert "\n" not in str(error.value)


def test_every_byte_of_the_small_store_counts(store) -> None:
    """Whatever byte is flipped, opening or reading everything fails with a line of ours."""
    for name in (*FILES, "store.json"):
        file = store.path / name
        data = file.read_bytes()
        for position in range(0, len(data), max(len(data) // 40, 1)):
            file.write_bytes(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
            if name == "store.json":
                try:  # a letter of the name or licence may change: the digest is another then
                    assert Store.open(store.path).digest != store.digest
                except StoreError:
                    continue
            else:
                with pytest.raises(StoreError):
                    Store.open(store.path).check()
        file.write_bytes(data)
    Store.open(store.path).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "expected a store of version 1, got 2"),
        ({"cases": 7}, "expected"),
        ({"classes": 2}, "masks.npy: expected"),
        ({"channels": 3}, "images.npy: expected"),
        ({"dtype": "float32"}, "images.npy: expected"),
        ({"cases": "many"}, "field cases"),
        ({"surprise": 1}, "field surprise"),
        ({"files": {}}, "expected the SHA-256 of"),
    ],
)
def test_a_store_json_that_does_not_fit(store, change, message) -> None:
    file = store.path / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(StoreError, match=message):
        Store.open(store.path)


def test_check_sees_a_split_that_names_a_stranger_or_a_patient_twice(store) -> None:
    file = store.path / "store.json"
    for splits, message in (
        ({"train": ["p9"]}, "p9, of whom there is no case"),
        ({"a": ["p1"], "b": ["p1"]}, "p1 is in"),
    ):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"splits": splits}))
        with pytest.raises(StoreError, match=message):
            Store.open(store.path).check()


def test_not_a_store(tmp_path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(StoreError, match="not a store"):
            Store.open(path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(StoreError, match="not valid JSON"):
        Store.open(tmp_path)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (make_case(0), "case c0: there are two"),
        (make_case(1, channels=3), "expected 1 channels and 2 spatial axes as in the first case, got 3 and 2"),
        (make_case(1, shape=(3, 3, 3)), "got 1 and 3"),
        (make_case(1, classes=5), "expected labels 0 to 1, got 4; set the number of classes"),
    ],
)
def test_a_case_that_does_not_fit_leaves_nothing_behind(tmp_path, second, message) -> None:
    with pytest.raises(InputError, match=message):
        write(tmp_path / "store", [make_case(0), second])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no case was added"):
        write(tmp_path / "store", [])
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(store, tmp_path) -> None:
    with pytest.raises(InputError, match="exists already"):
        write(store.path, [make_case(0)])
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        write(tmp_path / "file", [make_case(0)])
    (tmp_path / "empty").mkdir()
    assert len(write(tmp_path / "empty", [make_case(0)])) == 1


def test_the_working_folder_can_be_the_store(tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with StoreWriter(".", name="x") as writer:
        writer.add(make_case(0))
    assert len(Store.open(tmp_path / "here")) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(DiskError, match="store: the disk is full"),
        StoreWriter(tmp_path / "store", name="x") as writer,
    ):
        writer._files.images.close()
        writer._files.images = full
        for i in range(4):
            writer.add(make_case(i, shape=(100, 100)))
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_one_line(tmp_path, monkeypatch) -> None:
    def refuse(self: Path, *args, **kwargs) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DiskError, match="no permission to write there"):
        write(tmp_path / "store", [make_case(0)])


KILLED = """
import sys
import numpy as np
from atfm.data.case import Case
from atfm.data.store import StoreWriter
with StoreWriter(sys.argv[1], name="x") as writer:
    for i in range(10**6):
        writer.add(Case(np.zeros((1, 64, 64), np.float32), np.zeros((1, 64, 64), np.uint8), str(i), str(i)))
        if i == 50:
            print("writing", flush=True)
"""


def test_a_killed_writer_leaves_no_store_and_the_next_one_tidies_up(tmp_path) -> None:
    path = tmp_path / "store"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, env=with_package())
    assert process.stdout is not None and process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left[0] == ".store.lock" and left[1].startswith(".store.partial-") and len(left) == 2
    write(path, [make_case(0)])
    assert [file.name for file in tmp_path.iterdir()] == ["store"]


def with_package() -> dict[str, str]:
    package = Path(partial_module.__file__).parents[2]
    return os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}


def test_memory_does_not_grow_with_the_pixels(tmp_path) -> None:
    import tracemalloc

    case = make_case(0, shape=(256, 256))
    tracemalloc.start()
    with StoreWriter(tmp_path / "store", name="x") as writer:
        for i in range(60):
            writer.add(Case(case.image, case.masks, str(i), "p"))
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6  # the store holds 60 * 256 * 256 bytes of images alone, 4 MB
    assert len(Store.open(tmp_path / "store")) == 60


def test_reading_a_store_needs_no_torch() -> None:
    code = "import sys, atfm.data.store, atfm.importers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=with_package()).returncode == 0


@pytest.mark.parametrize(
    "change",
    [
        {"classes": 0}, {"channels": -1}, {"cases": 0}, {"ignore_label": 0}, {"name": "a\nb"}, {"splits": {"a\nb": []}},
        {"version": 10**4000}, {"u" * 10**5: 1},
    ],
)  # fmt: skip
def test_a_store_json_that_lies_is_one_line(store, change) -> None:
    file = store.path / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(StoreError) as error:
        Store.open(store.path)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 600 + len(str(file))


@pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "\u2028", "n" * 501])
def test_names_that_nobody_can_print_stay_out(tmp_path, name) -> None:
    case = replace(make_case(0), patient_id=name)
    with pytest.raises(InputError, match=r"case c0: the name .* give it another one"):
        write(tmp_path / "store", [case])


def test_more_annotators_than_a_store_can_count(tmp_path) -> None:
    case = replace(make_case(0, shape=(1, 1)), masks=np.zeros((65536, 1, 1), np.uint8))
    with pytest.raises(InputError, match="case c0: 65536 annotators, more than"):
        write(tmp_path / "store", [case])


def test_a_store_says_how_its_images_lie_and_an_older_one_does_not(tmp_path) -> None:
    """`store.json` of earlier versions has no such field, and goes on loading."""
    assert write(tmp_path / "a", [make_case(0)], orientation="LPS").info.orientation == "LPS"
    file = tmp_path / "a" / "store.json"
    fields = json.loads(file.read_text("utf-8"))
    del fields["orientation"]
    file.write_text(json.dumps(fields), "utf-8")
    assert Store.open(tmp_path / "a").info.orientation == "unknown"
    for letters in ("none", "RAS"):
        file.write_text(json.dumps(fields | {"orientation": letters}), "utf-8")
        assert Store.open(tmp_path / "a").info.orientation == letters
    file.write_text(json.dumps(fields | {"orientation": "up"}), "utf-8")
    with pytest.raises(StoreError, match="field orientation: expected three letters"):
        Store.open(tmp_path / "a")
