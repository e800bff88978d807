"""The metrics are what Prometheus reads, whatever callers call themselves and whatever goes wrong meanwhile."""

import re
from pathlib import Path

import pytest

from app.guard.test_work import exchange, guard_in
from caponier.app.guard import watchdog
from caponier.guard.call import Call
from caponier.guard.metrics import Metrics
from respond.made import finding

LABELS = r'\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\}'
NUMBER = r"(?:-?\d+(?:\.\d+)?(?:e[+-]\d+)?|NaN|[+-]Inf)"
SAMPLE = re.compile(rf"caponier_guard_[a-z_]+(?:{LABELS})? {NUMBER}")


def samples(text: str) -> dict[str, str]:
    """Read the text format: each sample stands below the type of its family, and there once."""
    found: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        assert SAMPLE.fullmatch(line), line
        series, _, value = line.rpartition(" ")
        family = next(iter(reversed(kinds)))
        assert re.match(rf"{family}(?:_bucket|_sum|_count)?(?:\{{|$)", series), series
        assert series not in found
        found[series] = value
    return found


def test_requests_are_told_by_models_that_are_known_and_no_others() -> None:
    metrics = Metrics(["fraud", 'a "b"\\\n'])
    for model in ("fraud", "fraud", 'a "b"\\\n', "made up", None):
        asked = exchange(b"{}")
        asked.call = Call("predict", model)
        metrics.note(asked, enforce=True)
    told = {series: n for series, n in samples(metrics.text()).items() if series.startswith("caponier_guard_requests")}
    labels = 'operation="predict",status="200",model='
    assert told == {
        f'caponier_guard_requests_total{{{labels}"fraud"}}': "2",
        f'caponier_guard_requests_total{{{labels}"a \\"b\\"\\\\\\n"}}': "1",
        f'caponier_guard_requests_total{{{labels}"other"}}': "2",
    }


def test_a_guard_tells_its_state_and_what_nobody_looks_at(tmp_path: Path) -> None:
    guard_told = guard_in(tmp_path, [])
    metrics, work = guard_told.metrics, guard_told.work
    for n in range(3):
        work.record(exchange(b"{}"))
        work._tell(lambda n=n: [finding(n, "eve")])  # type: ignore[misc]
    before = samples(metrics.text())
    assert before["caponier_guard_waiting_requests"] == "3"
    assert before['caponier_guard_detection{state="ok"}'] == "1"
    guard_told.watchdog.look()
    while work._work():
        pass
    work.log.close()
    after = samples(metrics.text())
    states = (watchdog.WELL, watchdog.BEHIND, watchdog.DEAD)
    assert [after[f'caponier_guard_detection{{state="{state}"}}'] for state in states] == ["0", "0", "1"]
    assert after['caponier_guard_unseen_total{model="other"}'] == "3"
    assert after['caponier_guard_findings_total{detector="iterative_query",model="other"}'] == "3"
    assert float(after["caponier_guard_waiting_requests"]) == 0


def test_a_value_that_cannot_be_measured_just_now_is_left_out_and_large_ones_are_exact() -> None:
    metrics = Metrics()

    def vanished() -> float:
        raise FileNotFoundError

    metrics.gauge("spilled_bytes", vanished)
    metrics.gauge("waiting_bytes", lambda: 16_777_217)
    told = samples(metrics.text())
    assert "caponier_guard_spilled_bytes" not in told
    assert told["caponier_guard_waiting_bytes"] == "16777217"


@pytest.mark.parametrize("value", [0, 0.1, 1e-9, 1e20])
def test_any_number_is_one_that_can_be_read_again(value: float) -> None:
    metrics = Metrics()
    metrics.gauge("lag_seconds", lambda: value)
    assert float(samples(metrics.text())["caponier_guard_lag_seconds"]) == value
