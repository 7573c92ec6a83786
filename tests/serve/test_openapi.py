"""Whatever `openapi.json` allows, and what it does not: no fault, and no answer that it does not describe.

A longer run: `SCHEMATHESIS_EXAMPLES=1000 pytest tests/serve/test_openapi.py`.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from atfm.serve.app import create_app
from atfm.serve.cases import Examples
from atfm.serve.guard import Access
from atfm.serve.limits import Limits
from atfm.serve.service import Service

BEYOND = (400, 410, 413, 415)  # refusals for what no schema says: bytes that are no image, a point beside it
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))


@pytest.fixture(scope="module")
def service(kit) -> Iterator[Service]:
    made = Service([kit.small()], Examples(), Limits(waiting=64))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ids(kit, service: Service) -> dict[str, str]:
    """An image and samples that are there."""
    caller = kit.Caller(service)
    image = caller.send(kit.png(kit.grey()))["id"]
    case = caller.post("cases/0").json()["id"]
    return {"image": image, "case": case, "sample": caller.draw(image=image, n=2)["id"], "png": kit.png(kit.grey())}


@pytest.mark.timeout(3600)
def test_nothing_that_is_asked_is_a_fault(service: Service, ids: dict[str, Any]) -> None:
    """Each operation is asked as it wants to be, and as it does not; each has been answered with success, too."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(service, Access(loopback=False)))
    answers: dict[str, set[int]] = defaultdict(set)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            ask(operation, mode, ids, answers[operation.label])
    assert len(operations) == 15
    good = {label for label, statuses in answers.items() if min(statuses) < 300}
    assert {operation.label for operation in operations if operation.method != "delete"} <= good


def ask(operation: Any, mode: GenerationMode, ids: dict[str, Any], statuses: set[int]) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            reach(case, ids)
        response = case.call(timeout=100)
        case.validate_response(response, excluded_checks=[positive_data_acceptance] * (response.status_code in BEYOND))
        statuses.add(response.status_code)
        if response.status_code >= 400:
            told = json.loads(response.content)
            assert set(told) == {"error"} and set(told["error"]) == {"code", "message"}

    try:
        asked()
    except Unsatisfiable:  # an operation that takes nothing cannot be asked wrongly
        assert mode is GenerationMode.NEGATIVE


def reach(case: schemathesis.Case, ids: dict[str, Any]) -> None:
    """Of ids most are made such as there are, of bodies every other an image, of wishes most small ones of it."""
    operation, body = case.operation, case.body
    chance = crc32(f"{case.path_parameters} {body}".encode(errors="replace"))
    if operation.path.endswith("/images"):
        case.body = ids["png"] if chance % 2 else body
    elif isinstance(body, dict) and chance % 4:
        known = {"image": ids["image"], "model": "small", "n": 3, "steps": 2}
        case.body = body | {name: known[name] for name in known.keys() & body.keys()}
    elif case.path_parameters and operation.method != "delete" and chance % 4:
        known = ids | {"number": 0} | ({"image": ids["case"]} if operation.path.endswith("readers") else {})
        case.path_parameters |= {name: known[name] for name in case.path_parameters.keys() & known.keys()}
