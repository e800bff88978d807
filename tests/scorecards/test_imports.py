"""Scorecards are run rarely: that a name which they import has moved is told here and not by the next who needs one."""

import importlib
import pkgutil

import bench
import pytest

NAMES = [one.name for one in pkgutil.walk_packages(bench.__path__, "bench.") if not one.name.endswith("__main__")]


@pytest.mark.parametrize("name", NAMES)
def test_a_scorecard_finds_what_it_imports(name: str) -> None:
    assert importlib.import_module(name).__name__ == name
