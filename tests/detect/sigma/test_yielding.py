"""Rules for acts in general speak only of ML systems, and only where no rule of its own does."""

import pytest

from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope
from caponier.detect.sigma.sigma import Sigma, SigmaRun
from caponier.records.inside import InsideSettings
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.sources import LogSource
from detect.sigma.events import SYSTEM, compiled, event, joint, plain, run

RULES = compiled(
    plain("wide", {"kind": "x"}, yields=True),
    plain("wider", {"kind|contains": "x"}, yields=True),
    plain("own", {"kind": "x", "known": "yes"}),
    plain("part", {"kind": "x", "counted": "yes"}),
    joint("many", "event_count", ["part"], condition={"gte": 9}),
)


def told(rules: object, *events: LogEvent) -> list[str]:
    return [match.rule.name for match in run(rules, events, systems=[SYSTEM])]  # type: ignore[arg-type]


def test_it_speaks_where_nobody_else_does() -> None:
    assert told(RULES, event(1, kind="x", host="gpu-01")) == ["sigma:wide", "sigma:wider"]


def test_it_is_silent_where_a_rule_of_its_own_speaks() -> None:
    assert told(RULES, event(1, kind="x", known="yes", host="gpu-01")) == ["sigma:own"]


def test_it_is_silent_where_no_ml_system_is_touched() -> None:
    assert told(RULES, event(1, kind="x", host="desk")) == []
    assert told(RULES, event(1, kind="x", known="yes", host="desk")) == ["sigma:own"]


def test_what_is_only_counted_silences_nobody() -> None:
    assert told(RULES, event(1, kind="x", counted="yes", host="gpu-01")) == ["sigma:wide", "sigma:wider"]


def test_each_event_is_looked_at_alone() -> None:
    events = [event(n, line=n, kind="x", host="gpu-01", **({"known": "yes"} if n % 2 else {})) for n in range(4)]
    assert told(RULES, *events) == ["sigma:wide", "sigma:wider", "sigma:own"] * 2


@pytest.mark.parametrize("said", [False, "true", 1, None, "yes"])
def test_anything_else_in_the_field_is_somebody_elses(said: object) -> None:
    rules = compiled(plain("wide", {"kind": "x"}, yields=said))
    assert not rules.rules["wide"].yields
    assert told(rules, event(1, kind="x", host="desk")) == ["sigma:wide"]


def test_a_rule_may_ask_for_the_act_and_no_event_may_claim_it() -> None:
    rules = compiled(plain("acts", {"caponier.act": "destroy"}))
    gone, claimed = event(1, eventName="DeleteThing"), event(2, eventName="GetThing", **{"caponier.act": "destroy"})
    assert [match.time for match in run(rules, [gone, claimed])] == [gone.time]


CLOUD = LogSource("aws", None, "cloudtrail")


def call(name: str, address: str, bucket: str = "ml-models", who: str = "ci-release") -> LogEvent:
    return event(
        1, origin=CLOUD, eventSource="s3.amazonaws.com", eventName=name, sourceIPAddress=address, userName=who,
        requestParameters={"bucketName": bucket},
    )  # fmt: skip


@pytest.fixture(scope="module")
def sigma() -> Sigma:
    return Sigma()


@pytest.mark.parametrize(
    ("made", "rules"),
    [
        (call("DeleteBucketThing", "203.0.113.66"), ["sigma:asset_destroyed"]),
        (call("DeleteBucketThing", "203.0.113.66", "others"), []),
        (call("DeleteBucketThing", "10.0.0.7"), []),
        (call("DeleteBucket", "203.0.113.66"), ["sigma:store_destroyed"]),
        (call("PutBucketThing", "203.0.113.66"), ["sigma:asset_changed"]),
        (call("PutBucketThingPermission", "203.0.113.66"), ["sigma:asset_opened"]),
        (call("ReplicateThing", "203.0.113.66"), ["sigma:asset_copied_out"]),
        (call("DeleteBucketMonitor", "10.0.0.7", who="ada"), ["sigma:asset_unwatched"]),
        (call("DeleteBucketMonitor", "10.0.0.7"), []),
        (call("GetBucketThing", "203.0.113.66"), []),
    ],
)
def test_calls_that_nobody_has_listed(sigma: Sigma, made: LogEvent, rules: list[str]) -> None:
    inside = Inside(InsideSettings(accounts=("ci-*",)))
    with sigma.start(Scope([SYSTEM]), inside=inside) as going:
        assert isinstance(going, SigmaRun)
        going.feed([made])
        assert [match.rule.name for match in going.matches() if not match.routine] == rules
