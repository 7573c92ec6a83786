"""Pickles: what is plain comes back exactly, and everything else is refused by its name, without being run."""

import collections
import io
import os
import pickle
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.importers.pickles import file as pickle_file
from atfm.importers.pickles import unpickling
from atfm.importers.pickles.array import PickledArray
from atfm.importers.pickles.file import Span, open_pickle
from atfm.importers.pickles.unpickling import read_pickle

RNG = np.random.default_rng(0)
DTYPES = ["u1", "i1", "<u2", ">u2", "<i4", "<i8", "<f2", "<f4", ">f4", "<f8", "?"]


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[bytes], object]:
    def parse(content: bytes) -> object:
        (tmp_path / "x.pickle").write_bytes(content)
        with open_pickle(tmp_path / "x.pickle") as file:
            value = read_pickle(file)
            return value.read(file).copy() if isinstance(value, PickledArray) else value

    return parse


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_bit_for_bit(parsed, protocol, dtype) -> None:
    for array in (
        (RNG.random((30, 20)) * 100).astype(dtype),
        np.asfortranarray((RNG.random((5, 4, 3)) * 100).astype(dtype)),
        np.arange(6).astype(dtype)[::2],
        np.zeros((0, 3), dtype),
    ):
        back = parsed(pickle.dumps(array, protocol))
        assert isinstance(back, np.ndarray) and back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back(parsed, protocol) -> None:
    value = {
        "numbers": [0, -1, 255, 70000, 2**40, -(2**70), 1.5, float("inf"), True, False, None],
        "texts": ["", "é", "a\nb\\c\x00", "x" * 256],
        "bytes": [b"", b"\x00\xff", b"y" * 200],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {1: {2: 3}}, {4, 5}],
        "scalars": [np.float64(0.1).item(), 3],
        "ordered": collections.OrderedDict(a=1),
    }
    assert parsed(pickle.dumps(value, protocol)) == value
    assert parsed(pickle.dumps([np.float32(0.5), np.int16(-3), np.True_], protocol)) == [0.5, -3, True]
    shared = [1]
    twice = parsed(pickle.dumps([shared, shared], protocol))
    assert isinstance(twice, list) and twice[0] is twice[1]


def test_long_strings_stay_in_the_file(parsed) -> None:
    assert parsed(pickle.dumps("x" * 257, 4)) == Span(16, 257, 257, "utf-8")
    assert parsed(pickle.dumps(b"x" * 300, 4)) == Span(16, 300, 300)


def test_what_python_2_wrote(parsed) -> None:
    """An array as numpy under Python 2 pickled it: its bytes are a string, its global the old module."""
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    content = np.arange(80, dtype="<f4")
    data = b"T" + struct.pack("<I", content.nbytes) + content.tobytes()
    back = parsed(head + b"(K\x01K\x08K\x0a\x86" + dtype + b"\x89" + data + b"tb.")
    np.testing.assert_array_equal(back, content.reshape(8, 10))


