"""The scorecard of home-grown logs counts every log once, and its seeds are those of no test."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bench.scorecards.foreign import homegrown


def _threads(workers: int | None, _context: Any) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers)


def test_every_log_is_of_one_kind_and_every_factor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homegrown, "ProcessPoolExecutor", _threads)
    monkeypatch.setattr(homegrown, "EACH", 4)
    monkeypatch.setattr(homegrown, "FIRST", {"open": 10, "kept_aside": 20})
    card = homegrown.run(quick=False)
    for names in ("open", "kept_aside"):
        assert sum(card.figures[f"{names}_{kind}_share"] for kind in homegrown.KINDS) == 1
        assert {row["factor"] for row in card.table if row["names"] == names} >= {"container", "time", "answer"}
    assert all(0 <= row["not_right"] <= row["logs"] <= 4 for row in card.table)
    assert card.figures["logs"] == 8
