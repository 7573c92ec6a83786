"""`serve`: the process, from an address that is free to an end that leaves nobody hanging."""

import json
import logging
import socket
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from atfm.errors import InputError
from atfm.serve.app import create_app
from atfm.serve.guard import LOOPBACK, Access
from atfm.serve.private import allow_open, sweep
from atfm.serve.refusal import Refusal
from atfm.serve.service import Service

__all__ = ["Server", "access_of", "bound", "run"]

GRACE = 5  # seconds that answers at hand have to end in
SWEPT = 100  # ticks of a tenth of a second, after which what has expired goes even if nobody asks
SHORTEST = 16  # characters of a token


class Server(uvicorn.Server):
    """uvicorn, which by itself waits for open streams to end before it lets the application know of the end.

    Args:
        config: its configuration.
        service: what is told at once.
        started: called when requests are answered.
    """

    def __init__(self, config: uvicorn.Config, service: Service, started: Callable[[], object]) -> None:
        super().__init__(config)
        self.service, self._tell = service, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    async def on_tick(self, counter: int) -> bool:
        if counter % SWEPT == 0:
            self.service.sweep()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # the second time somebody is in a hurry
            self.force_exit = True
        self.should_exit = True
        self.service.dismiss()


class Protocol(H11Protocol):
    """HTTP, which tells of what is none in the one shape of all errors."""

    def send_400_response(self, msg: str) -> None:
        body = json.dumps(Refusal(400, "this is no HTTP request that can be read").body).encode()
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self.transport.close()


class JsonLines(logging.Formatter):
    """A line of JSON for each record; of ours the fields, of others the message."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None) or {"event": record.name, "message": record.getMessage()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": at, "level": record.levelname.lower(), **fields})


def run(
    service: Service,
    listening: socket.socket,
    access: Access,
    *,
    log: bool = False,
    started: Callable[[], object] = lambda: None,
) -> None:
    """Answer until a signal ends it.

    Args:
        service: what the routes share.
        listening: see `bound`.
        access: who may ask.
        log: a line of JSON on standard error for each request, not only for faults.
        started: called when requests are answered.
    """
    sweep(service.scratch)
    allow_open()
    quiet(log)
    config = uvicorn.Config(
        create_app(service, access),
        http=Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
    )
    try:
        Server(config, service, started).run(sockets=[listening])
    finally:
        service.close()


def quiet(log: bool) -> None:
    """Let nothing be said on standard error but our own lines: what decoders warn of holds what the files hold."""
    logger = logging.getLogger("atfm.serve")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO if log else logging.WARNING)
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens; 0 is any port that is free.

    Raises:
        InputError: the port is taken, or the address is none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        reason = "is in use" if error.errno == 98 else f"cannot be listened on ({error.strerror or error})"
        raise InputError(
            f"--host {host} --port {port}: this address {reason}; give another --port, 0 for any"
        ) from error
    return listening


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in LOOPBACK or host.startswith("127.")


def access_of(host: str, token_file: Path | None) -> Access:
    """Who may ask.

    Raises:
        InputError: an address that others reach, without a token; or a token that is none.
    """
    token = None if token_file is None else read_token(token_file)
    if token is None and not is_loopback(host):
        raise InputError(
            f"--host {host}: others can reach this address; give --token-file FILE with a secret of at least "
            f"{SHORTEST} characters that callers have to send"
        )
    return Access(loopback=is_loopback(host), token=token)


def read_token(file: Path) -> str:
    """The secret in a file.

    Raises:
        InputError: it cannot be read, or is too short to be one.
    """
    try:
        token = file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"--token-file {file}: cannot be read as text; put one secret word into it") from error
    if len(token) < SHORTEST or any(letter.isspace() for letter in token):
        raise InputError(
            f"--token-file {file}: expected one word of at least {SHORTEST} characters; a longer secret is needed"
        )
    return token
