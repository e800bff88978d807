"""From where a request came, of what stands in `X-Forwarded-For`: what the last proxy saw, not what a client claims."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

NETWORK_BITS: Final = 64
"""Of an IPv6 address, that tell one household or machine from another."""
SITE_BITS: Final = 48
"""Of an IPv6 address, that tell one site from another: the most that one is usually given (RFC 6177)."""
TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Under which a gateway shows hosts that have IPv4 alone (RFC 6052): that network is all of them, and no household."""
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(values: Iterable[str], trusted: Sequence[Network] = ()) -> str | None:
    """Return the address of the client: the last that none of your own proxies has.

    Each proxy appends the address from which it was asked. What stands before the entry of the first of your proxies is
    whatever the client wrote.

    Args:
        values: Of the headers, in their order; each may hold several addresses, with commas between them.
        trusted: Networks of your own proxies.

    Returns:
        None if there is no address at all; the first if all are proxies of yours.
    """
    named = [name for value in values for entry in value.split(",") if (name := _bare(entry))]
    return next((name for name in reversed(named) if not _is_in(name, trusted)), named[0] if named else None)


def sender_address(text: str) -> str:
    """Return what stands for everybody who can send from an address: of IPv6 the first of the network of 64 bits.

    Whoever has one address of such a network has all others, and may take another one with every request.

    Args:
        text: An address; what is none stays as it is.
    """
    if ":" not in text:
        return text
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if known.version == 4 or known.is_loopback:
        return str(known)
    # With 6to4 one host of IPv4 has 65,536 networks.
    inside = known.ipv4_mapped or known.sixtofour
    if inside is None and known in TRANSLATED:
        inside = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
    if inside is not None:
        return str(inside)
    return str(ipaddress.ip_network((known, NETWORK_BITS), strict=False).network_address)


def site_of(sender: str) -> str | None:
    """Return the network of 48 bits that a sender is in, who may have all the others of it; None for IPv4.

    Args:
        sender: As `sender_address` gives it.
    """
    if ":" not in sender:
        return None
    try:
        return str(ipaddress.ip_network((sender, SITE_BITS), strict=False))
    except ValueError:
        return None


def address_name(text: str) -> str:
    """Write an address in one way: `::ffff:10.0.0.1` is how a socket for both protocols writes `10.0.0.1`."""
    first = text.split(",")[0].strip()
    try:
        known = ipaddress.ip_address(first)
    except ValueError:
        # A cloud's own service calls under a name in place of an address.
        return first.lower()
    return str(getattr(known, "ipv4_mapped", None) or known)


def _bare(entry: str) -> str:
    """Return the address of an entry, which some proxies write with a port."""
    text = entry.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1 and "." in text:
        text = text.partition(":")[0]
    return address_name(text)


def _is_in(name: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return any(address in network for network in networks)