class Evil:
    def __init__(self, function: object, *arguments: object) -> None:
        self.how = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.how


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Evil(os.system, "touch ran"), r"(posix|nt).system"),
        (Evil(eval, "open('ran', 'w')"), r"(builtins|__builtin__).eval"),
        (Evil(getattr, "a", "b"), r"(builtins|__builtin__).getattr"),
        (Evil(np.load, "x.npy"), r"numpy.*load"),
        (Evil(print, "ran"), r"(builtins|__builtin__).print"),
        (Path("a"), "pathlib"),
        (collections.Counter("aa"), "collections.Counter"),
        (complex(1, 2), r"(builtins|__builtin__).complex"),
        (np.random.default_rng(0), "numpy.random"),
    ],
)
def test_whatever_could_run_is_refused_by_name(parsed, tmp_path, monkeypatch, protocol, value, name) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (value, {"case": {"image": np.zeros(3), "masks": [value]}}):
        with pytest.raises(
            InputError, match=rf"x.pickle: refused: asks for {name}.*only numpy arrays, numbers"
        ) as error:
            parsed(pickle.dumps(content, protocol))
        assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "refused: asks for os.system"),
        (b"(S'true'\nios\nsystem\n.", "refused: asks for os.system"),
        (b"(cnumpy\nndarray\no.", "refused: asks for numpy.ndarray"),
        (b"cnumpy\nndarray\n)R.", "refused: asks for a call of numpy.ndarray"),
        (b"cnumpy\nndarray\n)\x81.", "refused: asks for numpy.ndarray"),
        (b"cnumpy.core.multiarray\n_reconstruct\n}b.", "refused: asks for a state for Named"),
        (b"cnumpy.f2py\nos.system\n.", "refused: asks for numpy.f2py.os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x09os.system\x93.", "refused: asks for numpy.os.system"),
        (b"\x80\x04\x8c\x03o\ns\x8c\x06system\x93.", r"refused: asks for o\\ns.system"),
        (b"K\x01K\x02\x93.", "refused: asks for 1.2"),
        (b"\x80\x02\x82\x01.", "an extension code"),
        (b"Pmine\n.", "a persistent id"),
        (b"U\x01aQ.", "a persistent id"),
        (b"\x80\x05\x97.", "a buffer outside the file"),
        (b"\x80\x09.", "protocol 9 of pickle; expected 0 to 5"),
        (b"cbuiltins\nbytes\n(K\x09tR.", "cannot be read as a pickle"),
        (b"ccollections\nOrderedDict\n(]tR.", "cannot be read as a pickle"),
        (b"K\x01", "cannot be read as a pickle"),
        (b"K\x01K\x02.", "ends in the middle"),
        (b"(K\x02.", "ends in the middle"),
        (b".", "cannot be read as a pickle"),
        (b"", "cannot be read as a pickle"),
        (b"hello", "cannot be read as a pickle"),
        (b"h\x05.", "cannot be read as a pickle"),
        (b"K\x01K\x02a.", "a int where a list has to be"),
        (b"}](K\x01s.", "cannot be read as a pickle"),
        (b"}]K\x01s.", "a list as a key"),
        (b"\x8f(]\x90.", "a list as a key"),
        (b"]K\x01b.", "a state for list"),
        (b"S'" + b"a" * 300 + b"'\n.", "protocol 0 by Python 2"),
        (b"cnumpy\nndarray\n)}\x92.", "refused: asks for numpy.ndarray"),
        (b"\x80\x05\x98.", "a buffer outside the file"),
        (b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'|'\nN(S'a'\nt}t\x62.", "an array of structures"),
        (b"cnumpy.core.multiarray\nscalar\n(S'f8'\nS'abcdefgh'\ntR.", "a scalar that is no number"),
        (b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntRS''\ntR.", "cannot be read as a pickle"),
        (b"c_codecs\nencode\n(Va\nVrot13\ntR.", "it encodes something other than bytes"),
        (b"c_codecs\nencode\n(I1\nVlatin1\ntR.", "it encodes something other than bytes"),
    ],
)
def test_strange_programmes(parsed, content, message) -> None:
    with pytest.raises(InputError, match=message) as error:
        parsed(content)
    assert "x.pickle" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([os.system, "a"], dtype=object), "an array of Python objects"),
        (np.zeros(3, [("a", "f4")]), "only arrays of numbers are read"),
        (np.array(["a"]), "type 'U1'"),
        (np.array(["2020"], dtype="M8[D]"), "type 'M8'"),
        (np.zeros(2, complex), "type 'c16'"),
    ],
)
def test_arrays_of_other_things_are_refused(parsed, array, message) -> None:
    with pytest.raises(InputError, match=message):
        parsed(pickle.dumps(array, 2) if array.dtype != object else objects())


def objects() -> bytes:
    """An array of objects whose pickle asks for nothing but numpy: what is refused is the array itself."""
    return pickle.dumps(np.array([1, "a"], dtype=object), 2)


