"""The Sigma detector as a whole: its laws, on the rules that ship and on random logs."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogDetector, LogMatch
from caponier.detect.sigma.sigma import Sigma, SigmaRun
from caponier.emulate.registry import stories
from caponier.errors import InputError
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from detect.sigma.events import SYSTEM, compiled, event, joint, plain, run, write

RULES = compiled(
    plain("a", {"kind": "a"}),
    plain("b", {"kind": "b"}),
    joint("many", "event_count", ["a"], condition={"gte": 3}, generate=True),
    joint("values", "value_count", ["a", "b"], condition={"gte": 2, "field": "key"}),
    joint("order", "temporal_ordered", ["b", "many"], "20s"),
)
SECONDS = st.integers(0, 30)
logs = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from("abx"), st.sampled_from(["ann", "bob"]), st.integers(1, 3), st.booleans()
    ),
    max_size=30,
)


def events_of(log: list[tuple[int, str, str, int, bool]]) -> list[LogEvent]:
    return [
        event(second, line=n, kind=kind, user=user, key=key, host="gpu-01" if inside else "desk", n=n)
        for n, (second, kind, user, key, inside) in enumerate(log)
    ]


@settings(max_examples=40, deadline=None)
@given(log=logs, batch=st.integers(1, 9), random=st.randoms(use_true_random=False))
def test_neither_batches_nor_order_nor_repeats_change_anything(
    log: list[tuple[int, str, str, int, bool]], batch: int, random: Random
) -> None:
    events = events_of(log)
    whole = run(RULES, events, systems=[SYSTEM])
    mixed = events + events[::3]
    random.shuffle(mixed)
    assert run(RULES, mixed, batch=batch, systems=[SYSTEM]) == whole


@pytest.fixture(scope="module")
def theft(tmp_path_factory: pytest.TempPathFactory) -> list[LogEvent]:
    file = tmp_path_factory.mktemp("theft") / "log.jsonl"
    file.write_bytes(stories.one("stolen_account").attack(0).to_json_lines())
    with RejectedRows() as rejected:
        return [one for read in read_logs([file], rejected) for one in read.events]


@pytest.mark.parametrize("batch", [7, 1000])
def test_batches_change_nothing_with_our_own_rules(theft: list[LogEvent], batch: int) -> None:
    sigma = Sigma()
    scope = Scope([stories.one("stolen_account").system])

    def found(size: int) -> list[LogMatch]:
        with sigma.start(scope) as going:
            for start in range(0, len(theft), size):
                going.feed(theft[start : start + size])
            return list(going.matches())

    assert found(batch) == found(1)
    assert found(batch)


@settings(max_examples=25, deadline=None)
@given(log=logs, cut=st.integers(0, 31))
def test_matches_may_be_taken_on_the_way(log: list[tuple[int, str, str, int, bool]], cut: int) -> None:
    events = sorted(events_of(log), key=lambda one: one.time)
    boundary = event(cut).time
    early, later = [one for one in events if one.time < boundary], [one for one in events if one.time >= boundary]
    with _start() as going:
        going.feed(early)
        first = list(going.matches(boundary))
        going.feed(later)
        rest = list(going.matches())
    assert first + rest == run(RULES, events, systems=[SYSTEM])
    assert all(match.time < boundary for match in first)


def _start():
    return SigmaRun(RULES, Scope([SYSTEM]), b"")


def test_a_line_that_was_shipped_twice_is_one_event_and_told() -> None:
    with _start() as going:
        going.feed([event(1, kind="b", user="ann", line=1), event(1, kind="b", user="ann", line=2)])
        assert "counted once" in going.notes[0]


def test_the_salt_changes_the_ids_and_nothing_else() -> None:
    ids = []
    for salt in (b"", b"s" * 32):
        with SigmaRun(RULES, Scope([SYSTEM]), salt) as going:
            going.feed([event(1, kind="a", user="ann")])
            ids.append([hit.event_id for match in going.matches() for hit in match.hits])
    assert ids[0] != ids[1]


def test_it_is_a_log_detector() -> None:
    assert isinstance(Sigma(own=False), LogDetector)


def test_rules_of_the_user_run_beside_ours(tmp_path: Path) -> None:
    write(tmp_path, "mine.yml", plain("mine", {"kind": "a"}))
    write(tmp_path, "bad.yml", plain("bad", {"kind|nonsense": "a"}))
    sigma = Sigma([tmp_path])
    assert "sigma:mine" in [rule.name for rule in sigma.rules]
    assert len(sigma.rules) > 10
    assert [Path(bad.what).name for bad in sigma.bad] == ["bad.yml"]


def test_a_correlation_of_the_user_may_refer_to_our_rules(tmp_path: Path) -> None:
    write(tmp_path, "mine.yml", joint("mine", "event_count", ["ml_host_login_outside"], condition={"gte": 5}))
    assert Sigma([tmp_path]).bad == ()


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(InputError, match="does not exist"):
        Sigma([Path("no-such-folder")])


def test_many_events_of_one_account_take_linear_time() -> None:
    rules = compiled(
        plain("a", {"kind": "a"}), joint("j", "value_count", ["a"], "1h", condition={"gte": 20, "field": "key"})
    )
    events = [event(n / 20, line=n, kind="a", user="ann", key=str(n)) for n in range(20_000)]
    assert len(run(rules, events)) == 20_000 - 19
