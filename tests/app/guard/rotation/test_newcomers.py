"""Of many new names at an address a few an hour count, and the rest are their address."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.app.guard import newcomers as module
from caponier.app.guard.failures import Failures
from caponier.app.guard.made_up_names import LONG_S
from caponier.app.guard.newcomers import ASKED, DAY_S, MANY, Newcomers
from caponier.app.guard.response import GuardResponse
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.registry import select
from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller
from caponier.guard.metrics import Metrics
from caponier.records.accused import BUCKET, NAMES
from caponier.records.finding import SubjectRef
from guard.test_spooled import exchange
from respond.made import finding

ASK, HEALTH = Call("predict", "digits"), Call("health")
HERE, THERE = "203.0.113.7", "198.51.100.1"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Site:
    """Newcomers whose hours go by when they are told to."""

    def __init__(self, **settings: Any) -> None:
        self.now = 0.0
        self.newcomers = Newcomers(steady=lambda: self.now, **settings)

    def ask(self, name: str, place: str = HERE, *, status: int = 200, call: Call = ASK, **of: Any) -> bool:
        """Ask, and return whether the name counts."""
        caller = self.newcomers(Caller(name, "session", place, **of), call)
        self.newcomers.note(exchange(call=call, caller=caller, status=status))
        return caller.principal == name

    def flood(self, n: int = 100, of: str = "made-up", place: str = HERE) -> int:
        """Ask under many names; return how many of them count."""
        return sum(self.ask(f"{of}-{i}", place) for i in range(n))

    def past(self, names: int, asked: int = ASKED, of: str = "known", hour: int = 0, place: str = HERE) -> None:
        """Have had names ask that were new in an hour."""
        for i in range(names):
            for turn in range(asked):
                moment = NOON + timedelta(hours=hour, seconds=turn)
                self.newcomers.known({"principal": f"{of}-{hour}-{i}", "source_ip": place, "time": moment})


@pytest.fixture
def site() -> Site:
    return Site()


class TestWhoCounts:
    def test_the_first_names_of_an_address_count_and_go_on_counting(self, site: Site) -> None:
        assert site.flood() == MANY
        assert [site.ask(f"made-up-{i}") for i in range(MANY)] == [True] * MANY
        site.now = 10 * LONG_S
        assert site.ask("made-up-0")

    def test_who_comes_after_them_is_his_address_and_what_is_in_force_against_his_name_holds(self, site: Site) -> None:
        site.flood()
        shown = Caller("late", "session", HERE, ("other",), unproven=True)
        counted = site.newcomers(shown, ASK)
        assert (counted.principal, counted.session, counted.name) == (None, None, HERE)
        assert counted.possible == ("other", "late")
        assert not counted.unproven, "he uses up what his address is granted before a server has looked at him"

    def test_every_hour_there_is_room_for_as_many_again(self, site: Site) -> None:
        site.flood()
        site.now = LONG_S - 1
        assert not site.ask("late")
        site.now = LONG_S
        assert site.flood(of="later") == MANY

    def test_other_addresses_have_room_of_their_own(self, site: Site) -> None:
        site.flood()
        assert site.flood(of="there", place=THERE) == MANY
        assert site.ask("made-up-0", THERE), "a name that counts does so wherever it comes from"

    def test_a_network_of_ipv6_is_one_address(self, site: Site) -> None:
        counted = [site.ask(f"made-up-{i}", f"2001:db8::{i:x}") for i in range(100)]
        assert sum(counted) == MANY

    def test_many_at_once_are_counted_before_any_is_answered(self, site: Site) -> None:
        callers = [site.newcomers(Caller(f"made-up-{i}", None, HERE), ASK) for i in range(100)]
        assert sum(caller.principal is not None for caller in callers) == MANY

    @pytest.mark.parametrize("of", [{"proven": True}, {"call": HEALTH}])
    def test_who_has_proven_his_name_and_who_asks_for_health_takes_no_place(self, site: Site, of: Any) -> None:
        assert all(site.ask(f"known-{i}", **of) for i in range(100))
        assert site.flood() == MANY
        assert site.ask("another", **of)

    def test_where_many_are_known_to_be_all_names_count(self) -> None:
        site = Site(is_shared=lambda address: address == HERE)
        assert site.flood() == 100
        assert site.flood(of="there", place=THERE) == MANY

    def test_who_has_no_address_counts_as_he_is(self, site: Site) -> None:
        caller = Caller("name", None, None)
        assert site.newcomers(caller, ASK) is caller
        site.newcomers.note(exchange(call=ASK, caller=caller))


class TestWhoIsKnownBetter:
    def test_who_asks_for_a_while_is_let_in_whoever_else_has_come(self, site: Site) -> None:
        site.flood()
        assert [site.ask("late") for _ in range(ASKED + 1)] == [False] * ASKED + [True]

    def test_no_more_are_let_in_so_than_come_first(self, site: Site) -> None:
        site.flood()
        for name in range(3 * MANY):
            for _ in range(ASKED):
                site.ask(f"late-{name}")
        assert sum(site.ask(f"late-{name}") for name in range(3 * MANY)) == MANY
        site.now = LONG_S
        assert site.flood(MANY, "taken") == MANY
        # Who has waited is not forgotten.
        assert [site.ask(f"late-{2 * MANY}") for _ in range(2)] == [False, True]

    @pytest.mark.parametrize("of", [{"status": 429}, {"status": 400}, {"status": 401}, {"call": Call("metadata")}])
    def test_only_answers_to_queries_count_for_that(self, site: Site, of: Any) -> None:
        site.flood()
        for _ in range(2 * ASKED):
            site.ask("late", **of)
        assert not site.ask("late")

    def test_who_is_turned_away_takes_no_place(self, site: Site) -> None:
        for i in range(100):
            site.ask(f"wrong-{i}", status=401)
        assert site.flood() == MANY

    def test_who_was_answered_before_keeps_his(self, site: Site) -> None:
        site.flood(MANY)
        site.ask("made-up-0", status=401)
        assert site.ask("made-up-0")
        assert not site.ask("late")

    def test_a_token_that_nobody_has_checked_takes_none_before_it_is_answered(self, site: Site) -> None:
        for i in range(100):
            site.ask(f"token-{i}", status=400, unproven=True)
        assert site.flood() == MANY


class TestACrowd:
    """Of several who count as their address, what adds up says nothing of one of them."""

    ADDRESS = SubjectRef("address", f"{HERE} ", sender=f"address:{HERE}")

    def adds_up(self, site: Site, detector: str = "flood", subject: SubjectRef = ADDRESS) -> bool:
        return site.newcomers.adds_up(finding(1, subject, detector=detector))

    def test_it_may_come_of_many_where_more_than_one_waits(self, site: Site) -> None:
        site.flood(MANY)
        assert not self.adds_up(site)
        for _ in range(3):
            site.ask("late")
        assert not self.adds_up(site), "who waits alone is the address"
        site.ask("later")
        site.ask("late")
        assert self.adds_up(site)

    @pytest.mark.parametrize("detector", sorted(module.SEARCHES))
    def test_a_search_is_of_one(self, site: Site, detector: str) -> None:
        site.flood()
        assert self.adds_up(site)
        assert not self.adds_up(site, detector)
        assert detector in {one.name for one in select()}

    def test_it_is_said_of_that_address_alone(self, site: Site) -> None:
        site.flood()
        there = SubjectRef("address", THERE, sender=f"address:{THERE}")
        assert not self.adds_up(site, subject=there)
        assert not self.adds_up(site, subject=SubjectRef("principal", "made-up-1", sender=f"address:{HERE}"))
        assert not self.adds_up(site, subject=SubjectRef("address", HERE))


class TestThePast:
    def test_names_of_the_log_count(self, site: Site) -> None:
        site.past(50, asked=1)
        assert all(site.ask(f"known-0-{i}") for i in range(50))
        assert site.flood() == MANY

    def test_an_address_may_bring_in_as_many_as_in_its_busiest_hour_but_one(self, site: Site) -> None:
        for hour, names in enumerate((90, 20, 40, 5)):
            site.past(names, hour=hour)
        assert site.flood() == 40
        assert site.flood(of="there", place=THERE) == MANY

    def test_one_hour_alone_tells_nothing(self, site: Site) -> None:
        site.past(90)
        assert site.flood() == MANY

    def test_names_that_did_not_stay_grant_nothing(self, site: Site) -> None:
        for hour in range(3):
            site.past(90, asked=ASKED - 1, hour=hour)
        assert site.flood() == MANY

    def test_an_event_without_a_name_or_an_address_tells_as_much_as_it_holds(self, site: Site) -> None:
        site.newcomers.known({"principal": None, "source_ip": HERE, "time": NOON})
        site.newcomers.known({"principal": "known", "source_ip": None, "time": NOON})
        site.flood()
        assert site.ask("known")


class TestFoundTogether:
    def accuse(self, site: Site, *names: str) -> None:
        site.newcomers.found_together(names)

    def test_new_names_of_one_address_that_search_together_count_no_more_nor_does_any_after_them(
        self, site: Site
    ) -> None:
        site.flood(6)
        self.accuse(site, "made-up-0", "made-up-1", "made-up-2")
        assert [site.ask(f"made-up-{i}") for i in range(6)] == [False] * 3 + [True] * 3
        for hour in range(1, 24):
            site.now = hour * LONG_S
            assert not site.flood(of=f"at-{hour}")
        assert not any(site.ask("late") for _ in range(2 * ASKED))
        assert site.flood(place=THERE, of="there") == MANY
        site.now = DAY_S
        assert site.flood(of="next") == MANY

    @pytest.mark.parametrize("others", [("made-up-0",), ("made-up-0", "elsewhere-0", "elsewhere-1", "nobody", "none")])
    def test_one_of_an_address_or_fewer_than_half_of_those_found_close_nothing_there(
        self, site: Site, others: tuple[str, ...]
    ) -> None:
        site.flood(5)
        site.flood(1, "elsewhere", THERE)
        self.accuse(site, *others)
        assert all(site.ask(f"made-up-{i}") for i in range(5))
        assert site.ask("late")

    def test_who_has_a_past_keeps_his_name(self, site: Site) -> None:
        site.past(2)
        site.past(2, asked=1, of="seen")
        site.flood(2)
        site.now = DAY_S - 1
        self.accuse(site, "known-0-0", "known-0-1", "seen-0-0", "made-up-0", "made-up-1")
        assert site.ask("known-0-0")
        assert not site.ask("seen-0-0")
        assert not site.ask("made-up-0")
        assert not site.ask("late")

    def test_so_does_who_was_let_in_a_day_ago(self, site: Site) -> None:
        site.flood(5)
        site.now = DAY_S
        self.accuse(site, "made-up-0", "made-up-1")
        assert site.ask("made-up-0")
        assert site.ask("late")


class TestBounds:
    def test_no_more_names_and_addresses_are_remembered(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_KNOWN", 50)
        monkeypatch.setattr(module, "MOST_PLACES", 5)
        for n in range(20):
            site.flood(place=f"203.0.113.{n}", of=f"at-{n}")
        held = site.newcomers
        assert (len(held._own), len(held._waiting), len(held._places)) == (50, 50, 5)
        for n in range(20):
            site.flood(2, f"together-{n}", f"198.51.100.{n}")
            held.found_together([f"together-{n}-0", f"together-{n}-1"])
        site.ask("another")
        assert len(held._closed) == 5
        for _ in range(2 * module.MOST_ACCUSED):
            held.found_together(["one", "another"])
        assert len(held._accused) == module.MOST_ACCUSED


class TestTold:
    def test_what_like_queries_are_found_to_be_is_told_of_where_it_is_rare_enough(self, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        told: list[frozenset[str]] = []
        failed = Failures(Metrics(), lambda _: None)
        response = GuardResponse(
            require_workspace(tmp_path), Decisions(), lambda _: None, failed, enforce=True,
            found_together=lambda names: told.append(frozenset(names)),
        )  # fmt: skip
        cell, both = SubjectRef(BUCKET, "cell-1"), {NAMES: ["k-1", "k-2"]}
        often = finding(2, cell, facts=both)
        often = replace(often, evidence=replace(often.evidence, share=0.01))
        response.take([finding(1, "k-3"), often])
        assert not told
        response.take([finding(3, cell, facts=both)], certain=[often])
        assert told == [{"k-1", "k-2"}] * 2
