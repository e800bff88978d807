"""Who has a network of IPv6 has more addresses than there are queries: it is one caller where nothing else names it."""

from datetime import UTC, datetime

import pytest

from caponier.guard.call import Call
from caponier.guard.events import events_of
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.verdict import PASS, REFUSE
from caponier.records.finding import SubjectRef
from caponier.telemetry.body_limits import LIMITS
from caponier.telemetry.client_address import sender_address
from guard.test_decisions import ASK, action, table

ONE, OTHER = "2001:db8:0:1::1", "2001:db8:0:1:ffff::2"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (ONE, "2001:db8:0:1::"),
        (OTHER, "2001:db8:0:1::"),
        ("2001:DB8:0:2::1", "2001:db8:0:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        # Behind a gateway between the protocols everybody who has IPv4 alone comes from one network.
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("64:FF9B::c000:202", "192.0.2.2"),
        ("64:ff9b:1::c000:202", "64:ff9b:1::"),
        ("2002:c000:201:5::1", "192.0.2.1"),
        ("2002:c000:201:ffff::2", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_what_stands_for_a_sender(text: str, meant: str) -> None:
    assert sender_address(text) == meant
    assert sender_address(meant) == meant


def recorded(caller: Caller, status: int = 200) -> str:
    made = Exchange(Call("predict", "m"), caller, "a", datetime.now(UTC), {}, status=status)
    return str(events_of(made, LIMITS)[0]["source_ip"])


def test_whoever_shows_no_credential_is_one_caller_with_all_his_addresses() -> None:
    assert {recorded(Caller(None, None, address)) for address in (ONE, OTHER)} == {"2001:db8:0:1::"}
    assert recorded(Caller("k", None, ONE), 401) == "2001:db8:0:1::", "anybody may claim a name"
    assert recorded(Caller("k", None, ONE)) == ONE, "the name tells who it is, and the address where"


@pytest.mark.parametrize("bound", ["2001:db8:0:1::", OTHER])
def test_an_address_is_bound_as_it_is_written_and_as_what_stands_for_it(bound: str) -> None:
    scope = SubjectRef("address", bound, sender=f"address:{bound}")
    decide = table(action(scope=scope))
    assert decide(Caller(None, None, OTHER), ASK, lambda: 1) is REFUSE
    assert (decide(Caller(None, None, ONE), ASK, lambda: 1) is REFUSE) == (bound != OTHER)
    assert decide(Caller("k", None, OTHER), ASK, lambda: 1) is PASS, "whoever has a name is known by it"
    assert decide(Caller(None, None, "2001:db8:0:2::1"), ASK, lambda: 1) is PASS
