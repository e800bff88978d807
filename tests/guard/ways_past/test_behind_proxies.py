"""From where a caller comes, as proxies of ours tell it."""

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest

from caponier.guard.behind_proxies import BehindProxies
from caponier.guard.proven import PEER

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/64"))


def seen(peer: Any, *told: str) -> tuple[Any, str]:
    found: list[Any] = []

    async def app(scope: Any, *_: Any) -> None:
        found.append((scope.get("client"), scope[PEER]))

    headers = [(b"x-forwarded-for", one.encode()) for one in told]
    asyncio.run(BehindProxies(app, PROXIES)({"type": "http", "client": peer, "headers": headers}, None, None))  # type: ignore[arg-type]
    client, connected = found[0]
    return client and client[0], connected


@pytest.mark.parametrize(
    ("peer", "told", "caller"),
    [
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("::ffff:10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("2001:db8::1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ['"[2001:db8:1::7]:80"'], "2001:db8:1::7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [" , "], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
    ],
)
def test_only_what_proxies_of_ours_wrote_counts(peer: str, told: list[str], caller: str) -> None:
    assert seen((peer, 1), *told) == (caller, peer)


def test_who_has_no_address_has_none() -> None:
    assert seen(None, "203.0.113.9") == (None, "")
