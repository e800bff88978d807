from collections.abc import Iterable

from caponier.detect.assets.inside import Inside
from caponier.detect.habits.past import ACT, Fact, Past, act, neighbours_of
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.sources import LogSource

DAY = 24 * 3600 * 10**6
HOME, ELSEWHERE = "84.10.20.30", "203.0.113.66"
RULE = "sigma:a_rule"
MONTH = (1, 4, 9, 16, 22)


def event(day: int, user: str, address: str, **fields: str) -> LogEvent:
    told = {"user": user, "src_ip": address, "outcome": "success", **fields}
    return LogEvent(day * DAY, dict(told), LogSource(None, "authentication", None), "log", 1)


def past(days: Iterable[int], user: str = "ada", address: str = HOME, **fields: str) -> Past:
    known = Past()
    known.learn([event(day, user, address, **fields) for day in days], Inside())
    return known


def test_a_place_is_known_from_other_days_alone() -> None:
    assert past(MONTH).at_home("ada", "84.10.20.99", [9])
    assert not past([9]).at_home("ada", HOME, [9])
    assert not past([9, 10, 11]).at_home("ada", HOME, [12]), "an attack of some days makes no place"
    assert not past(MONTH).at_home("ada", ELSEWHERE, [9])
    assert not past(MONTH).at_home("bob", HOME, [9])


def test_what_failed_makes_no_place() -> None:
    assert not past(MONTH, outcome="failure").at_home("ada", HOME, [9])


def test_an_address_of_several_people_is_the_estates_own() -> None:
    known = Past()
    for user in ("ada", "bob", "eva"):
        known.learn([event(day, user, HOME) for day in MONTH], Inside())
    assert known.own_address(HOME)
    assert list(known.shared_addresses()) == [HOME]
    assert known.at_home("new", HOME, [30])


def test_who_is_always_elsewhere_has_no_new_places() -> None:
    known = Past()
    known.learn([event(day, f"ci/{day}", f"20.40.{day}.7") for day in range(0, 20, 2)], Inside())
    assert known.at_home("ci/99", "20.99.1.1", [21])


def test_a_habit_takes_days_and_weeks() -> None:
    known = Past()
    for day in MONTH:
        known.add(Fact(ACT, "ada", act(RULE, "host of digits")), day)
    assert known.habit(RULE, "ada", [9])
    assert not known.habit("sigma:a_rul", "ada", [9]), "the beginning of a rule's name is another rule"
    for day in (1, 2, 3, 4, 5):
        known.add(Fact(ACT, "bob", act(RULE, "host of digits")), day)
    assert not known.habit(RULE, "bob", [5])


def test_peers_count_for_those_who_are_known() -> None:
    known = past(MONTH)
    for user in ("bob", "eva"):
        for day in (2, 11, 20):
            known.add(Fact(ACT, user, act(RULE, "host of digits")), day)
    assert known.peers(RULE, "host of digits", "ada", [9])
    assert not known.peers(RULE, "host of digits", "newcomer", [9])
    assert not known.peers(RULE, "bucket of digits", "ada", [9])


def test_the_identity_provider_vouches_for_a_day_and_an_address() -> None:
    known = past(MONTH, user="ada")
    known.learn([event(25, "ada@example.org", ELSEWHERE, risk="low")], Inside())
    assert known.vouched("ada", ELSEWHERE, [25])
    assert not known.vouched("ada", ELSEWHERE, [24])
    assert not known.vouched("bob", ELSEWHERE, [25])
    known.learn([event(26, "ada@example.org", "203.0.113.99", risk="high")], Inside())
    assert not known.vouched("ada", "203.0.113.99", [26])


def test_what_was_learned_can_be_kept_and_goes_on() -> None:
    first = past(MONTH[:3])
    second = Past(first.changed())
    assert list(second.changed()) == []
    second.learn([event(day, "ada", HOME) for day in MONTH[3:]], Inside())
    whole = past(MONTH)
    assert dict(second.changed()) == dict(whole.changed())
    assert second.at_home("ada", HOME, [30])


def test_a_server_that_names_nobody_is_used_from_somewhere_inside() -> None:
    def asked(day: int, address: str, **more: str) -> LogEvent:
        told = {"host": "gpu-01", "c-ip": address, **more}
        return LogEvent(day * DAY, dict(told), LogSource(None, "webserver", None), "log", 1)

    known = Past()
    for address in ("10.8.0.9", ELSEWHERE):
        known.learn([asked(day, address) for day in MONTH], Inside())
    assert known.works_on(neighbours_of("10.8.0.77"), "gpu-01", [9])
    assert not known.works_on(neighbours_of("10.8.0.9"), "gpu-02", [9])
    assert not known.works_on(neighbours_of("10.8.1.9"), "gpu-01", [9])
    assert not known.works_on(neighbours_of(ELSEWHERE), "gpu-01", [9]), "of strangers there is no end"
    proxies = ({"c-ip": address} for address in ("127.0.0.1", "::1", "0.0.0.0", "localhost", "unix:", "-"))
    for unasked in ({"sc-status": "403"}, {"host": ""}, *proxies):
        known = Past()
        known.learn([asked(day, "10.8.0.9", **unasked) for day in MONTH], Inside())
        assert known.facts() == []
