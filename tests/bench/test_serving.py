"""The load on the service: what is counted, and that another answer than the direct call's is noticed."""

import threading
from collections.abc import Callable, Iterator

import pytest
import torch
import uvicorn

from atfm.bench.caller import Answer, Caller, drawn
from atfm.bench.serving import Load, bench_serving
from atfm.cli.bench_text import show
from atfm.errors import InputError
from atfm.methods.atfm.config import ATFMConfig, SFMConfig
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model
from atfm.serve.app import create_app
from atfm.serve.cases import Examples
from atfm.serve.limits import Limits
from atfm.serve.server import Server, bound
from atfm.serve.service import Service

CONFIG = ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2))


def small(seed: int = 0, size: tuple[int, ...] = (16, 16)) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        method = CONFIG.build(Frame(1, 1, size)).eval()
    return Model(method, "small", frozenset(), {"intensity": {"kind": "byte"}})


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    """Start a service in a thread, and return its address."""
    servers: list[tuple[Server, threading.Thread]] = []

    def serve(model: Model, **limits: int) -> str:
        service, ready, listening = (
            Service([model], Examples(), Limits(**limits)),
            threading.Event(),
            bound("127.0.0.1", 0),
        )
        config = uvicorn.Config(create_app(service), log_config=None, lifespan="off", ws="none", timeout_keep_alive=60)
        server = Server(config, service, ready.set)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        assert ready.wait(10)
        servers.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield serve
    for server, thread in servers:
        server.handle_exit(2, None)
        thread.join(10)
        server.service.close()


LOAD = Load(callers=3, seconds=0.6, samples=3, images=2)


def test_every_answer_is_counted_and_right(start) -> None:
    result = bench_serving(small(), start(small()), LOAD, lambda text: None)
    assert result["images"] >= 3 and result["requests"] >= 3 * result["images"]
    assert (result["refused"], result["failed"], result["wrong"], result["mixed_up"]) == (0, 0, 0, 0)
    assert result["latency"]["p50"] <= result["latency"]["p90"] <= result["latency"]["p99"] <= result["latency"]["max"]
    assert result["masks_per_second"] == pytest.approx(3 * result["images_per_second"])
    assert result["memory"]["peak_mb"] >= result["memory"]["start_mb"] > 10
    text = show(result)
    assert "wrong 0, mixed up 0" in text and "3 callers" in text


def test_other_masks_than_the_direct_call_are_noticed(start) -> None:
    result = bench_serving(small(seed=1), start(small()), LOAD, lambda text: None)
    assert result["wrong"] >= result["images"] > 0 and result["mixed_up"] == 0


def test_who_is_sent_away_is_counted(start) -> None:
    load = Load(callers=8, seconds=0.6, samples=3, images=2)
    result = bench_serving(small(), start(small(), waiting=0), load, lambda text: None)
    assert result["refused"] > 0 and result["wrong"] == result["failed"] == 0 and result["reasons"]["503"] > 0


def test_a_stream_has_to_end_with_a_result() -> None:
    broken = b'event: queued\ndata: {"ahead": 0}\n\nevent: error\ndata: {"error": {}}\n\n'
    with pytest.raises(ValueError, match="error"):
        list(drawn(Answer(broken, streamed=True)))


@pytest.mark.parametrize("address", ["http://example.org:80/", "10.0.0.1:8000", "http://127.0.0.1/", "localhost"])
def test_nobody_elses_service_is_put_under_load(address: str) -> None:
    with pytest.raises(InputError, match="this machine"):
        bench_serving(small(), address, LOAD, lambda text: None)


@pytest.mark.parametrize(
    "wrong", [{"callers": 0}, {"callers": 65}, {"seconds": 0}, {"seconds": 10**6}, {"think": -1}, {"samples": 0}]
)
def test_callers_and_time_are_bounded(wrong) -> None:
    with pytest.raises(InputError, match="bench serve"):
        Load(**wrong)


def test_what_cannot_be_asked_is_told() -> None:
    with pytest.raises(InputError, match="flat images"):
        bench_serving(small(size=(4, 16, 16)), "http://127.0.0.1:9/", LOAD, lambda text: None)
    listening = bound("127.0.0.1", 0)
    with pytest.raises(InputError, match="no service answers"):
        Caller("127.0.0.1", listening.getsockname()[1]).resident()
    listening.close()
