from datetime import timedelta

import pytest

from caponier.emulate.event_log import Deployment
from caponier.emulate.probe import Truth
from caponier.emulate.registry import probes
from caponier.emulate.simulation.probe_trace import trace_probe
from caponier.emulate.simulation.trace import EPOCH
from caponier.records.event import EVENT_SCHEMA
from emulate.wires import predict


@pytest.mark.parametrize("name", probes())
@pytest.mark.parametrize(("gap_s", "least"), [(None, timedelta(seconds=10)), (1_800.0, timedelta(hours=20))])
def test_a_slow_probe_takes_days_and_asks_the_same(name: str, gap_s: float | None, least: timedelta) -> None:
    probe = probes()[name]
    traced = trace_probe(probe, predict, Truth("trees"), seed=4, gap_s=gap_s)
    times = traced.events["time"].to_pylist()
    assert times == sorted(times)
    assert least < times[-1] - times[0] < 8 * least
    assert times[0] >= EPOCH
    fast = trace_probe(probe, predict, Truth("trees"), seed=4)
    for column in ("operation", "status", "label", "input"):
        assert traced.events[column].to_pylist() == fast.events[column].to_pylist()


def test_the_events_are_the_caller_s_under_the_names_that_were_given() -> None:
    place = Deployment("fraud", "7", "payments")
    begin = EPOCH + timedelta(days=3)
    traced = trace_probe(
        probes()["api_crawl"],
        predict,
        Truth("trees"),
        seed=1,
        principal="mallory",
        begin=begin,
        deployment=place,
        budget=20,
    )
    assert traced.events.schema == EVENT_SCHEMA
    assert set(traced.events["principal"].to_pylist()) == {"mallory"}
    assert "fraud" in traced.events["model"].to_pylist()
    assert set(traced.events["system"].to_pylist()) == {"payments"}
    assert traced.events["time"].to_pylist()[0] >= begin
    assert traced.outcome.requests == 20


def test_without_a_name_it_is_the_probe_s_own() -> None:
    traced = trace_probe(probes()["family_fingerprint"], predict, Truth("trees"), seed=9, budget=3)
    assert set(traced.events["principal"].to_pylist()) == {"family_fingerprint-9"}
