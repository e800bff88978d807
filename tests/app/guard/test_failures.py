"""Failures that a guard survives."""

import errno

from caponier.app.guard.failures import Failures
from caponier.errors import InputError
from caponier.guard.metrics import Metrics


def test_a_failure_is_told_when_it_is_new_and_again_when_there_are_ten_times_as_many() -> None:
    told: list[str] = []
    failed = Failures(Metrics(), told.append)
    for _ in range(1_500):
        failed("event", KeyError("secret of a caller"))
    assert len(told) == 4
    assert told[0] == "warning: event: KeyError; the guard goes on, and counts how often this happens"
    assert told[1:] == [f"warning: event: KeyError; this has happened {n} times by now" for n in ("10", "100", "1,000")]


def test_what_the_system_says_is_told_and_nothing_else() -> None:
    told: list[str] = []
    failed = Failures(Metrics(), told.append)
    full = OSError(errno.ENOSPC, "secret of a caller")
    failed("lake", full)
    failed("lake", OSError("secret of a caller"))
    try:
        try:
            raise full
        except OSError:
            raise InputError("secret of a caller") from None
    except InputError as failure:
        failed("event log", failure)
    assert [line.partition(";")[0] for line in told] == [
        "warning: lake: OSError (No space left on device)",
        "warning: lake: OSError",
        "warning: event log: InputError (No space left on device)",
    ]


def test_a_failure_of_detection_is_counted_by_model_and_says_what_happens_next() -> None:
    told: list[str] = []
    metrics = Metrics()
    failed = Failures(metrics, told.append)
    for model in ("digits", "digits", 'a "b"\n\\'):
        failed.detection(model, "flood", ValueError("secret of a caller"))
    lines = [line for line in metrics.text().splitlines() if line.startswith("caponier_guard_failures_total{")]
    assert lines == [
        r'caponier_guard_failures_total{kind="detection: ValueError",model="a \"b\"\n\\",part="flood"} 1',
        'caponier_guard_failures_total{kind="detection: ValueError",model="digits",part="flood"} 2',
    ]
    assert len(told) == 2
    assert told[0].startswith("warning: detection: flood on model digits: ValueError; ")
    assert "it is tried again with the next" in told[0]
    assert not any("secret" in line for line in told)
