"""Whom the past knows: by mail in one log and by name in the next, whatever was learned first and however often."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.assets.inside import Inside
from caponier.detect.habits import past as module
from caponier.detect.habits.past import ACT, DAYS, HERE, OPEN, VOUCHED, WEEKS, Fact, Past, act, person_of
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.sources import LogSource

DAY = 24 * 3600 * 10**6
HOTEL, OTHER = "203.0.113.66", "198.51.100.4"
WORKDAYS = (1, 4, 9, 16)
RULE, PLACE = "sigma:ml_remote_service", "host gpu-01 port 22"
days = st.sets(st.integers(0, 60), max_size=12)


def event(day: int, user: str, address: str, risk: str | None = None) -> LogEvent:
    told = {"user": user, "src_ip": address, "outcome": "success", **({"risk": risk} if risk else {})}
    return LogEvent(day * DAY, dict(told), LogSource(None, "authentication", None), "log", 1)


def directory(user: str, worked: Iterable[int], seen: int, address: str = HOTEL, risk: str = "low") -> Past:
    """Learn from a directory that saw somebody work on some days, and log in from an address on one more."""
    past = Past()
    past.learn([*(event(day, user, OTHER) for day in worked), event(seen, user, address, risk)], Inside())
    return past


@pytest.mark.parametrize("user", ["ada", "ada@example.org"])
def test_a_colleague_is_known_by_mail_as_by_name(user: str) -> None:
    """Who never logs in to a host is known to the estate by mail alone."""
    past = directory(user, WORKDAYS, 20)
    assert past.colleague(HOTEL, (20,))
    assert past.vouched(user, HOTEL, (20,))
    assert Past(past.facts()).colleague(HOTEL, (20,)), "after the next scan has recalled it"


@pytest.mark.parametrize("user", ["ada", "ada@example.org"])
def test_who_is_new_or_at_risk_or_elsewhere_is_no_colleague(user: str) -> None:
    assert not directory(user, (), 20).colleague(HOTEL, (20,))
    assert not directory(user, (17, 18, 19), 20).colleague(HOTEL, (20,))
    assert not directory(user, WORKDAYS, 20, risk="high").colleague(HOTEL, (20,))
    assert not directory(user, WORKDAYS, 20).colleague(OTHER, (21,))
    assert not directory(user, WORKDAYS, 20).colleague(HOTEL, (21,))
    assert not directory(user, WORKDAYS, 20).colleague(HOTEL, ())


def test_another_person_who_was_seen_there_makes_nobody_a_colleague() -> None:
    past = directory("ada@example.org", WORKDAYS, 20, address=OTHER)
    past.add(Fact(VOUCHED, "eve", HOTEL), 20)
    assert not past.colleague(HOTEL, (20,))


def test_one_of_two_accounts_of_a_person_is_enough() -> None:
    past = directory("ada@example.org", WORKDAYS, 20)
    past.add(Fact(HERE, "ada", ""), 20)
    assert past.colleague(HOTEL, (20,))


@pytest.mark.parametrize(
    ("account", "person"), [("ada", "ada"), ("ada@example.org", "ada"), ("", ""), ("@x", ""), ("a@b@c", "a")]
)
def test_a_person_is_what_stands_before_the_at(account: str, person: str) -> None:
    assert person_of(account) == person


class TestLaws:
    @given(on=days, asked=days)
    def test_a_place_is_open_only_by_enough_other_days_over_weeks(self, on: set[int], asked: set[int]) -> None:
        past = Past([(Fact(OPEN, RULE, PLACE), on)])
        said = past.open_to_all(RULE, PLACE, asked)
        assert said == (len(on - asked) >= DAYS and max(on) - min(on) + 1 >= WEEKS)
        assert not said or past.told_open(RULE, PLACE)

    @given(on=days, asked=days, more=st.integers(0, 60))
    def test_another_day_never_makes_an_open_place_news_again(self, on: set[int], asked: set[int], more: int) -> None:
        past = Past([(Fact(OPEN, RULE, PLACE), on)])
        before = past.open_to_all(RULE, PLACE, asked)
        past.add(Fact(OPEN, RULE, PLACE), more)
        assert past.open_to_all(RULE, PLACE, asked) >= before

    @given(on=days, asked=days)
    def test_what_this_scan_has_seen_was_told_by_no_earlier_one(self, on: set[int], asked: set[int]) -> None:
        past = Past()
        for day in on:
            past.add(Fact(ACT, "asset weights", act(RULE, "bucket of digits")), day)
            past.add(Fact(OPEN, RULE, PLACE), day)
        assert not past.told(RULE, "asset weights", asked)
        assert not past.told_open(RULE, PLACE)

    @settings(max_examples=50)
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 500)), max_size=40))
    def test_facts_survive_being_handed_on_from_process_to_process(self, told: list[tuple[str, str, int]]) -> None:
        one, other = Past(), Past()
        for who, what, day in told:
            one.add(Fact(ACT, who, what), day)
        for fact, on in one.facts():
            for day in on:
                other.add(fact, day)
        assert other.facts() == one.facts()
        assert sorted(other.changed()) == sorted(one.changed())

    @given(on=days)
    def test_who_is_asked_about_never_learns_from_the_question(self, on: set[int]) -> None:
        past = Past([(Fact(VOUCHED, "ada", HOTEL), on)])
        before = past.facts()
        assert not past.colleague(HOTEL, on)
        assert not past.open_to_all(RULE, PLACE, on)
        assert past.facts() == before


def test_a_full_past_takes_no_further_accounts_and_goes_on_with_those_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    past = Past()
    for number in range(9):
        past.add(Fact(HERE, f"invented{number}", ""), 1)
    past.add(Fact(HERE, "invented0", ""), 20)
    assert past.facts() == [
        (Fact(HERE, "invented0", ""), [1, 20]), (Fact(HERE, "invented1", ""), [1]), (Fact(HERE, "invented2", ""), [1]),
    ]  # fmt: skip


def worked(networks: Iterable[tuple[int, str]]) -> Past:
    past = Past()
    past.learn([event(day, "ada", address) for day, address in networks], Inside())
    return past


def test_a_phone_beside_a_home_makes_its_carrier_known_and_nothing_else() -> None:
    past = worked([*((day, OTHER) for day in range(20)), *((day, f"198.19.{day}.7") for day in range(20))])
    assert not past.roams("ada", (20,))
    assert past.at_home("ada", "198.19.77.1", (20,))
    assert not past.at_home("ada", HOTEL, (20,))


def test_a_carrier_of_a_few_days_is_not_known() -> None:
    past = worked([*((day, OTHER) for day in range(20)), *((day, f"198.19.{day}.7") for day in range(4))])
    assert not past.at_home("ada", "198.19.77.1", (20,))


def test_who_has_no_place_of_his_own_roams() -> None:
    assert worked((day, f"20.{day + 30}.1.7") for day in range(20)).roams("ada", (20,))
    assert not worked((day, f"20.{day + 30}.1.7") for day in range(7)).roams("ada", (20,))
    assert worked((day, f"20.{day + 30}.1.7") for day in range(7)).roams("ada", (20,), span=0)
