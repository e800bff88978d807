"""Which test functions take long is measured, not guessed: `scripts/test --measure` lists them anew.

What is listed counts as `slow`. A function is listed with all its cases, and what it shares with others (a module's
fixture, a run's world) is divided by how many functions asked for it, whichever of them came first.
"""

import os
import resource
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

LISTED: Final = Path(__file__).parent / "cases" / "slow.txt"
SECONDS: Final = 0.2
"""Of the processor, programs that a test starts included, from which on a function is listed."""
HEAD: Final = f"# Test functions of {SECONDS} seconds and more, which --fast leaves out: scripts/test --measure\n"


def function_of(test: str) -> str:
    """Return the function of a test, by its id, without the case."""
    return test.partition("[")[0]


def listed(file: Path = LISTED) -> frozenset[str]:
    """Return the functions that were found to take long."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return frozenset(line for line in lines if not line.startswith("#"))


def _is_there(root: Path, function: str) -> bool:
    """Tell whether nobody has renamed or deleted a function since."""
    file, *_, name = function.split("::")
    return (root / file).exists() and f"def {name}(" in (root / file).read_text(encoding="utf-8")


def mark_slow(items: Iterable[pytest.Item], slow: frozenset[str]) -> None:
    """Mark what is listed."""
    for item in items:
        if function_of(item.nodeid) in slow:
            item.add_marker(pytest.mark.slow)


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Measuring:
    """Counts the processor time of each function, in whichever process it runs, and writes the list at the end.

    Args:
        file: Where it is written.
        seconds: From which on a function is listed.
    """

    def __init__(self, file: Path = LISTED, seconds: float = SECONDS) -> None:
        self.file, self._seconds = file, seconds
        self.own: Counter[str] = Counter()
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
        for name, said in report.user_properties:
            if name == "measured":
                took, made, asked = said  # type: ignore[misc]
                self.own[function] += took
                for fixture, cost in made:
                    self.shared[fixture] += cost
                for fixture in asked:
                    self.users.setdefault(fixture, set()).add(function)

    def slow(self) -> list[str]:
        """Return what takes long, in order."""
        took = self.own.copy()
        for fixture, users in self.users.items():
            for function in users:
                took[function] += self.shared[fixture] / len(users)
        return sorted(function for function, seconds in took.items() if seconds >= self._seconds)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if "PYTEST_XDIST_WORKER" not in os.environ:
            # What was not run now keeps its place: a part may be measured alone.
            others = listed(self.file) - self.own.keys()
            kept = {function for function in others if _is_there(session.config.rootpath, function)}
            self.file.write_text(
                HEAD + "".join(f"{name}\n" for name in sorted({*kept, *self.slow()})), encoding="utf-8"
            )
