"""What a hit knows beside who, where and from where: the port that was reached, and the keys it was done with."""

import pytest

from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogHit, Waiting
from caponier.detect.sigma.hits import Hits, Matched, waiting_of
from caponier.detect.sigma.sigma import Sigma
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource

LONG, MADE, SESSION = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "ASIAIOSFODNN7EXAMPLE"


def hit_of(fields: Fields, origin: LogSource) -> LogHit:
    with Sigma().matcher(Scope(())) as matcher:
        (matched,) = matcher.match([LogEvent(1_000_000, fields, origin, "x.log", 1)])
    return matched.hit


@pytest.mark.parametrize(
    ("used", "made", "keys"),
    [
        (LONG, MADE, (LONG, MADE)),
        (LONG, LONG, (LONG,)),
        (SESSION, MADE, (MADE,)),
        (SESSION, None, ()),
        ("AKIA; drop", None, ()),
        ("", None, ()),
    ],
)
def test_the_long_lived_keys_of_a_call_are_kept(used: str, made: str | None, keys: tuple[str, ...]) -> None:
    fields: Fields = {
        "eventsource": "iam.amazonaws.com", "eventname": "CreateAccessKey", "useridentity.accesskeyid": used,
    }  # fmt: skip
    if made:
        fields["responseelements.accesskey.accesskeyid"] = made
    assert hit_of(fields, CLOUDTRAIL).keys == keys


@pytest.mark.parametrize(("port", "kept"), [(22, "22"), ("8888", "8888"), ("10250", "10250")])
def test_the_port_that_was_reached_is_kept(port: int | str, kept: str) -> None:
    fields: Fields = {"src_ip": "203.0.113.9", "dst_port": port, "action": "accept"}
    assert hit_of(fields, LogSource(None, "firewall", None)).port == kept


def test_what_an_earlier_version_left_is_read_without_them() -> None:
    hit = LogHit(5, "e-1", "ada", None, "203.0.113.9", (), "x.log", 3, "host gpu-01", True, "22", (LONG,))
    left = waiting_of(Matched(hit, ("r",), {"a": 1}))
    hits = Hits()
    hits.resume([left, Waiting(6, "e-2", left.document[:10])])
    (_, (new,)), (_, (old,)) = hits.moments(None)
    assert new.hit == hit
    assert (old.hit.port, old.hit.keys, old.hit.account, old.rules) == (None, (), "ada", ("r",))
    hits.close()
