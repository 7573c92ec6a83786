"""The journal of a half-written store: what is not whole is not there."""

from pathlib import Path

import pytest

from atfm.data.journal import Entry, Journal

ENTRIES = [
    Entry(f"case {i}", "p\nö", (i * 40, i * 7, (4, 5, 0), 3, (0.1, 1 / 3, 0), 2**32 - 1, i), i * 40 + 40, i * 7 + 7)
    for i in range(6)
]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal")
    journal.restart("float32", ENTRIES[:2])
    journal.append(ENTRIES[2:5])
    journal.append(ENTRIES[5:])
    return journal


def test_entries_come_back_exactly(journal) -> None:
    assert journal.read() == ("float32", ENTRIES)
    assert [file.name for file in journal.file.parent.iterdir()] == ["journal"]
    journal.restart("uint8", ENTRIES[4:])
    assert journal.read() == ("uint8", ENTRIES[4:])


def test_no_journal(tmp_path) -> None:
    assert Journal(tmp_path / "none").read() == ("uint8", [])


def test_a_torn_journal_holds_what_was_whole(journal) -> None:
    whole = journal.file.read_bytes()
    lines = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)]
    for keep in range(0, len(whole), 5):
        journal.file.write_bytes(whole[:keep])
        expected = max(sum(end <= keep for end in lines) - 2, 0)
        dtype, entries = journal.read()
        assert entries == ENTRIES[:expected] and dtype == ("float32" if keep >= lines[1] else "uint8")


def test_a_flipped_byte_ends_it_there(journal) -> None:
    whole = journal.file.read_bytes()
    for position in range(0, len(whole), 11):
        content = bytearray(whole)
        content[position] ^= 4
        journal.file.write_bytes(content)
        _, entries = journal.read()
        assert entries == ENTRIES[: len(entries)]
        assert len(entries) <= max(whole[:position].count(b"\n") - 1, 0)