def test_an_array_of_another_size_than_its_bytes(parsed) -> None:
    content = pickle.dumps(np.zeros((4, 5), np.uint8), 4)
    assert content.count(b"K\x04K\x05\x86") == 1
    for shape in (
        b"K\x04K\x06\x86",
        b"K\x00K\x05\x86",
        b"J\xff\xff\xff\xffK\x05\x86",
        b"]K\x05\x86",
        b"G" + bytes(8) + b"K\x05\x86",
    ):
        with pytest.raises(InputError, match="it holds an array"):
            parsed(content.replace(b"K\x04K\x05\x86", shape))


BOMBS = {
    "bytes of 2**60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.",
    "bytes of 2**31": b"\x80\x04B" + struct.pack("<I", 2**31) + b"x.",
    "bytes of 2**27": b"\x80\x04B" + struct.pack("<I", 2**27) + b"x.",
    "text of 2**63": b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"x.",
    "bytearray of 2**40": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
    "a number of 2**31 bytes": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
    "a number of -5 bytes": b"\x80\x02\x8b" + struct.pack("<i", -5) + b"x.",
    "a number of 10**6 digits": b"L" + b"9" * 10**6 + b"L\n.",
    "a string of 2**31 bytes": b"T" + struct.pack("<i", 2**31 - 1) + b"x.",
    "a frame of 2**60": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"K\x01",
    "many lists in each other": b"]" * 20_000 + b"a" * 19_999 + b"X.",
    "a list that doubles": b"]q\x00" + b"h\x00h\x00\x86q\x00" * 20000 + b"X.",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_bombs_go_off_in_vain(parsed, content) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError) as error:
        parsed(content)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB
    assert time.process_time() - started < 10


def test_deep_nesting_does_no_harm(parsed) -> None:
    value = parsed(b"]" * 50_000 + b"a" * 49_999 + b".")
    depth = 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == 49_999


def test_the_budget_of_steps(parsed, monkeypatch) -> None:
    monkeypatch.setattr(unpickling, "BUDGET", 64 * 1000)
    assert parsed(b"]" + b"K\x01a" * 400 + b".") == [1] * 400
    with pytest.raises(InputError, match="so many steps that they could fill the memory"):
        parsed(b"]" + b"K\x01a" * 600 + b".")
    with pytest.raises(InputError, match="so many steps"):
        parsed(b"]" + (b"U\xff" + b"x" * 255 + b"a") * 200 + b".")
    with pytest.raises(InputError, match="holds a number of 2033 bits"):
        parsed(b"\x8a\xff" + b"\x01" * 255 + b".")


def test_random_damage_is_one_line_or_harmless(parsed) -> None:
    value = {
        f"c{i}": {"image": RNG.random((6, 5)), "masks": [np.eye(6, 5) > 0] * 2, "series_uid": "u"} for i in range(3)
    }
    for protocol in (0, 2, 4, 5):
        whole = pickle.dumps(value, protocol)
        for _ in range(80):
            content = bytearray(whole)
            if RNG.random() < 0.3:
                del content[RNG.integers(len(content)) :]
            else:
                for position in RNG.integers(len(content), size=RNG.integers(1, 4)):
                    content[position] ^= 1 << RNG.integers(8)
            try:
                parsed(bytes(content))
            except InputError as error:
                assert "\n" not in str(error)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_read_without_unpacking_it(tmp_path) -> None:
    arrays = {name: RNG.integers(0, 9, (40, 40)) for name in "abc"}
    path = zipped(tmp_path / "x.zip", {"readme.txt": b"hello", "deep/data.PKL": pickle.dumps(arrays, 4)})
    with open_pickle(path) as file:
        back = read_pickle(file)
        for name in "cabcabcab":  # back and forth
            np.testing.assert_array_equal(back[name].read(file), arrays[name])
    assert [file.name for file in tmp_path.iterdir()] == ["x.zip"]


