"""Who has proven to be whom, and whose word counts for it."""

import asyncio
import ipaddress
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.middleware import Middleware
from caponier.guard.proven import PEER, ProvenCallers
from caponier.guard.settings import read_settings
from caponier.guard.token_keys import Tokens, _key
from caponier.guard.verdict import PASS, REFUSE
from caponier.telemetry.principals import principal_of, proven_principal
from guard.test_decisions import action
from guard.tokens import key_set, token

SALT = b"salt"
PROXY = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.fixture
def caller_of() -> Callable[..., Caller]:
    """Return who asks with some headers from some address, behind the middleware."""
    keys = [key for one in key_set()["keys"] if (key := _key(one, Path("keys"))) is not None]

    def asked(*headers: tuple[str, str], peer: str = "10.0.0.1", certificate: str = "x-client-cert") -> Caller:
        seen: list[Exchange] = []

        async def app(_: Any, __: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        guard = Middleware(
            app, decide=lambda *_: PASS, record=seen.append, principal_of=partial(principal_of, salt=SALT),
            proven=ProvenCallers(partial(proven_principal, salt=SALT), Tokens(keys), certificate, PROXY),
        )  # fmt: skip
        _run(guard, headers, peer)
        return seen[0].caller

    return asked


def _run(guard: Middleware, headers: Any, peer: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(_: Any) -> None:
        pass

    encoded = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "headers": encoded}
    asyncio.run(guard(scope | {"client": ("203.0.113.7", 1), PEER: peer}, receive, send))


ADA = {"iss": "i", "sub": "ada"}


def test_a_token_names_its_subject_and_a_forged_one_its_claims(caller_of: Callable[..., Caller]) -> None:
    shown = [caller_of(("authorization", f"Bearer {token(ADA | {'jti': n})}")) for n in ("1", "2")]
    assert shown[0] == shown[1]
    assert not shown[0].unproven
    forged = caller_of(("authorization", f"Bearer {token(ADA, seed=2)}"))
    assert forged.unproven
    assert forged.principal != shown[0].principal


def test_two_credentials_name_nobody_even_if_one_is_a_good_token(caller_of: Callable[..., Caller]) -> None:
    who = caller_of(("authorization", f"Bearer {token(ADA)}"), ("x-api-key", "another"))
    assert who.principal is None


CERTIFIED = ("x-client-cert", "CN=ada,  O=post")


def test_a_certificate_counts_where_a_proxy_of_ours_tells_of_it(caller_of: Callable[..., Caller]) -> None:
    ada = caller_of(CERTIFIED)
    assert ada.principal == proven_principal("certificate", "CN=ada, O=post", SALT)
    assert ada == caller_of(CERTIFIED, ("authorization", "Bearer whatever"), peer="::ffff:10.0.0.9")
    behalf = ("x-on-behalf-of", "eve")
    assert (caller_of(CERTIFIED, behalf).session, caller_of(behalf).session) == ("eve", None)
    for peer in ("203.0.113.7", "", "unix"):
        assert caller_of(CERTIFIED, peer=peer).principal is None
    assert caller_of(CERTIFIED, ("x-client-cert", "CN=bob")).principal is None
    assert caller_of(("x-client-cert", "")).principal is None
    assert caller_of(("x-client-cert", "CN=" + "a" * 3_000)).principal is None


@pytest.mark.parametrize(
    ("told", "who"),
    [
        ('By=b;Hash=1;Subject="CN=ada, O=p"', "CN=ada, O=p"),
        ('By=b;Hash=2;URI=spiffe://post/ada;Subject="CN=ada"', "spiffe://post/ada"),
        ('Hash=9;URI=spiffe://post/eve,By=b;Hash=2;Subject="CN=ada, O=p"', "CN=ada, O=p"),
        ('Subject="CN=x;URI=spiffe://post/root, O=p"', "CN=x;URI=spiffe://post/root, O=p"),
    ],
)
def test_of_envoys_header_the_nearest_proxys_word_counts(caller_of: Callable[..., Caller], told: str, who: str) -> None:
    found = caller_of(("x-forwarded-client-cert", told), certificate="X-Forwarded-Client-Cert")
    assert found.principal == proven_principal("certificate", who, SALT)


def test_no_credential_is_somebody_who_has_proven_who_he_is() -> None:
    assert proven_principal("token", "ada", SALT) != principal_of("ada", SALT)
    assert proven_principal("token", "ada", SALT) != proven_principal("certificate", "ada", SALT)


def test_a_certificate_needs_a_proxy() -> None:
    with pytest.raises(Exception, match="certificate needs trusted_proxies"):
        read_settings({"certificate": "x-client-cert"}, "caponier.toml")
    settings = read_settings({"certificate": "c", "trusted_proxies": ["10.0.0.1", "proxy.local"]}, "caponier.toml")
    assert settings.proxies == (ipaddress.ip_network("10.0.0.1/32"),)


def test_made_up_signatures_do_not_use_up_the_rate_of_their_owner() -> None:
    decisions, call = Decisions(), Call("predict", "m")
    decisions.replace([action("throttle", parameters={"per_minute": 60, "burst": 5})])
    forged, proven = Caller("k-eve", None, None, unproven=True), Caller("k-eve", None, None)
    for _ in range(100):
        assert decisions(forged, call, lambda: 1) is PASS
    for _ in range(5):
        assert decisions(proven, call, lambda: 1) is PASS
    assert decisions(proven, call, lambda: 1) is REFUSE
    assert decisions(forged, call, lambda: 1) is REFUSE


def test_tokens_that_were_accepted_count_and_what_they_exceed_is_made_up_for() -> None:
    decisions, call = Decisions(), Call("predict", "m")
    decisions.replace([action("throttle", parameters={"per_minute": 60, "burst": 5})])
    who = Caller("k-eve", None, None, unproven=True)
    for _ in range(3):
        assert decisions(who, call, lambda: 3) is PASS, "they are under way at once"
    assert decisions(who, call, lambda: 6) is REFUSE, "more than it ever holds"
    for _ in range(3):
        decisions.charge(who, call, lambda: 3)
    assert decisions(who, call, lambda: 1) is REFUSE
    decisions.charge(Caller("k-1", None, None), call, lambda: pytest.fail("nothing limits it"))
