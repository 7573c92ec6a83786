"""What stands for a patient in the card of a model: a hash of the id, with a secret key or without.

Without a key it is a pseudonym and hides nothing from who can guess ids: those of a public set, or of a hospital that
counts, are tried in less than a second. With a key it tells nothing to who has not got the key, and the guard against
leaks needs it too. A key in the card would be none.
"""

import hashlib
import hmac
from pathlib import Path

from atfm.data.patients import normal_id
from atfm.errors import InputError

__all__ = ["key_name", "patient_hash", "patient_hashes", "read_key"]

LEAST_KEY = 16  # bytes


def patient_hash(patient_id: str, key: bytes = b"") -> str:
    """16 hex digits that stand for a patient: the head of SHA-256, with a key of HMAC-SHA-256 (RFC 2104).

    What is hashed is "atfm-patient:" and the normal id, so that all spellings of an id have one hash.
    """
    return _hash(normal_id(patient_id), key)


def patient_hashes(patient_id: str, key: bytes = b"") -> frozenset[str]:
    """Every hash that may stand for a patient, with and without the key, and that of earlier versions of the raw id."""
    return frozenset((patient_hash(patient_id, key), patient_hash(patient_id), _hash(patient_id)))


def key_name(key: bytes) -> str:
    """16 hex digits that tell keys apart, and nothing of them."""
    return hmac.new(key, b"atfm-patient-key", hashlib.sha256).hexdigest()[:16]


def read_key(path: Path) -> bytes:
    """The secret key in a file, without white space at its ends.

    Raises:
        InputError: an unreadable file, or fewer than 16 bytes.
    """
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(key) < LEAST_KEY:
        raise InputError(
            f"{path}: expected a key of at least {LEAST_KEY} bytes, got {len(key)}; make one with "
            f"`openssl rand -hex 32 > {path}` and keep it to yourself"
        )
    return key


def _hash(text: str, key: bytes = b"") -> str:
    data = f"atfm-patient:{text}".encode()
    return (hmac.new(key, data, hashlib.sha256) if key else hashlib.sha256(data)).hexdigest()[:16]