def test_going_back_in_a_zip_has_an_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pickle_file, "TURNS", 3)
    arrays = [np.full((40, 40), i) for i in range(100)]
    with open_pickle(zipped(tmp_path / "x.zip", {"x.pkl": pickle.dumps(arrays, 4)})) as file:
        back = read_pickle(file)
        with pytest.raises(InputError, match="out of order, which is slow in a zip; unpack it first"):
            for array in reversed(back):
                array.read(file)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "expected one file in it that ends in .pickle or .pkl, got none"),
        ({"a.txt": b""}, "got none"),
        ({"a.pkl": b"", "b.pickle": b""}, "got 2: a.pkl, b.pickle"),
        ({"../a.pkl": b"N."}, "leads out of the archive"),
    ],
)
def test_zips_without_one_pickle(tmp_path, members, message) -> None:
    with pytest.raises(InputError, match=message), open_pickle(zipped(tmp_path / "x.zip", members)):
        pass


def test_damaged_zips_and_absent_files(tmp_path) -> None:
    whole = zipped(tmp_path / "x.zip", {"x.pkl": pickle.dumps(RNG.random((50, 50)), 4)}).read_bytes()
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 255
    (tmp_path / "damaged.zip").write_bytes(middle)
    with (
        pytest.raises(InputError, match=r"damaged.zip.*(damaged|truncated)"),
        open_pickle(tmp_path / "damaged.zip") as file,
    ):
        read_pickle(file)
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with (
        pytest.raises(InputError, match=r"cut\.zip: the zip is damaged: its end is missing"),
        open_pickle(tmp_path / "cut.zip") as file,
    ):
        read_pickle(file)
    with (
        pytest.raises(InputError, match=r"no\.pickle: cannot be read: No such file"),
        open_pickle(tmp_path / "no.pickle"),
    ):
        pass
    with pytest.raises(InputError, match="cannot be read"), open_pickle(tmp_path):
        pass


def test_a_file_of_absurd_size(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pickle_file, "LARGEST_FILE", 1000)
    path = zipped(tmp_path / "x.zip", {"x.pkl": bytes(1001)})
    with pytest.raises(InputError, match="1001 bytes, more than the 1000 that a pickle may have"), open_pickle(path):
        pass


def test_a_file_that_shrinks_while_it_is_read(tmp_path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(np.arange(3000), 4))
    with open_pickle(tmp_path / "x.pkl") as file:
        array = read_pickle(file)
        os.truncate(tmp_path / "x.pkl", 5000)
        with pytest.raises(InputError, match="has changed while it was read"):
            array.read(file)


def test_the_library_agrees(parsed) -> None:
    """The machine of the standard library, which trusts what it reads, is the oracle."""
    for protocol in range(6):
        value = [{"a": np.arange(400.0).reshape(20, 20), "b": [1, (2.5, "t"), b"\x00" * 40]}, None]
        content = pickle.dumps(value, protocol)
        expected = pickle.Unpickler(io.BytesIO(content)).load()
        assert parsed(content)[0]["b"] == expected[0]["b"]
        np.testing.assert_array_equal(parsed(pickle.dumps(value[0]["a"], protocol)), expected[0]["a"])


def test_a_line_that_never_ends(parsed, monkeypatch) -> None:
    monkeypatch.setattr(pickle_file, "LARGEST_PIECE", 1000)
    with pytest.raises(InputError, match="a line of more than the 1000 bytes"):
        parsed(b"I" + b"1" * 1002)


def test_a_zip_that_wants_a_password(tmp_path) -> None:
    content = bytearray(zipped(tmp_path / "x.zip", {"x.pkl": b"N."}).read_bytes())
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(head) + flags] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    with (
        pytest.raises(InputError, match=r"x\.zip: cannot be read: .*encrypted.*unpack it and import the pickle itself"),
        open_pickle(tmp_path / "x.zip"),
    ):
        pass


def test_a_zip_whose_list_of_files_is_damaged(tmp_path) -> None:
    whole = zipped(tmp_path / "x.zip", {"xü.pkl": b"N."}).read_bytes()
    listed = whole.index(b"PK\x01\x02")
    for at, byte in ((listed, b"Q"), (listed + 46 + 1, b"\xff"), (listed + 6, b"\xff")):  # magic, name, version
        (tmp_path / "x.zip").write_bytes(whole[:at] + byte + whole[at + 1 :])
        with pytest.raises(InputError, match=r"x\.zip: ") as error, open_pickle(tmp_path / "x.zip"):
            pass
        assert len(str(error.value).splitlines()) == 1
