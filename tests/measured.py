"""Which test functions take long is measured, not guessed: `scripts/test --measure` lists them anew.

What is listed counts as `slow`, and as `long` where the list says so. A function is listed with all its cases, and
what it shares with others (a module's fixture, a run's world) is divided by how many quick functions asked for it,
whichever of them came first.
"""

import os
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

LISTED: Final = Path(__file__).parent / "cases" / "slow.txt"
SLOW, LONG = "slow", "long"
SECONDS: Final = {SLOW: 0.1, LONG: 0.8}
"""Of the processor, programs that a test starts included, from which on a function is listed as such."""
WAITS: Final = 0.4
"""Seconds by the clock from which on a function is slow as well: who waits for a server spends nothing."""
HEAD: Final = f"""\
# Test functions of {SECONDS[SLOW]} seconds and more, or of {WAITS} by the clock, which --fast leaves out; those of
# {SECONDS[LONG]} and more are long, and only --all runs them. Measured by scripts/test --measure, on a machine at rest.
"""


def function_of(test: str) -> str:
    """Return the function of a test, by its id, without the case."""
    return test.partition("[")[0]


def listed(file: Path = LISTED) -> dict[str, str]:
    """Return the functions that were found to take long, each with its mark."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    words = (line.split(" ", 1) for line in lines if not line.startswith("#"))
    return {function: mark for mark, function in words}


def _is_there(root: Path, function: str) -> bool:
    """Tell whether nobody has renamed or deleted a function since."""
    file, *case, name = function.split("::")
    # The one test of a stateful law is written nowhere: its class is.
    word = f"{case[0]} = " if name == "runTest" else f"def {name}("
    return (root / file).exists() and word in (root / file).read_text(encoding="utf-8")


def mark_slow(items: Iterable[pytest.Item], marks: Mapping[str, str]) -> None:
    """Mark what is listed: what is long is slow as well."""
    for item in items:
        mark = marks.get(function_of(item.nodeid))
        if mark is not None:
            item.add_marker(SLOW)
        if mark == LONG:
            item.add_marker(LONG)


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Measuring:
    """Counts the processor time of each function, in whichever process it runs, and writes the list at the end.

    Args:
        file: Where it is written.
        seconds: From which on a function has which mark.
        waits: From which time by the clock on, of its own, it is slow whatever it spent.
    """

    def __init__(self, file: Path = LISTED, seconds: Mapping[str, float] = SECONDS, waits: float = WAITS) -> None:
        self.file, self._seconds, self._waits = file, seconds, waits
        self.own: Counter[str] = Counter()
        self.by_the_clock: Counter[str] = Counter()
        self.shared: Counter[str] = Counter()
        """What fixtures took that more than one test has."""
        self.users: dict[str, set[str]] = {}
        self._since = _spent()
        self._made: list[tuple[str, float]] = []
        """Such fixtures that were made since the last report, with what they took."""
        self._within: list[float] = []
        """Of each fixture that is being made, what others took that it asked for."""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        began = _spent()
        self._within.append(0.0)
        try:
            return (yield)
        finally:
            took = _spent() - began
            inner = self._within.pop()
            if fixturedef.scope != "function":
                self._made.append((f"{fixturedef.baseid}::{fixturedef.argname}", took - inner))
                inner = took
            if self._within:
                self._within[-1] += inner

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: pytest.TestReport = yield  # type: ignore[assignment]
        now = _spent()
        took = now - self._since - sum(took for _, took in self._made)
        report.user_properties.append(("measured", [took, self._made, self._asked(item)]))
        self._since, self._made = now, []
        return report  # type: ignore[return-value]

    @staticmethod
    def _asked(item: pytest.Item) -> list[str]:
        known: dict[str, Any] = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        last = (definitions[-1] for definitions in known.values() if definitions)
        return [f"{one.baseid}::{one.argname}" for one in last if one.scope != "function"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "PYTEST_XDIST_WORKER" in os.environ:
            return
        function = function_of(report.nodeid)
        if report.when == "call":
            self.by_the_clock[function] += report.duration
        for name, said in report.user_properties:
            if name == "measured":
                took, made, asked = said  # type: ignore[misc]
                self.own[function] += took
                for fixture, cost in made:
                    self.shared[fixture] += cost
                for fixture in asked:
                    self.users.setdefault(fixture, set()).add(function)

    def slow(self) -> dict[str, str]:
        """Return what takes long, each with its mark."""
        took = self.own.copy()
        slow = {one for one in took if self._is_slow(one, took)}
        for fixture, users in sorted(self.users.items(), key=lambda one: -self.shared[one[0]]):
            # A glance runs it for those alone that are not slow without it; where all are, each has its share.
            paying = users - slow or users
            for function in paying:
                took[function] += self.shared[fixture] / len(paying)
            slow |= {one for one in paying if self._is_slow(one, took)}
        return {
            function: LONG if seconds >= self._seconds[LONG] else SLOW
            for function, seconds in took.items()
            if function in slow
        }

    def _is_slow(self, function: str, took: Mapping[str, float]) -> bool:
        return took[function] >= self._seconds[SLOW] or self.by_the_clock[function] >= self._waits

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if "PYTEST_XDIST_WORKER" not in os.environ:
            # What was not run now keeps its place: a part may be measured alone.
            root, before = session.config.rootpath, listed(self.file)
            kept = {name: mark for name, mark in before.items() if name not in self.own and _is_there(root, name)}
            lines = (f"{mark} {name}\n" for name, mark in sorted((kept | self.slow()).items()))
            self.file.write_text(HEAD + "".join(lines), encoding="utf-8")
