"""What routes have in common: work at a desk for as long as somebody waits for it, and what errors they tell of."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from atfm.serve.answers import Error
from atfm.serve.refusal import Refusal
from atfm.serve.service import Service
from atfm.serve.ticket import Ticket

__all__ = ["ERRORS", "errors", "json_answer", "service_of", "waited"]

BEYOND = (
    "the image's values or the size of its pixels lead to numbers that are not finite; mend the file, or give it in "
    "units of which float32 holds the values"
)
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": words}
    for status, words in {
        400: "It cannot be used as it was given.",
        401: "A bearer token is asked for.",
        403: "The request comes from elsewhere.",
        404: "There is nothing of this name.",
        408: "The body did not arrive in time.",
        410: "It is no longer kept.",
        413: "It is too large.",
        415: "It is of a kind that is not read.",
        422: "A field is missing, unknown or out of its range.",
        500: "A fault of this service.",
        503: "Too many callers; see Retry-After.",
        504: "It took too long.",
        507: "The machine refused.",
    }.items()
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Those of a route, with those that any route may give."""
    return {status: ERRORS[status] for status in sorted({401, 403, 500, 503, *statuses})}


def service_of(request: Request) -> Service:
    """What the routes share."""
    service: Service = request.app.state.service
    return service


def json_answer(content: bytes | dict[str, Any], status: int = 200) -> Response:
    """An answer that is checked by tests, not again for every caller: masks make it long."""
    body = content if isinstance(content, bytes) else dumped(content)
    return Response(body, status, media_type="application/json")


def dumped(content: dict[str, Any]) -> bytes:
    """JSON, which has no numbers that are not finite.

    Raises:
        Refusal: an image whose values, or whose pixels in millimetres, are beyond all measure.
    """
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise Refusal(400, BEYOND) from error


async def waited(request: Request, ticket: Ticket) -> Any:
    """What comes of a ticket, unless the caller hangs up before.

    Raises:
        Refusal: what the work raised.
        ClientDisconnect: the caller is gone.
    """
    work = asyncio.ensure_future(ticket.result())
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        ticket.leave()
        for task in (work, gone):
            task.cancel()
            with suppress(asyncio.CancelledError, Refusal):
                await task


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
