"""Counters for Prometheus, each application its own: nothing about photos, only how many."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from .work import Work

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    def __init__(self, work: Work) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "tonsure_requests", "Requests.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "tonsure_request_seconds", "From a request's head to its answer.", ["route"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        for name, said, read in (
            ("running", "Photos that are worked on.", lambda: work.running),
            ("waiting", "Photos that wait for a worker.", lambda: work.waiting),
            ("done", "Photos that workers were done with.", lambda: work.done),
            ("dropped", "Photos whose client left.", lambda: work.dropped),
        ):
            Gauge(f"tonsure_photos_{name}", said, registry=self._registry).set_function(read)

    def request(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
