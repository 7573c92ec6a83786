"""`/healthz`, `/readyz`, `/metrics`: for those who run the service."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from atfm.serve.refusal import Refusal
from atfm.serve.routes.answering import errors, json_answer, service_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=dict[str, str], responses=errors())
def healthz() -> Response:
    """It runs."""
    return json_answer({"status": "ok"})


@router.get("/readyz", response_model=dict[str, str], responses=errors())
def readyz(request: Request) -> Response:
    """It takes requests; not while it stops."""
    if not service_of(request).ready:
        raise Refusal(503, "the service is stopping", {"Retry-After": "5"})
    return json_answer({"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    responses=errors() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """Counters in the text format of Prometheus."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)
