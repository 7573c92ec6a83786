"""`GET cases`, `POST cases/{number}`: what there is to look at without sending anything."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from atfm.serve.answers import CaseList, ImageTold
from atfm.serve.routes.answering import dumped, errors, json_answer, service_of, waited

__all__ = ["router"]

router = APIRouter(tags=["cases"])
LARGEST = 2**31


@router.get("/cases", response_model=CaseList, responses=errors(422))
def cases(
    request: Request,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    count: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """A page of the cases of the store, or the examples that come with the package."""
    found = service_of(request).cases
    numbers = range(min(first, len(found)), min(first + count, len(found)))
    return json_answer({"total": len(found), "cases": [found.told(number) for number in numbers]})


@router.post("/cases/{number}", status_code=201, response_model=ImageTold, responses=errors(404, 413, 422, 504, 507))
async def open_case(request: Request, number: Annotated[int, Path(ge=0, le=LARGEST)]) -> Response:
    """Keep a case as an image."""
    service = service_of(request)
    ticket = service.filing.enter(lambda tell: dumped(service.open_case(number, tell)))
    return json_answer(await waited(request, ticket), 201)
