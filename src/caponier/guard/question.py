"""What a request asks a model, where guard and model server cannot but read the same.

A request that could be read in two ways is unreadable: which of them the model server takes, nobody here knows, and a
caller who knows could show the guard one row and the model another. It is recorded as asked, and counted.
"""

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from caponier.errors import InputError
from caponier.guard.bodies import BINARY_HEADER, WRONG, opened
from caponier.guard.exchange import Exchange, ModelQuery
from caponier.guard.servers import why_not_read
from caponier.records.inventory import FeatureSpec
from caponier.telemetry import inference_body, plain_json
from caponier.telemetry.body_limits import BodyLimits, UnreadError

DECIDING: Final = (b"content-encoding", b"content-type", BINARY_HEADER)
"""Headers that say how a body is to be read."""
FORM: Final = b"application/x-www-form-urlencoded"
"""What some programs say of everything that they send."""
_MEDIA: Final = re.compile(rb"(?:application|text)/(?:[\w.-]+\+)?json|application/octet-stream|text/plain")
_CHARSETS: Final = (b"utf-8", b"utf8", b"us-ascii", b"ascii")


class UnreadableQueryError(InputError):
    """A request that could be read in several ways, or in none."""


def question(
    exchange: Exchange,
    limits: BodyLimits,
    size: int | None = None,
    takes: FeatureSpec | None = None,
    server: str | None = None,
) -> ModelQuery:
    """Return what a request asks.

    Args:
        exchange: Begun, with the body.
        limits: What a body may cost.
        size: Values in an input of the model; None if that is not known.
        takes: What the model takes, where that is known.
        server: What answers, where that is known; see `guard.servers`.

    Raises:
        UnreadError: If it is beyond a limit, or its content coding is not known.
        UnreadableQueryError: If it could be read in several ways, or in none; the reason repeats nothing of it.
    """
    if exchange.query is not None:
        return exchange.query
    if exchange.unreadable is not None:
        # Another one: whatever is raised holds on to those who did, and so to the exchange itself.
        raise type(exchange.unreadable)(str(exchange.unreadable))
    _check_headers(exchange)
    limits = limits if size is None else limits.fitting(size)
    try:
        body = opened(exchange.body, exchange.headers.items(), limits, partial(plain_json.loads, limits=limits))
        elsewhere = why_not_read(server, exchange.call, body)
        if elsewhere is not None:
            raise ValueError(elsewhere)
        found = inference_body.asked(body, limits, size, takes)
    except UnreadError:
        raise
    except WRONG as wrong:
        raise UnreadableQueryError(_why(wrong)) from None
    return ModelQuery(found.rows, found.shape, body.get("id"), found.names, found.remarks, found.turned)


def repeated(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a header that says how a body is to be read stands there twice, or as some servers spell it."""
    given = [name for name, _ in headers if name.replace(b"_", b"-") in DECIDING]
    return len(set(given)) < len(given) or not set(given) <= set(DECIDING)


def _check_headers(exchange: Exchange) -> None:
    if exchange.beside:
        raise UnreadableQueryError("parameters behind the path that have room for rows, or name another model")
    if exchange.repeated:
        raise UnreadableQueryError("a header that says how to read the body stands there twice, or is misspelt")
    media, *parameters = exchange.headers.get(b"content-type", b"").lower().split(b";")
    kind = media.strip()
    # JSON of numbers has no "=", so that it is no form, whatever is said of it.
    if kind and not _MEDIA.fullmatch(kind) and not (kind == FORM and b"=" not in exchange.body):
        raise UnreadableQueryError("a content type that is not JSON")
    named = (parameter.partition(b"=") for parameter in parameters)
    for name, _, value in named:
        # In parts, or with a language (RFC 2231), it is one as well, and nobody who means UTF-8 writes it like that.
        if name.strip().startswith(b"charset") and value.strip(b' "') not in _CHARSETS:
            raise UnreadableQueryError("a charset that is not UTF-8")


def _why(wrong: Exception) -> str:
    """Say why; only what this program says itself repeats nothing of what a caller sent."""
    return str(wrong) if type(wrong) is ValueError else "no inference request in JSON"
