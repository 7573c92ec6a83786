"""`create_app`: routes, errors and the guard around them, as one ASGI application."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp

from atfm import __version__
from atfm.serve.guard import LEFT, TOLD, Access, Guard, answer_refusal
from atfm.serve.refusal import Refusal
from atfm.serve.routes import cases, health, images, models, page, samples
from atfm.serve.service import Service

__all__ = ["API", "create_app"]

API = "/api/v1"
# FastAPI asks the environment (OTEL_...) where to send its telemetry; nothing of ours is sent anywhere.
SILENT = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}
USUAL = {
    404: "nothing of this path; /openapi.json lists what there is",
    405: "this path is not asked in this way; /openapi.json says how",
}


def create_app(service: Service, access: Access | None = None) -> ASGIApp:
    """Return the application.

    Args:
        service: what the routes share.
        access: who may ask; None: callers on this machine.
    """
    app = FastAPI(
        title="atfm",
        version=__version__,
        description="Many plausible segmentations of one medical image. Not for clinical use.",
        docs_url=None,  # these pages would load from elsewhere
        redoc_url=None,
        telemetry=SILENT,  # type: ignore[arg-type]
        redirect_slashes=False,
    )
    app.state.service = service
    for router in (models.router, cases.router, images.router, samples.router):
        app.include_router(router, prefix=API)
    app.include_router(health.router)
    app.include_router(page.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _fault)
    return Guard(app, service, access or Access())


async def _refused(request: Request, error: Exception) -> Response:
    """Ours, and those that FastAPI and Starlette make themselves."""
    if isinstance(error, Refusal):
        return answer_refusal(error)
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = USUAL.get(status) or str(getattr(error, "detail", "refused"))
    return answer_refusal(Refusal(status, words, getattr(error, "headers", None)))


async def _invalid(request: Request, error: Exception) -> Response:
    """The first field that is wrong; what was given is not repeated, as it may be anything."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    first = found[0] if found else {"loc": (), "msg": "invalid", "type": ""}
    if first["type"] == "json_invalid":
        return answer_refusal(Refusal(400, "the body is no JSON; send an object with the fields of /openapi.json"))
    where = ".".join(str(part)[:40] for part in first["loc"] if part not in ("body", "query", "path", "header"))
    message = f"{where or 'the request'}: {first['msg']}"
    return answer_refusal(Refusal(422, message.removesuffix(".") + "; /openapi.json says what each field takes"))


async def _left(request: Request, error: Exception) -> Response:
    """Nobody hears this any more."""
    return Response(status_code=LEFT)


async def _fault(request: Request, error: Exception) -> Response:
    service: Service = request.app.state.service
    request.scope[TOLD] = True  # Starlette raises it once more behind us
    return answer_refusal(service.refused(error))
