"""Whoever makes up names for a guard: how many it remembers, and whom it forgets for them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.engines.live import LiveScan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.remembered import KNOWN_AT, KNOWN_SHARE
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
ALARM = 12


def plan(threshold: float) -> Plan:
    return Plan("m", ENCODER, (CalibratedDetector(Counter(), {}, threshold),))


def told(who: Sequence[str], most: int, together: int = 1) -> tuple[list[str], LiveScan]:
    """Feed one query a name, some at a time, and return who came to twelve queries without being forgotten."""
    live, found = LiveScan(plan(ALARM - 1), most_subjects=most), []
    with Spool() as spool:
        filled(spool, rows(len(who), principal=lambda i: who[i]))
        with connected(spool) as connection:
            table = pa.Table.from_batches(sorted_events(connection, "m", 2, 10_000)).sort_by("seq")
    for start in range(0, table.num_rows, together):
        part = table.slice(start, together).sort_by([("subject", "ascending"), ("seq", "ascending")])
        found += [one.subject for one in live.feed(part.combine_chunks().to_batches()[0])]
        assert len(live) <= most
    return found, live


def invented(n: int, begin: int = 0) -> list[str]:
    return [f"x{begin + number}" for number in range(n)]


def test_a_name_for_each_query_pushes_out_nobody_of_whom_something_is_known() -> None:
    slow = [name for at in range(ALARM) for name in ("ada", *(invented(1 if at < KNOWN_AT else 40, 1_000 * at)))]
    found, live = told(slow, most=10)
    assert found == ["ada"]
    assert len(live) == 10


def test_who_asks_too_little_to_be_known_is_forgotten_among_made_up_names() -> None:
    found, _ = told([name for at in range(ALARM) for name in ("ada", *invented(40, 1_000 * at))], most=10)
    assert found == []


@pytest.mark.parametrize("each", [KNOWN_AT, KNOWN_AT + 3])
def test_names_that_are_known_leave_room_for_newcomers(each: int) -> None:
    """Whoever pays for eight queries a name fills four fifths of the memory, and nobody new is locked out."""
    old = [name for name in invented(40) for _ in range(each)]
    found, live = told([*old, *["new"] * ALARM], most=10)
    assert found == ["new"]
    assert len(live) == 10


def test_of_the_known_the_one_that_was_silent_for_longest_goes_first() -> None:
    most = 10
    kept = int(KNOWN_SHARE * most)
    first = [name for name in invented(kept) for _ in range(KNOWN_AT)]
    again = ["x0"]
    crowd = [name for name in invented(20, 100) for _ in range(1)]
    more = [name for name in ("y0", "y1") for _ in range(KNOWN_AT)]
    left = ALARM - KNOWN_AT - 1
    found, _ = told([*first, *again, *more, *crowd, *["x0"] * left, *["x1"] * (left + 1)], most)
    assert "x0" in found, "was there again before others became known"
    assert "x1" not in found


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_smallest_memory_works(most: int) -> None:
    found, live = told(["ada"] * ALARM, most)
    assert found == ["ada"]
    assert len(live) == 1


@settings(max_examples=25, deadline=None)
@given(
    who=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=80),
    most=st.integers(1, 9),
    together=st.integers(1, 30),
)
def test_it_never_remembers_more_than_it_may_nor_less_than_it_can(who: list[str], most: int, together: int) -> None:
    found, live = told(who, most, together)
    assert len(live) == min(most, len(set(who)))
    assert all(who.count(name) >= ALARM for name in found)
    if len(set(who)) <= most:
        assert sorted(found) == sorted(name for name in set(who) if who.count(name) >= ALARM)
