"""The guard's own paths never reach the model server."""

import ipaddress
from datetime import UTC, datetime

from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.metrics import BOUNDS, Metrics
from caponier.guard.own_paths import OwnPaths
from caponier.guard.verdict import REFUSE, GuardVerdict, Measure
from guard.loopback import ask, serving
from guard.upstreams import Echo


def exchange(
    operation: str = "predict", status: int = 200, verdict: GuardVerdict = REFUSE, own_ms: float = 1.5
) -> Exchange:
    caller = Caller("k", None, None)
    return Exchange(
        Call(operation, "m"), caller, None, datetime.now(UTC), {}, verdict=verdict, status=status, own_ms=own_ms
    )


def test_own_paths_are_answered_here() -> None:
    echo, metrics = Echo(), Metrics()
    with serving(OwnPaths(echo, metrics)) as url:
        assert ask(url, "/-/healthz").body == b'{"status":"ok","detection":"ok"}'
        assert b"caponier_guard_findings_total 0" in ask(url, "/-/metrics").body
        assert ask(url, "/-/x").status == 404
        assert not echo.asked
        assert ask(url, "/x").status == 200


def test_metrics_are_not_for_everybody() -> None:
    with serving(OwnPaths(Echo(), Metrics(), [ipaddress.ip_network("10.0.0.0/8")])) as url:
        assert ask(url, "/-/metrics").status == 404


def test_metrics_tell_what_was_done() -> None:
    metrics = Metrics()
    metrics.note(exchange(status=429), enforce=True)
    metrics.note(exchange(verdict=GuardVerdict(Measure.ROUND, 1)), enforce=True)
    metrics.note(exchange(own_ms=99_999), enforce=False)
    metrics.count("findings", 'detector="flood"', 2)
    text = metrics.text()
    for line in (
        'caponier_guard_requests_total{operation="predict",status="429",model="other"} 1',
        'caponier_guard_requests_total{operation="predict",status="200",model="other"} 2',
        "caponier_guard_refused_total 1",
        "caponier_guard_rounded_total 1",
        "caponier_guard_would_refuse_total 1",
        'caponier_guard_findings_total{detector="flood"} 2',
        'caponier_guard_own_seconds_bucket{le="0.001"} 0',
        'caponier_guard_own_seconds_bucket{le="0.002"} 2',
        'caponier_guard_own_seconds_bucket{le="+Inf"} 3',
        "caponier_guard_own_seconds_count 3",
    ):
        assert line in text.splitlines()
    assert metrics.total("requests") == 3
    assert list(BOUNDS) == sorted(BOUNDS)
