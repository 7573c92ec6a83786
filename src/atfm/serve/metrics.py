"""`Metrics`: what an operator watches, in a registry of its own; no label holds a name, an id or a path."""

import logging
import traceback
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from atfm.serve.refusal import Refusal

if TYPE_CHECKING:
    from atfm.serve.service import Service

__all__ = ["Metrics"]

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
LOG = logging.getLogger("atfm.serve")


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "atfm_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "atfm_request_seconds", "From a request to the end of its answer.", ["route"], buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.drawn = Counter("atfm_samples", "Masks drawn.", registry=self.registry)
        self.faults = Counter("atfm_faults", "Errors that are no mistake of a caller's.", registry=self.registry)
        self.waiting = Gauge("atfm_waiting", "Callers that wait or are served.", ["desk"], registry=self.registry)
        self.kept = Gauge("atfm_kept", "Images and samples that are kept.", ["what"], registry=self.registry)
        self.kept_bytes = Gauge("atfm_kept_bytes", "Their bytes.", ["what"], registry=self.registry)
        ProcessCollector(registry=self.registry)

    def watch(self, service: "Service") -> None:
        """Ask a service for what changes by itself, whenever the numbers are read."""
        for desk in (service.drawing, service.filing):
            self.waiting.labels(desk.name).set_function(partial(len, desk))
        for what, shelf in (("image", service.images), ("samples", service.results)):
            self.kept.labels(what).set_function(partial(len, shelf))
            self.kept_bytes.labels(what).set_function(partial(getattr, shelf, "nbytes"))

    def fault(self, error: BaseException) -> Refusal:
        """Count and log an error of ours: where it happened, not what it says, which may hold a caller's data."""
        self.faults.inc()
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-4:]))
        LOG.error("fault", extra={"fields": {"event": "fault", "error": type(error).__name__, "where": where}})
        return Refusal(500, "a fault of this service, not of the request; its log says where, please report that")

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)
