"""`POST images`, `GET images/{id}/slices/{k}`, `GET images/{id}/readers`, `DELETE images/{id}`."""

import gzip
import math
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from atfm.serve.answers import ImageTold, Readers
from atfm.serve.cases import reader_masks
from atfm.serve.packed import packed_masks
from atfm.serve.refusal import Refusal
from atfm.serve.result import check_answer
from atfm.serve.routes.answering import dumped, errors, json_answer, service_of, waited
from atfm.serve.upload import suffix_told

__all__ = ["router"]

router = APIRouter(tags=["images"])
Id = Annotated[str, Path(min_length=1, max_length=64)]
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
    told = suffix_told(x_file_name)
    async with service.arriving.body(request) as content:
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
    view = service_of(request).images.get(image).view
    if number >= view.slices:
        raise Refusal(404, f"slice {number}: expected 0 to {view.slices - 1}")
    values = view.plane(number)
    headers = {"X-Dtype": values.dtype.name, "X-Shape": ",".join(map(str, values.shape)), "Vary": "Accept-Encoding"}
    body = values.tobytes()
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    return Response(body, headers=headers, media_type="application/octet-stream")


@router.get("/images/{image}/readers", response_model=Readers, responses=errors(404, 410, 413, 422))
def readers(request: Request, image: Id) -> Response:
    """The masks of the annotators, of the whole image."""
    service = service_of(request)
    found = service.images.get(image)
    masks = reader_masks(found)
    check_answer(masks.shape[1], math.prod(masks.shape[2:]), len(masks), service.limits)
    return json_answer(packed_masks(masks) | {"names": found.readers})


@router.delete("/images/{image}", status_code=204, response_class=Response, responses=errors(404, 410, 422))
def drop(request: Request, image: Id) -> Response:
    """Forget an image and all that was drawn of it."""
    service = service_of(request)
    service.images.drop(image)
    service.results.drop_all(lambda result: result.image == image)
    return Response(status_code=204)
