"""An exchange as bytes, for the spool: what its events are made of, and nothing that lets anybody in.

Of the headers only those are kept that say how a body is to be read; what a caller showed to be let in is none of them.
"""

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from caponier.guard.bodies import BINARY_HEADER
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange, Header
from caponier.guard.verdict import GuardVerdict, Measure

KEPT: Final = (b"content-type", b"content-encoding", BINARY_HEADER)
"""Headers of a request and of an answer that say how the body is to be read."""
_LENGTH: Final = 4


def to_bytes(exchange: Exchange) -> list[bytes]:
    """Return an exchange in parts that belong one behind another, so that no body has to be copied.

    Raises:
        TypeError: If a name in it is no text that can be written, such as half a surrogate pair.
    """
    call, caller = exchange.call, exchange.caller
    about = orjson.dumps(
        {
            "call": [call.operation, call.model, call.version, call.unknown, call.protocol],
            "caller": [
                caller.principal, caller.session, caller.source_ip, caller.possible, caller.unproven, caller.proven
            ],
            "agent": exchange.user_agent,
            "arrived": exchange.arrived.timestamp(),
            "headers": _texts((name, value) for name, value in exchange.headers.items() if name in KEPT),
            "repeated": exchange.repeated,
            "beside": exchange.beside,
            "unclear": exchange.unclear,
            "verdict": [exchange.verdict.measure.value, exchange.verdict.decimals],
            "status": exchange.status,
            "answered": _texts(header for header in exchange.answer_headers if header[0].lower() in KEPT),
            "too_large": exchange.answer_too_large,
            "took": exchange.took_ms,
            "body": len(exchange.body),
        }
    )  # fmt: skip
    return [len(about).to_bytes(_LENGTH, "little"), about, exchange.body, exchange.answer]


def from_bytes(data: bytes) -> Exchange:
    """Read back what `to_bytes` made.

    Raises:
        ValueError, KeyError, TypeError: If it is something else.
    """
    begin = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    about = orjson.loads(data[_LENGTH:begin])
    end = begin + about["body"]
    # One of a guard before this one may not say whether it was proven.
    principal, session, address, possible, unproven, *proven = about["caller"]
    measure, decimals = about["verdict"]
    return Exchange(
        call=Call(*about["call"]),
        caller=Caller(principal, session, address, tuple(possible), unproven, *proven),
        user_agent=about["agent"],
        arrived=datetime.fromtimestamp(about["arrived"], UTC),
        headers=dict(_headers(about["headers"])),
        repeated=about["repeated"],
        # One of a guard before this one may not say.
        beside=about.get("beside", False),
        unclear=about["unclear"],
        body=data[begin:end],
        verdict=GuardVerdict(Measure(measure), decimals),
        status=about["status"],
        answer_headers=_headers(about["answered"]),
        answer=data[end:],
        answer_too_large=about["too_large"],
        took_ms=about["took"],
    )


def _texts(headers: Any) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]


def _headers(texts: list[list[str]]) -> list[Header]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in texts]
