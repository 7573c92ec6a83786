"""`Refusal`: an answer that is no result, in the one shape that all errors of the service have.

{"error": {"code": "not-found", "message": "what was given, what is wanted, what to do"}}
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException

from atfm.errors import AtfmError, BusyError, DiskError, StoreError, UnsupportedError
from atfm.serve.private import PREFIX

__all__ = ["CODES", "Refusal", "refusal_of"]

CODES = {
    400: "bad-request",
    401: "no-token",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    410: "gone",
    413: "too-large",
    415: "unsupported",
    422: "invalid",
    500: "fault",
    503: "busy",
    504: "too-long",
    507: "no-space",
}

PRIVATE = re.compile(rf"\S*/{PREFIX}[^/\s:]*(/|: )?")  # a private folder, wherever a line names it


class Refusal(HTTPException):
    """What the caller gets in place of a result; FastAPI lets only its own kind of error through while it reads.

    Args:
        status: of HTTP.
        message: one line: what was given, what is wanted, what to do.
        headers: such as Retry-After.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, " ".join(message.split()), dict(headers or {}))

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        return {"error": {"code": CODES.get(self.status_code, "refused"), "message": self.detail}}


def refusal_of(error: AtfmError, hidden: Mapping[str, str] | None = None) -> Refusal:
    """A user's mistake, or what the machine refused, as the caller is told of it.

    Args:
        error: of one line.
        hidden: words that are nobody's business, such as the name of a private folder, and what stands for them.
    """
    text = str(error)
    for word, other in (hidden or {}).items():
        text = text.replace(word, other)
    text = PRIVATE.sub("", text)
    if isinstance(error, DiskError):
        return Refusal(507, text)
    if isinstance(error, BusyError):
        return Refusal(503, text, {"Retry-After": "5"})
    if isinstance(error, StoreError):
        return Refusal(500, text)
    return Refusal(415 if isinstance(error, UnsupportedError) else 400, text)
