"""`Caller`: one who asks the service over HTTP, on a connection that is kept."""

import base64
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.errors import InputError

__all__ = ["Answer", "Caller", "Refused", "drawn"]

API = "/api/v1/"
PATIENCE = 120.0  # seconds
IDLE = 15.0  # seconds after which a connection is made anew
LONGEST_WAIT = 5.0  # seconds before the next try, whatever the service asks for


class Refused(Exception):
    """The service sends a caller away for a while.

    Args:
        status: 503.
        wait: seconds until the next try.
    """

    def __init__(self, status: int, wait: float) -> None:
        super().__init__(status)
        self.status, self.wait = status, wait


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        content: its bytes.
        streamed: they are events.
    """

    content: bytes
    streamed: bool

    @property
    def told(self) -> Any:
        """As JSON."""
        return json.loads(self.content)

    @property
    def events(self) -> list[tuple[str, Any]]:
        """As a stream of events."""
        found = []
        for block in self.content.decode("utf-8").split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found


class Caller:
    """One connection.

    Args:
        host: of this machine.
        port: of the service.
    """

    def __init__(self, host: str, port: int) -> None:
        self.line = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        self._used = time.monotonic()

    def exchange(self, method: str, path: str, body: bytes | None = None, *, streamed: bool = False) -> Answer:
        """Ask and hear the answer.

        Raises:
            Refused: a 503.
            ValueError: another status than success.
            OSError: the line broke.
        """
        headers = {"Accept": "text/event-stream"} if streamed else {}
        if path == "samples":
            headers["Content-Type"] = "application/json"
        if time.monotonic() - self._used > IDLE:
            self.line.close()  # the service may have closed it, as nobody spoke
        try:
            self.line.request(method, path if path.startswith("/") else API + path, body, headers)
            response = self.line.getresponse()
            content = response.read()
            self._used = time.monotonic()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        if response.status == 503:
            raise Refused(503, min(LONGEST_WAIT, float(response.headers.get("Retry-After", "1"))))
        if response.status >= 300:
            raise ValueError(f"{response.status}")
        return Answer(content, streamed)

    def resident(self) -> float:
        """The memory of the service's process, MB of 1e6 bytes.

        Raises:
            InputError: nobody answers there, or not as our service does.
        """
        try:
            lines = self.exchange("GET", "/metrics").content.decode("utf-8").splitlines()
            return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_mem")) / 1e6
        except (OSError, ValueError, StopIteration, Refused) as error:
            raise InputError(
                f"bench serve: no service answers at {self.line.host}:{self.line.port} ({type(error).__name__})"
            ) from error
        finally:
            self.line.close()


def drawn(answer: Answer) -> Iterator[tuple[dict[str, Any], str]]:
    """The result of a drawing with its packed masks; of a stream once more, with those that were heard on the way.

    Raises:
        ValueError: a stream that ends with an error.
    """
    if not answer.streamed:
        yield answer.told, answer.told["masks"]["bits"]
        return
    events = answer.events
    name, result = events[-1]
    if name != "result":
        raise ValueError(str(result)[:200])
    yield result, result["masks"]["bits"]
    heard = [data["masks"]["bits"] for kind, data in events if kind == "samples"]
    parts = [np.frombuffer(base64.b64decode(bits), np.uint8) for bits in heard]
    yield result, base64.b64encode(np.concatenate(parts).tobytes()).decode("ascii")
