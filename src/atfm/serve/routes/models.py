"""`GET models`, `GET model`: what draws, and what is known of it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from atfm.models import Model
from atfm.serve.answers import ModelList, ModelTold
from atfm.serve.routes.answering import errors, json_answer, service_of

__all__ = ["router", "told"]

router = APIRouter(tags=["models"])


@router.get("/models", response_model=ModelList, responses=errors())
def models(request: Request) -> Response:
    """All models, the usual one first."""
    found = service_of(request).models.values()
    return json_answer({"models": [told(model) for model in found]})


@router.get("/model", response_model=ModelTold, responses=errors())
def model(request: Request) -> Response:
    """The usual model."""
    return json_answer(told(service_of(request).model(None)))


def told(model: Model) -> dict[str, Any]:
    """A model as an answer tells it."""
    method, card = model.method, model.card
    windowed = tuple(method.window) != tuple(method.size)
    images = card.get("training_images")
    return {
        "name": model.name,
        "method": str(card.get("method", "unknown")),
        "channels": method.in_channels,
        "size": list(method.size),
        "sees": list(method.window) if windowed else None,
        "dims": len(method.size),
        "classes": method.channels,
        "patients_trained_on": len(model.patients),
        "steps": model.method.steps,
        "modality": images.get("modality") if isinstance(images, Mapping) else None,
        "needs": "sliding" if method.stride is not None else "whole",
        "card": _small(card),
    }


def _small(card: Mapping[str, Any]) -> dict[str, Any]:
    """What of a card is short and no pseudonym of a patient."""
    config, training = card.get("config"), card.get("training")
    return {
        "preset": config.get("preset") if isinstance(config, Mapping) else None,
        "weights": card.get("sha256"),
        "data": card.get("data"),
        "stage": training.get("stage") if isinstance(training, Mapping) else None,
        "intensity": card.get("intensity"),
        "orientation": card.get("orientation"),
        "versions": card.get("versions"),
    }
