"""`POST images`, `GET images/{id}/slices/{k}`, `GET images/{id}/readers`, `DELETE images/{id}`."""

import asyncio
import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from atfm.serve.answers import ImageTold, Readers
from atfm.serve.cases import reader_masks
from atfm.serve.limits import Limits
from atfm.serve.packed import packed_masks
from atfm.serve.refusal import Refusal
from atfm.serve.routes.answering import dumped, errors, json_answer, service_of, waited
from atfm.serve.upload import suffix_told

__all__ = ["router"]

router = APIRouter(tags=["images"])
Id = Annotated[str, Path(min_length=1, max_length=64)]
SILENCE = 20.0  # seconds without a byte
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a PNG, JPEG, TIFF, GIF, BMP, NPY, NIfTI, NRRD, MetaImage, DICOM or zipped series.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/images",
    status_code=201,
    response_model=ImageTold,
    responses=errors(400, 408, 413, 415, 422, 504, 507),
    openapi_extra=BODY,
)
async def send(request: Request, x_file_name: Annotated[str | None, Header(max_length=2000)] = None) -> Response:
    """Send an image; of the percent-encoded name of its file only the end is looked at, to tell the format."""
    service = service_of(request)
    content = await received(request, service.limits)
    told = suffix_told(x_file_name)
    ticket = service.filing.enter(lambda tell: dumped(service.read(content, told, tell)))
    return json_answer(await waited(request, ticket), 201)


@router.get(
    "/images/{image}/slices/{number}",
    response_class=Response,
    responses=errors(404, 410, 422)
    | {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def one_slice(request: Request, image: Id, number: Annotated[int, Path(ge=0, le=2**31)]) -> Response:
    """The values of one slice, `[H, W, C]`, little-endian; `X-Dtype` and `X-Shape` say how they lie."""
    found = service_of(request).images.get(image)
    depth = found.voxels.shape[1]
    if number >= depth:
        raise Refusal(404, f"slice {number}: expected 0 to {depth - 1}")
    values = found.slice(number)
    headers = {"X-Dtype": values.dtype.name, "X-Shape": ",".join(map(str, values.shape)), "Vary": "Accept-Encoding"}
    body = values.tobytes()
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    return Response(body, headers=headers, media_type="application/octet-stream")


@router.get("/images/{image}/readers", response_model=Readers, responses=errors(404, 410, 422))
def readers(request: Request, image: Id) -> Response:
    """The masks of the annotators, of the whole image."""
    found = service_of(request).images.get(image)
    return json_answer(packed_masks(reader_masks(found)) | {"names": found.readers})


@router.delete("/images/{image}", status_code=204, response_class=Response, responses=errors(404, 410, 422))
def drop(request: Request, image: Id) -> Response:
    """Forget an image and all that was drawn of it."""
    service = service_of(request)
    service.images.drop(image)
    service.results.drop_all(lambda result: result.image == image)
    return Response(status_code=204)


async def received(request: Request, limits: Limits) -> bytes:
    """The body, as large as it may be and in the time that it may take.

    Raises:
        Refusal: it is larger, or slower.
    """
    most = Refusal(413, f"the image has more than {limits.upload} bytes, as many as are taken; send a part of it")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.upload:
        raise most
    parts: list[bytes] = []
    size, stream = 0, aiter(request.stream())
    try:
        async with asyncio.timeout(limits.receive):
            while True:
                try:
                    part = await asyncio.wait_for(anext(stream), SILENCE)
                except StopAsyncIteration:
                    break
                size += len(part)
                if size > limits.upload:
                    raise most
                parts.append(part)
    except TimeoutError:
        raise Refusal(408, f"the image did not arrive within {limits.receive:g} s; send it again") from None
    return b"".join(parts)
