from collections import Counter
from datetime import timedelta

import pytest

from caponier.emulate.event_log import Deployment
from caponier.emulate.images import Images
from caponier.emulate.registry import newcomers
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.simulation.visits import OUTAGE_EVERY, OUTAGE_LASTS, let_in, visitors, works
from emulate.wires import predict


def test_there_are_as_many_of_each_kind_and_no_name_twice() -> None:
    callers = visitors(newcomers(), 3, 5)
    assert Counter(caller.newcomer.name for caller in callers) == dict.fromkeys(newcomers(), 3)
    assert len({caller.principal for caller in callers}) == len({caller.seed for caller in callers}) == len(callers)
    assert all(caller.principal.startswith(f"{caller.newcomer.name}-5-") for caller in callers)


def test_each_sends_as_many_requests_as_asked(pool: Images) -> None:
    callers = visitors(newcomers(), 1, 5)
    events = let_in(callers, pool, predict, requests=40)
    requests = {
        (who, time) for who, time in zip(events["principal"].to_pylist(), events["time"].to_pylist(), strict=True)
    }
    assert Counter(who for who, _ in requests) == {caller.principal: 40 for caller in callers}


def test_the_seed_fixes_them(pool: Images) -> None:
    kind = {"first_day": newcomers()["first_day"]}
    logs = [let_in(visitors(kind, 2, seed), pool, predict, requests=30) for seed in (1, 1, 2)]
    first, again, other = (log.select(["time", "operation", "status", "label"]).to_pylist() for log in logs)
    assert first == again != other


def test_they_come_during_the_day_and_under_the_names_that_were_given(pool: Images) -> None:
    begin = EPOCH + timedelta(days=2)
    callers = visitors({"sdk_client": newcomers()["sdk_client"]}, 4, 0)
    events = let_in(callers, pool, predict, requests=2, begin=begin, deployment=Deployment("m", "1", "s"))
    starts = events.group_by("principal").aggregate([("time", "min")])["time_min"].to_pylist()
    assert all(begin <= start < begin + timedelta(days=1) for start in starts)
    assert len(set(starts)) == 4
    assert set(events["model"].to_pylist()) == {"m"}
    assert len(set(events["source_ip"].to_pylist())) == 4


@pytest.mark.parametrize(
    ("after", "there"),
    [
        (timedelta(0), False),
        (OUTAGE_LASTS - timedelta(seconds=1), False),
        (OUTAGE_LASTS, True),
        (OUTAGE_EVERY - timedelta(seconds=1), True),
        (OUTAGE_EVERY, False),
    ],
)
def test_outages_come_by_the_clock(after: timedelta, there: bool) -> None:
    assert works(EPOCH + after) is there
