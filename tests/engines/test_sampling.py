from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.inference.event_files import log, rows
from caponier.app.inference.load import load_events
from caponier.app.progress import Silent
from caponier.engines.sampling import Sampled, rate_of, sampled
from caponier.engines.spool import Spool
from caponier.telemetry.rejections import RejectedRows


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def read(spool: Spool, folder: Path, *parts: list[dict[str, Any]]) -> Sampled:
    load_events(spool, [log(folder, *parts)], RejectedRows(), Silent())
    return sampled(spool, "m")


def test_predictions_that_did_not_fail_are_counted(spool: Spool, tmp_path: Path) -> None:
    failed, fine = rows(2, 3, status=422), rows(1, 5, status=200)
    other = rows(4, 6, operation="metadata")
    assert read(spool, tmp_path, rows(3), failed, fine, other) == Sampled(4, None)


def test_another_models_events_do_not_count(spool: Spool, tmp_path: Path) -> None:
    read_ = read(spool, tmp_path, rows(3), rows(2, 3, model="other", sampling_fraction=0.1))
    assert read_ == Sampled(3, None)


@pytest.mark.parametrize("written", [0.25, "0.25", "2.5e-1"])
def test_the_log_itself_may_say_what_was_kept(written: Any, spool: Spool, tmp_path: Path) -> None:
    assert read(spool, tmp_path, rows(4, sampling_fraction=written, note='"sampling_fraction": 0.9')).rate == 0.25


def test_an_event_stands_for_those_that_were_left_out(spool: Spool, tmp_path: Path) -> None:
    # 2 of 2 and 2 of 20: 4 of 22.
    found = read(spool, tmp_path, rows(2, sampling_fraction=1), rows(2, 2, sampling_fraction=0.1))
    assert found.rate == pytest.approx(4 / 22)


@pytest.mark.parametrize("written", [0, -1, 7, "all", None])
def test_what_is_no_share_says_nothing(written: Any, spool: Spool, tmp_path: Path) -> None:
    assert read(spool, tmp_path, rows(4, sampling_fraction=written)).rate is None


def test_what_is_given_counts_before_the_inventory_and_that_before_the_log() -> None:
    told = Sampled(9, 0.3)
    assert rate_of(0.1, 0.2, told) == 0.1
    assert rate_of(None, 0.2, told) == 0.2
    assert rate_of(None, None, told) == 0.3
    assert rate_of(None, None, Sampled(9, None)) == 1.0
