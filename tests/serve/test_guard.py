"""Who may ask, and what every answer bears; the one shape of all errors."""

import logging

import pytest

from atfm.serve.guard import Access

TOKEN = "a-secret-of-many-letters"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:8000", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("evil.example:8000", 403), ("", 403), ("[", 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["models", "/", "/healthz"])
def test_on_loopback_only_loopback_names_are_answered(serve, host: str, status: int, path: str) -> None:
    assert serve().get(path, headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200), ("https://127.0.0.1:8000", 200), ("http://127.0.0.1:9000", 403),
        ("http://localhost:8000", 403), ("http://evil.example", 403), ("null", 403), ("", 403), ("http://[", 403),
        ("file://127.0.0.1:8000", 403),
    ],
)  # fmt: skip
def test_pages_of_others_are_not_answered(serve, origin: str, status: int) -> None:
    caller = serve()
    assert caller.get("models", headers={"Origin": origin}).status_code == status
    posted = caller.post("cases/0", headers={"Origin": origin})
    assert posted.status_code == (201 if status == 200 else 403)


def test_a_browser_says_where_a_request_comes_from(serve) -> None:
    caller = serve()
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert caller.get("models", headers={"Sec-Fetch-Site": site}).status_code == status
    assert caller.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link to the page


@pytest.mark.parametrize("path", ["models", "/metrics", "/openapi.json", "cases", "/nothing"])
def test_elsewhere_a_token_is_asked_for(serve, path: str) -> None:
    caller = serve(access=Access(loopback=False, token=TOKEN), host="scans.example")
    known = 404 if path == "/nothing" else 200
    wrong = ({}, *({"Authorization": words} for words in (f"Basic {TOKEN}", "Bearer", "Bearer x", f"Bearer {TOKEN}x")))
    for headers in wrong:
        answer = caller.get(path, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text and "error" in answer.json()
    assert caller.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == known
    assert caller.get("/healthz").status_code == caller.get("/readyz").status_code == 200
    assert caller.get("/").status_code == 200


def test_what_every_answer_bears(serve) -> None:
    caller = serve()
    for path in ("/", "models", "/nothing", "/metrics"):
        headers = caller.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" == policy["style-src"]
        assert policy["frame-ancestors"] == "'none'" and "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers and "access-control-allow-origin" not in headers


def test_all_errors_have_one_shape(serve) -> None:
    caller = serve()
    assert "openapi" in caller.refused(404, "GET", "/nothing")
    assert "openapi" in caller.refused(405, "PUT", "models")
    caller.refused(405, "GET", "samples")
    caller.refused(404, "GET", "/docs")  # FastAPI's own pages would load from elsewhere
    caller.refused(404, "GET", "/redoc")
    caller.refused(404, "GET", "/page/..%2f__init__.py")
    caller.refused(404, "GET", "/page/nothing.js")
    caller.refused(422, "GET", "cases?first=-1")
    caller.refused(422, "GET", "cases?count=x")
    caller.refused(422, "POST", "samples", json={})
    caller.refused(404, "POST", "cases/5")
    caller.refused(422, "POST", "cases/x")
    assert caller.ask("PUT", "models").headers["allow"] == "GET"


def test_a_fault_is_told_without_what_it_says(serve, kit, monkeypatch, caplog) -> None:
    caller = serve()

    def broken(*words):
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr(caller.service.cases, "told", broken)
    with caplog.at_level(logging.INFO, "atfm.serve"):
        said = caller.refused(500, "GET", "cases")
    fault, request = (record.__dict__["fields"] for record in caplog.records)
    assert fault["error"] == "RuntimeError" and "test_guard.py" in fault["where"] and request["status"] == 500
    assert "Doe" not in said + caplog.text + str(fault) and "atfm_faults_total 1.0" in caller.get("/metrics").text
    monkeypatch.setattr(caller.service.cases, "image", broken)
    assert "fault" in caller.refused(500, "POST", "cases/0")
    assert "atfm_faults_total 2.0" in caller.get("/metrics").text


def test_only_so_many_requests_are_open(serve) -> None:
    caller = serve(open=0)
    answer = caller.get("/healthz")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"


def test_one_line_for_each_request_by_its_route(serve, kit, caplog) -> None:
    caller = serve()
    with caplog.at_level(logging.INFO, "atfm.serve"):
        image = caller.send(kit.png(kit.grey()))["id"]
        caller.get(f"images/{image}/slices/0", headers={"Accept-Encoding": "identity"})
        caller.get("/secret-name")
    fields = [record.__dict__["fields"] for record in caplog.records]
    assert [(one["method"], one["status"]) for one in fields] == [("POST", 201), ("GET", 200), ("GET", 404)]
    assert fields[1]["route"].endswith("/images/{image}/slices/{number}") and fields[2]["route"] == "other"
    assert fields[1]["bytes"] == 256 and fields[1]["seconds"] >= 0


def test_counters(serve, kit) -> None:
    caller = serve()
    image = caller.send(kit.png(kit.grey()))["id"]
    caller.draw(image=image, n=3)
    caller.get("/nothing")
    lines = caller.get("/metrics").text.splitlines()
    assert "atfm_samples_total 3.0" in lines and 'atfm_kept{what="image"} 1.0' in lines
    assert any(line.startswith("atfm_requests_total") and 'status="404"' in line for line in lines)
    assert any(line.startswith('atfm_kept_bytes{what="samples"}') and not line.endswith(" 0.0") for line in lines)
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)


def test_it_is_ready_until_it_stops(serve) -> None:
    caller = serve()
    assert caller.get("/readyz").json() == {"status": "ready"} and caller.get("/healthz").json() == {"status": "ok"}
    caller.service.dismiss()
    caller.refused(503, "GET", "/readyz")
    assert caller.get("/healthz").status_code == 200
    caller.refused(503, "POST", "cases/0")


def test_models_are_called_by_the_last_part_of_their_name(serve, kit) -> None:
    caller = serve(kit.small(name="/home/jane/runs/own"), kit.small(name="other/own"), kit.small(name="a.safetensors"))
    found = caller.get("models").json()["models"]
    assert [one["name"] for one in found] == ["own", "own-2", "a"] and "jane" not in caller.get("models").text
    assert caller.get("model").json() == found[0]
    assert found[0]["size"] == [16, 16] and found[0]["dims"] == 2 and found[0]["sees"] is None


def test_telemetry_is_off_whatever_the_environment_says(monkeypatch, serve) -> None:
    for name in ("TRACES", "METRICS", "LOGS"):
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    app = serve().app.app
    assert not any(value for name, value in app._telemetry.items() if isinstance(value, bool))
