"""What stands for a patient: one hash for all spellings, with a secret key if there is one."""

import hashlib
import hmac

import pytest

from atfm.data.pseudonyms import key_name, patient_hash, patient_hashes, read_key
from atfm.errors import InputError

KEY = b"sixteen bytes or more"


def test_patient_hash_is_the_documented_one() -> None:
    assert patient_hash("LIDC-IDRI-0001") == hashlib.sha256(b"atfm-patient:lidcidri1").hexdigest()[:16]


@pytest.mark.parametrize("other", ["lidc-idri-0001", "LIDC_IDRI_1", "lidcidri 01"])
def test_other_spellings_of_a_patient_have_the_same_hash(other) -> None:
    assert patient_hash(other) == patient_hash("LIDC-IDRI-0001") and patient_hash("LIDC-IDRI-0010") != patient_hash(
        other
    )


def test_cards_of_earlier_versions_hold_the_id_as_it_was() -> None:
    assert hashlib.sha256(b"atfm-patient:LIDC-IDRI-0001").hexdigest()[:16] in patient_hashes("LIDC-IDRI-0001")


def test_with_a_key_it_is_an_hmac() -> None:
    expected = hmac.new(KEY, b"atfm-patient:lidcidri1", hashlib.sha256).hexdigest()[:16]
    assert patient_hash("LIDC-IDRI-0001", KEY) == expected != patient_hash("LIDC-IDRI-0001")
    assert expected in patient_hashes("lidc idri 1", KEY) and expected not in patient_hashes("lidc idri 1", KEY + b"!")


def test_keys_are_told_apart_by_name() -> None:
    assert key_name(KEY) != key_name(KEY + b"!") and len(key_name(KEY)) == 16


def test_a_key_comes_from_a_file(tmp_path) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert read_key(tmp_path / "key") == KEY
    (tmp_path / "short").write_bytes(b"too short\n")
    for name, message in (
        ("short", "at least 16 bytes, got 9; make one with `openssl rand"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read_key(tmp_path / name)
