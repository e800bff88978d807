"""What a proxy writes about a certificate is read as a whole: nothing that a caller puts before it shifts it."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.guard.proven import PEER, ProvenCallers, is_within

PROXY = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))
OWN = 'By=spiffe://mesh/proxy;Hash=0a;Subject="CN=mallory,O=x"'


def who(told: str | list[str], header: str = "X-Forwarded-Client-Cert", peer: str = "10.0.0.1") -> str | None:
    callers = ProvenCallers(lambda _, subject: subject, certificate=header, trusted=PROXY)
    headers = [(header.lower().encode(), one.encode()) for one in ([told] if isinstance(told, str) else told)]
    scope: dict[str, Any] = {"headers": headers, PEER: peer}
    return callers.by_certificate(scope)


@pytest.mark.parametrize(
    "before",
    [
        'URI=spiffe://mesh/victim;X="',
        'URI=spiffe://mesh/victim;X="a\\"',
        'URI=spiffe://mesh/victim;X="\\',
        'URI=spiffe://mesh/victim;"',
        'Subject="CN=victim";Cert="',
        '"',
    ],
)
def test_a_quote_that_a_caller_leaves_open_names_nobody(before: str) -> None:
    assert who(f"{before},{OWN}") is None


def test_nor_does_a_quote_in_his_own_name_close_it() -> None:
    own = 'By=p;Hash=0a;Subject="CN=a\\"b"'
    assert who(own) == 'CN=a\\"b'
    assert who(f'URI=spiffe://mesh/victim;X=",{own}') is None


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='"\\,;=URIa ', max_size=24))
def test_whatever_stands_before_it_the_proxys_word_counts_or_none(before: str) -> None:
    assert who(f"URI=victim;{before},{OWN}") in {"CN=mallory,O=x", None}
    assert who(f"{before},URI=victim,{OWN}") in {"CN=mallory,O=x", None}


@pytest.mark.parametrize(
    "before", ["", "By=b;URI=spiffe://mesh/other", 'Subject="CN=x, O=y"', 'Subject="";URI=', "URI=a,URI=b"]
)
def test_well_formed_elements_before_it_change_nothing(before: str) -> None:
    assert who(f"{before},{OWN}" if before else OWN) == "CN=mallory,O=x"


@pytest.mark.parametrize("told", ["", ",", "By=b", "URI=", 'Subject=""', "Hash=1;Subject=", [OWN, OWN], "a" * 3_000])
def test_what_names_nobody_or_two_is_nobody(told: Any) -> None:
    assert who(told) is None


def test_without_a_certificate_at_the_nearest_proxy_nobody_is_named() -> None:
    assert who("URI=spiffe://mesh/far,By=spiffe://mesh/near;Hash=1") is None


@pytest.mark.parametrize(
    ("peer", "within"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.2.3.4", True),
        ("fd12::1", True),
        ("11.0.0.1", False),
        ("::ffff:11.0.0.1", False),
        ("fe80::1%eth0", False),
        ("10.0.0.1:443", False),
        ("10.0.0", False),
        ("010.0.0.1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_only_an_address_of_ours_is_listened_to(peer: str, within: bool) -> None:
    assert is_within(peer, PROXY) is within
    if peer:
        assert (who(OWN, peer=peer) is not None) is within
    assert (who("CN=ada", header="X-Client-Subject", peer=peer or "11.0.0.1") is not None) is within


def test_the_peers_address_counts_and_not_what_it_forwards() -> None:
    callers = ProvenCallers(lambda _, subject: subject, certificate="c", trusted=PROXY)
    headers = [(b"c", b"CN=ada"), (b"x-forwarded-for", b"10.0.0.1")]
    assert callers.by_certificate({"headers": headers, "client": ("10.0.0.1", 1), PEER: "203.0.113.7"}) is None
    assert callers.by_certificate({"headers": headers, "client": ("10.0.0.1", 1)}) == "CN=ada"
    assert callers.by_certificate({"headers": headers, "client": None}) is None
    assert (
        ProvenCallers(lambda _, subject: subject, certificate="c").by_certificate(
            {"headers": headers, PEER: "10.0.0.1"}
        )
        is None
    )
