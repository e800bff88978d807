"""The scorecard of a cluster: what its figures are made of, and the account of processes that it goes by."""

import os
import signal
import subprocess
import sys
import time

import pytest
from bench.machinery.cluster.process_tree import Meter, descendants
from bench.machinery.long_log import LongLog
from bench.scorecards.many_machines.cluster import GOALS, Measured, _figures

PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'while True: pass']); time.sleep(60)"


def measured(engine: str, events: int, cpu: float, seconds: float, said: str = "[]") -> Measured:
    return Measured(engine, LongLog(events), cpu, seconds, said)


def turns(rate: float, seconds: float, said: str = "[]") -> list[list[Measured]]:
    """One turn of three scans that start within 5 processor seconds and then go on at a rate."""
    return [[measured("e", events, 5 + events / rate, seconds, said) for events in (1_000, 11_000, 11_000)]]


def test_rates_are_of_further_events_and_starting_is_told_by_itself() -> None:
    figures = _figures(turns(1_000, 30), turns(600, 30), turns(570, 20))
    assert figures["local_further_events_per_cpu_second"] == 1_000
    assert figures["spark_share_of_local_per_cpu_second"] == pytest.approx(0.6)
    assert figures["two_workers_share_of_one_per_cpu_second"] == pytest.approx(0.95)
    assert figures["two_workers_times_as_fast_as_one"] == pytest.approx(1.5)
    assert figures["starting_cpu_seconds"] == pytest.approx(5)
    assert figures["same_findings"] == 1
    assert not [goal for goal in GOALS if goal.missed_by(figures)]


def test_one_scan_that_says_something_else_is_seen() -> None:
    assert _figures(turns(1, 1), turns(1, 1), turns(1, 1, "[1]"))["same_findings"] == 0


def test_a_process_that_nobody_waits_for_is_counted() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT])
    try:
        with Meter([parent.pid]) as meter:
            while meter.cpu_seconds < 0.2:
                time.sleep(0.02)
        assert meter.cpu_seconds >= 0.2
    finally:
        for child in descendants(parent.pid):
            os.kill(child, signal.SIGKILL)
        parent.kill()
        parent.wait()
