"""`Guard`: what every request passes before the routes see it, and every answer on its way out.

On loopback any page that a person has open could talk to the service: a request has to name the service by a loopback
name (Host, against rebinding of names) and, where a browser made it, come from a page of the service itself (Origin,
Sec-Fetch-Site). Elsewhere nothing that tells of images is answered without the bearer token.
"""

import asyncio
import hmac
import logging
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atfm.serve.refusal import Refusal
from atfm.serve.service import Service

__all__ = ["LEFT", "LOOPBACK", "TOLD", "Access", "Guard", "answer_refusal"]

LOG = logging.getLogger("atfm.serve")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FREE = ("/healthz", "/readyz", "/", "/page/", "/favicon.ico")  # tell nothing of images: no token is asked for
QUESTION = 30.0  # seconds in which such a body has to arrive
MOST_JSON = 2**20  # bytes of a body that is no image
TOLD = "atfm.told"  # in the scope of a request whose error was answered already
LEFT = 499  # what a log says of a caller who hung up
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Args:
        loopback: the service listens on this machine alone.
        token: that a request has to bear; None: it needs none.
    """

    loopback: bool = True
    token: str | None = None

    def check(self, scope: Scope) -> None:
        """Let a request through.

        Raises:
            Refusal: it may not ask.
        """
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if self.loopback and _name(host) not in LOOPBACK:
            raise Refusal(
                403,
                f"Host {host[:80]!r}: expected 127.0.0.1, localhost or [::1]; open the address that it said",
            )
        origin = headers.get("origin")
        if origin is not None and _site(origin) != host:
            raise Refusal(
                403, f"Origin {origin[:80]!r}: expected a page of this service; open the address that it said"
            )
        free = path in FREE or path.startswith("/page/")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not free:
            raise Refusal(403, "the request comes from a page of another site; open the address that the service said")
        if self.token is not None and not free:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token.encode()):
                raise Refusal(
                    401,
                    "a bearer token is asked for; send the header Authorization: Bearer TOKEN",
                    {"WWW-Authenticate": "Bearer"},
                )


class Guard:
    """The outermost layer.

    Args:
        app: what answers.
        service: its limits and counters.
        access: who may ask.
    """

    def __init__(self, app: ASGIApp, service: Service, access: Access) -> None:
        self.app, self.service, self.access = app, service, access
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        watched = _Watched(send)
        began = time.monotonic()
        self._open += 1
        try:
            await self._answer(scope, receive, watched)
        finally:
            self._open -= 1
            self._note(scope, watched, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, watched: "_Watched") -> None:
        try:
            if self._open > self.service.limits.open:
                raise Refusal(
                    503, f"{self._open - 1} requests are open, as many as may be; try again", {"Retry-After": "1"}
                )
            self.access.check(scope)
            await self.app(scope, _bounded(scope, receive), watched.send)
        except ClientDisconnect:
            watched.left = True
        except Exception as error:  # nobody above us would answer
            if scope.get(TOLD):
                return
            refusal = self.service.refused(error)
            if not watched.status:
                await answer_refusal(refusal)(scope, receive, watched.send)

    def _note(self, scope: Scope, watched: "_Watched", seconds: float) -> None:
        """Count and log a request by its route, which holds no id."""
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
        status = watched.status or LEFT
        self.service.metrics.requests.labels(method, route, str(status)).inc()
        self.service.metrics.seconds.labels(route).observe(seconds)
        fields = {"event": "request", "method": method, "route": route, "status": status,
                  "seconds": round(seconds, 4), "bytes": watched.sent}  # fmt: skip
        LOG.info("request", extra={"fields": fields})


class _Watched:
    """What is sent of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status, self.sent, self.left = 0, 0, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            message["headers"] = headers.raw
        self.sent += len(message.get("body", b""))
        await self._send(message)


def answer_refusal(refusal: Refusal) -> JSONResponse:
    """The one shape of all errors; a caller who is sent away may still be sending, so the connection ends."""
    headers = dict(refusal.headers or {})
    if refusal.status_code in (408, 413):
        headers["Connection"] = "close"
    return JSONResponse(refusal.body, refusal.status_code, headers)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Let no body in that is larger or slower than any question; of images the route itself takes care."""
    if scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/images"):
        return receive
    taken, whole, until = 0, False, time.monotonic() + QUESTION

    async def bounded() -> Message:
        nonlocal taken, whole
        if whole:  # what comes now is that the caller hangs up, whenever that may be
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise Refusal(408, f"the body did not arrive within {QUESTION:g} s; send it again") from None
        taken += len(message.get("body", b""))
        if taken > MOST_JSON:
            raise Refusal(413, f"the body has more than {MOST_JSON} bytes; ask for less")
        whole = not message.get("more_body", False)
        return message

    return bounded


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _site(origin: str) -> str:
    """The name and port in an Origin header; "" in what is none."""
    try:
        found = urlsplit(origin)
    except ValueError:
        return ""
    return found.netloc if found.scheme in ("http", "https") else ""
