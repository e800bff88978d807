from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from caponier.detect.assets import inside as inside_module
from caponier.detect.assets.inside import Inside
from caponier.records.inside import ChangeWindow, InsideSettings
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.sources import LogSource

MONDAY = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


def event(when: datetime = MONDAY, **row: Any) -> LogEvent:
    return LogEvent(round(when.timestamp() * 1e6), flatten(row)[0], LogSource("linux"), "log", 1)


def settings(**table: Any) -> Inside:
    return Inside(InsideSettings.model_validate(table))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"src_ip": "10.1.2.3"}, "inside"),
        ({"src_ip": "::ffff:192.168.0.1"}, "inside"),
        ({"c-ip": "fd00::1"}, "inside"),
        ({"src_ip": "203.0.113.7"}, "outside"),
        ({"src_ip": "0.0.0.0"}, None),
        ({"src_ip": "::"}, None),
        ({"src_ip": "2001:db8::1"}, "outside"),
        ({"src_ip": "localhost"}, "inside"),
        ({"sourceIPAddress": "s3.amazonaws.com"}, "inside"),
        ({"src_ip": "ec2-1-2-3-4.compute.amazonaws.com"}, "outside"),
        ({"sourceIPAddress": "203.0.113.7", "vpcEndpointId": "vpce-1"}, "inside"),
        ({"src_ip": "203.0.113.7", "vpcEndpointId": "vpce-1"}, "outside"),
        ({"user": "ada"}, None),
    ],
)
def test_where_an_event_comes_from(row: dict[str, Any], expected: str | None) -> None:
    assert Inside().origin(flatten(row)[0]) == expected


def test_the_inventory_says_what_is_inside() -> None:
    inside = settings(networks=["10.8.0.0/16"], addresses=["198.51.100.7"], partners=["192.0.2.0/24"])
    told = [inside.origin({"src_ip": text}) for text in ("10.8.1.1", "198.51.100.7", "192.0.2.9", "10.9.0.1")]
    assert told == ["inside", "inside", "inside", "outside"]


@pytest.mark.parametrize("address", ["10.9.0.1", "192.168.7.7", "fd00::1"])
def test_who_names_public_networks_alone_keeps_the_private_ones(address: str) -> None:
    assert settings(networks=["198.51.100.0/24", "2001:db8:1::/48"]).origin({"src_ip": address}) == "inside"
    assert settings(networks=["10.8.0.0/16"], addresses=["198.51.100.7"]).origin({"src_ip": address}) == "outside"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_nobody_comes_from_elsewhere_by_way_of_the_machine_itself(address: str) -> None:
    assert settings(networks=["10.8.0.0/16"]).origin({"src_ip": address}) == "inside"


def test_what_was_named_as_inside_is_still_a_place_to_learn() -> None:
    office, bare = settings(addresses=["198.51.100.7"], networks=["10.8.0.0/16"]), Inside()
    told = [
        (one.abroad({"src_ip": text}, text))
        for one in (office, bare)
        for text in ("198.51.100.7", "10.8.1.1", "10.9.1.1")
    ]
    assert told == [True, False, True, True, False, False]


def test_without_what_is_routine_the_places_stay() -> None:
    plain = settings(addresses=["198.51.100.7"], accounts=["ci"]).plain()
    assert plain is not None
    assert plain.origin({"src_ip": "198.51.100.7"}) == "inside"
    assert not plain.routine(event(user="ci"))
    assert plain.plain() is None


def test_a_machines_work_from_inside_is_routine_and_from_outside_never() -> None:
    inside = settings(accounts=["ci-*", "arn:aws:iam::1:role/deployer"])
    assert inside.routine(event(user="CI-train", src_ip="10.0.0.1"))
    assert inside.routine(event(user="ci-train"))
    assert inside.routine(event(**{"userIdentity.arn": "arn:aws:sts::1:assumed-role/deployer/x"}))
    assert not inside.routine(event(user="ci-train", src_ip="203.0.113.7"))
    assert not inside.routine(event(user="ada", src_ip="10.0.0.1"))
    # The name of a session is chosen by whoever assumes the role.
    assert not inside.routine(event(**{"userIdentity.arn": "arn:aws:sts::1:assumed-role/other/ci-train"}))
    assert not Inside().routine(event(user="ci-train"))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (LogSource(None, "webserver", None), False),
        (LogSource("jupyter", "webserver", "server"), True),
        (LogSource("mlflow", None, "audit"), True),
    ],
)
def test_a_name_that_nobody_checked_makes_nothing_routine(origin: LogSource, expected: bool) -> None:
    inside = settings(
        accounts=["ci-*"],
        changes=[{"start": "2026-03-02T22:00:00Z", "end": "2026-03-02T23:00:00Z", "accounts": ["ada"]}],
    )
    for user in ("ci-train", "ada"):
        assert inside.routine(event(user=user, src_ip="10.0.0.1")._replace(origin=origin)) == expected
    everybody = settings(changes=[{"start": "2026-03-02T22:00:00Z", "end": "2026-03-02T23:00:00Z"}])
    assert everybody.routine(event(user="ci-train", src_ip="10.0.0.1")._replace(origin=origin))


def test_an_announced_change_is_routine_while_it_lasts() -> None:
    once = settings(changes=[{"start": "2026-03-02T22:00:00Z", "end": "2026-03-02T23:00:00Z", "accounts": ["ada"]}])
    assert once.routine(event(user="ada", src_ip="10.0.0.1"))
    assert not once.routine(event(user="bob", src_ip="10.0.0.1"))
    assert not once.routine(event(MONDAY.replace(hour=23), user="ada"))
    assert not once.routine(event(user="ada", src_ip="203.0.113.7"))


def test_a_weekly_change_may_go_over_midnight() -> None:
    weekly = ChangeWindow.model_validate({"days": ["mon"], "begin": "22:00:00", "until": "02:00:00"})
    assert weekly.holds(MONDAY)
    assert weekly.holds(MONDAY.replace(day=3, hour=1))
    assert not weekly.holds(MONDAY.replace(day=3, hour=22))
    assert not weekly.holds(MONDAY.replace(hour=21))


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": ["inside"]},
        {"network": ["10.0.0.0/8"]},
        {"changes": [{"days": ["mon"]}]},
        {"changes": [{"start": "2026-03-02T22:00:00", "end": "2026-03-02T23:00:00"}]},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InsideSettings.model_validate(wrong)


def test_each_account_is_held_against_the_names_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(inside_module, "_named", lambda account, patterns: bool(asked.append(account)))
    inside = Inside(InsideSettings(accounts=("ci-*",)))
    for _ in range(9):
        assert not inside.routine(event(user="ada", src_ip="10.0.0.1"))
    assert asked == ["ada"]
