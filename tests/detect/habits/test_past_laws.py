"""What holds of an estate's past whatever happened in it: order, repetition, carrying over, and its bounds."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.assets.inside import Inside
from caponier.detect.habits import past as module
from caponier.detect.habits.past import (
    ACT,
    ADDRESS,
    DAYS,
    HERE,
    HOST,
    KEPT,
    PLACE,
    WEEKS,
    Fact,
    Past,
    act,
    day_of,
    network_of,
    role_of,
)  # fmt: skip
from detect.habits.test_past import DAY, HOME, MONTH, RULE, event, past

kinds = st.sampled_from([HERE, PLACE, ADDRESS, HOST, ACT])
facts = st.builds(Fact, kinds, st.sampled_from(["ada", "bob", "eva"]), st.sampled_from(["", "x", "y"]))
told = st.lists(st.tuples(facts, st.integers(19_000, 19_060)), max_size=40)
days = st.sets(st.integers(100, 160), max_size=12)


def of(rows: Iterable[tuple[Fact, int]]) -> Past:
    known = Past()
    for fact, day in rows:
        known.add(fact, day)
    return known


def kept(known: Past) -> dict[Fact, list[int]]:
    return dict(known.changed())


@given(rows=told, data=st.data())
def test_the_order_and_number_of_times_do_not_matter(rows: list[tuple[Fact, int]], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(rows + rows[:5]))
    assert kept(of(rows)) == kept(of(mixed))
    assert of(rows).length == of(mixed).length


@given(rows=told, cut=st.integers(0, 40))
def test_two_scans_know_what_one_does(rows: list[tuple[Fact, int]], cut: int) -> None:
    first = of(rows[:cut])
    later = Past(first.changed())
    for fact, day in rows[cut:]:
        later.add(fact, day)
    assert {**kept(first), **kept(later)} == kept(of(rows))
    for who in ("ada", "bob", "eva"):
        assert later.familiar(who, []) == of(rows).familiar(who, [])
        assert later.habit("x", who, []) == of(rows).habit("x", who, [])


@given(rows=told)
def test_what_is_carried_over_and_not_added_to_is_not_written_again(rows: list[tuple[Fact, int]]) -> None:
    again = Past(kept(of(rows)).items())
    for fact, day in rows:
        again.add(fact, day)
    assert kept(again) == {}


@given(on=days, mine=days)
def test_an_account_is_known_by_its_other_days(on: set[int], mine: set[int]) -> None:
    known = of((Fact(HERE, "ada", ""), day) for day in on)
    together = on | mine
    spanned = bool(together) and max(together) - min(together) + 1 >= WEEKS
    assert known.familiar("ada", mine) == (len(on - mine) >= DAYS and spanned)


@given(on=days, mine=days)
def test_hosts_and_habits_take_as_many_days_as_accounts(on: set[int], mine: set[int]) -> None:
    known = of(
        row
        for day in on
        for row in (
            (Fact(HERE, "ada", ""), day),
            (Fact(HOST, "ada", "gpu-01"), day),
            (Fact(ACT, "ada", act(RULE, "host of v")), day),
        )
    )
    familiar = known.familiar("ada", mine)
    assert known.works_on("ada", "gpu-01", mine) == familiar
    assert known.habit(RULE, "ada", mine) == familiar
    assert not known.works_on("ada", "gpu-02", mine)
    assert not known.habit(RULE + "_more", "ada", mine), "a rule whose name begins alike is another one"
    assert not known.habit(RULE[:-1], "ada", mine)


@given(number=st.integers(0, 2**32 - 1), six=st.integers(0, 2**128 - 1))
def test_an_address_lies_in_its_neighbourhood_which_is_its_own(number: int, six: int) -> None:
    for address in (ip_address(number), ip_address(six)):
        network = network_of(str(address))
        assert address in ip_network(network)
        assert network_of(network) == network, "a network is no address and stays as it is"


@pytest.mark.parametrize("name", ["", "internal", "10.0.0", "1.2.3.4:80", "::1%eth0%"])
def test_what_is_no_address_is_its_own_neighbourhood(name: str) -> None:
    assert network_of(name) == name


@given(name=st.text(max_size=20))
def test_sessions_of_a_role_are_the_role(name: str) -> None:
    role = role_of(name)
    assert role_of(role) == role == role_of(f"{role}/build-1/more")
    assert "/" not in role


def test_a_day_begins_at_midnight() -> None:
    assert [day_of(moment) for moment in (0, DAY - 1, DAY, -1)] == [0, 0, 1, -1]


def test_days_beyond_a_year_are_forgotten_but_only_when_newer_ones_are_known() -> None:
    fact = Fact(HERE, "ada", "")
    known = of([(fact, 1), (fact, KEPT), (fact, KEPT + 1)])
    assert kept(known) == {fact: [KEPT, KEPT + 1]}
    assert kept(of([(fact, 1)])) == {fact: [1]}


def test_invented_accounts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    known = of((Fact(HERE, f"ghost{number}", ""), number) for number in range(9))
    assert len(kept(known)) == 3
    known.add(Fact(HERE, "ghost0", ""), 99)
    assert kept(known)[Fact(HERE, "ghost0", "")] == [0, 99], "who is known goes on"


def test_forgetting_which_events_were_seen_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(day, user, HOME, risk="low") for day in MONTH for user in ("ada", "bob", "ada")]
    plain, short = Past(), Past()
    plain.learn(events, Inside())
    monkeypatch.setattr(module, "_SEEN", 1)
    short.learn(events, Inside())
    assert kept(plain) == kept(short)


@given(cut=st.integers(0, len(MONTH)))
def test_batches_of_events_do_not_matter(cut: int) -> None:
    parts = Past()
    parts.learn([event(day, "ada", HOME) for day in MONTH[:cut]], Inside())
    parts.learn([event(day, "ada", HOME) for day in MONTH[cut:]], Inside())
    assert kept(parts) == kept(past(MONTH))


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"outcome": "failure"}, False),
        ({"errorcode": "AccessDenied"}, False),
        ({"sc-status": "403"}, False),
        ({"sc-status": "500"}, False),
        ({"sc-status": "204"}, True),
        ({"sc-status": "302"}, True),
    ],
)
def test_only_what_succeeded_is_work(fields: dict[str, str], counts: bool) -> None:
    assert past(MONTH, **fields).familiar("ada", [60]) is counts


def test_the_length_is_that_of_work_alone() -> None:
    assert Past().length == 0
    assert past([5]).length == 1
    assert past(MONTH).length == MONTH[-1] - MONTH[0] + 1
    acts = of([(Fact(ACT, "ada", act(RULE, "host")), 1), (Fact(ACT, "ada", act(RULE, "host")), 90)])
    assert acts.length == 0


def test_asking_after_somebody_unknown_teaches_nothing() -> None:
    known = past(MONTH)
    before = (kept(known), list(known.shared_addresses()))
    for question in (known.at_home, known.vouched):
        assert not question("nobody", "192.0.2.1", [3])
    assert not known.peers(RULE, "host", "nobody", [3])
    assert (kept(known), list(known.shared_addresses())) == before


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0.0, 0), ("1", 1)])
def test_accounts_that_are_equal_as_numbers_are_two(one: object, other: object) -> None:
    known = Past()
    known.learn(
        [event(day, str(who), HOME)._replace(fields={"user": who}) for day in MONTH for who in (one, other)], Inside()
    )
    assert {fact.who for fact in kept(known)} == {str(one), str(other)}


def test_names_of_any_length_do_not_fill_the_memory() -> None:
    known = Past()
    known.learn([event(day, "a" * 10_000 + str(day), HOME) for day in MONTH], Inside())
    assert not known._seen
    known.learn([event(day, "ada", HOME) for day in MONTH], Inside())
    assert len(known._seen) == len(set(MONTH))


@pytest.mark.parametrize("fields", [{"host": "gpu-01"}, {"user": "ada", "errorcode": "AccessDenied"}])
def test_names_alone_may_tell_that_nothing_is_learned(fields: dict[str, str]) -> None:
    known = Past()
    known.learn([event(1, "ada", HOME)._replace(fields=dict(fields))], Inside())
    assert not kept(known)
    assert not known._seen
