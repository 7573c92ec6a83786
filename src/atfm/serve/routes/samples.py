"""`POST samples`, `GET samples/{id}`, its files, `DELETE samples/{id}`."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from atfm.serve.answers import ResultTold
from atfm.serve.refusal import Refusal
from atfm.serve.routes.answering import dumped, errors, json_answer, service_of, waited
from atfm.serve.service import File
from atfm.serve.ticket import Ticket
from atfm.serve.wish import Wish

__all__ = ["router"]

router = APIRouter(tags=["samples"])
Id = Annotated[str, Path(min_length=1, max_length=64)]
Form = Literal["png", "nifti", "nrrd", "dicom-seg", "rtstruct", "json"]
BYTES = {"schema": {"type": "string", "format": "binary"}}
FILES: dict[str, Any] = {
    "application/zip": BYTES,
    "application/octet-stream": BYTES,
    "application/dicom": BYTES,
    "application/json": {"schema": {"type": "object"}},
}
PULSE = 15.0  # seconds of silence after which a stream says that it lives
STREAM: dict[str, Any] = {
    "text/event-stream": {
        "schema": {
            "type": "string",
            "description": "Events queued {ahead}, progress {done, of}, samples {first, place, masks}, result, error.",
        }
    }
}


@router.post(
    "/samples",
    response_model=ResultTold,
    responses=errors(400, 404, 408, 410, 413, 422, 504) | {200: {"content": STREAM}},
)
async def draw(request: Request, wish: Wish) -> Response:
    """Draw masks of an image; with `Accept: text/event-stream` they are heard of as they are drawn."""
    service = service_of(request)
    service.model(wish.model)
    service.images.get(wish.image)
    streamed = "text/event-stream" in request.headers.get("accept", "")
    ticket = service.drawing.enter(lambda tell: dumped(service.draw(wish, tell, streamed=streamed)))
    if streamed:
        return Stream(ticket)
    return json_answer(await waited(request, ticket))


@router.get("/samples/{sample}", response_model=ResultTold, responses=errors(404, 410, 422, 504))
async def drawn(request: Request, sample: Id) -> Response:
    """What was drawn, once more."""
    service = service_of(request)
    result = service.results.get(sample)
    return json_answer(await waited(request, service.filing.enter(lambda tell: dumped(result.told(sample)))))


@router.get(
    "/samples/{sample}/files/{form}",
    response_class=Response,
    responses=errors(400, 404, 410, 422, 504, 507) | {200: {"content": FILES}},
)
async def file(request: Request, sample: Id, form: Form) -> Response:
    """What was drawn as a file, in the image's own geometry."""
    service = service_of(request)
    service.results.get(sample)
    found: File = await waited(request, service.filing.enter(lambda tell: service.save(sample, form, tell)))
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, media_type=found.media, headers=headers)


@router.delete("/samples/{sample}", status_code=204, response_class=Response, responses=errors(404, 410, 422))
def drop(request: Request, sample: Id) -> Response:
    """Forget what was drawn."""
    service_of(request).results.drop(sample)
    return Response(status_code=204)


class Stream(StreamingResponse):
    """What is heard of a ticket; a caller who hangs up leaves the line, wherever the stream was at that moment."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(_events(ticket), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ticket.leave()


async def _events(ticket: Ticket) -> AsyncIterator[bytes]:
    """As a stream of events."""
    async for name, data in ticket.events(PULSE):
        if name == "idle":
            yield b": still here\n\n"
        elif name != "begun":
            body = data.body if isinstance(data, Refusal) else data
            yield f"event: {name}\ndata: ".encode() + (body if isinstance(body, bytes) else dumped(body)) + b"\n\n"
