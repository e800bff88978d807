"""The W3C's extended log format, as IIS and CloudFront write it: `#Fields:` says what the lines below it hold."""

from typing import Final
from urllib.parse import parse_qsl

from caponier.telemetry.chunk import Row

FIELDS: Final = b"#Fields:"
MOST: Final = 200
"""Fields of a line, and names in the query of an address."""
_NAMES: Final = {
    "c-ip": "client_ip",
    "cs-username": "username",
    "cs-method": "method",
    "cs-uri-stem": "path",
    "sc-status": "status",
    "cs(user-agent)": "user_agent",
    "s-ip": "server_address",
}
"""What else is written in other logs."""
_QUERY: Final = "cs-uri-query"
_SENT: Final = "request_params"


def names_of(line: bytes) -> list[str]:
    """Return what the fields are called that a line names."""
    told = line[len(FIELDS) :].decode("utf-8", "replace").split()
    return [_NAMES.get(one.lower(), one) for one in told[:MOST]]


def row_of(line: bytes, names: list[str]) -> Row:
    """Return the row of a line; what was sent in the query of the address is an object.

    Raises:
        ValueError: If it has another number of fields.
    """
    text = line.decode("utf-8", "replace")
    cells = text.split("\t") if "\t" in text else text.split()
    if len(cells) != len(names):
        raise ValueError(f"bad line: {len(cells)} fields where #Fields names {len(names)}")
    row: Row = {name: cell.replace("+", " ") for name, cell in zip(names, cells, strict=True) if cell != "-"}
    if isinstance(query := row.pop(_QUERY, None), str):
        pairs = parse_qsl(query.replace(" ", "+"), max_num_fields=MOST)
        row |= {_SENT: dict(pairs)} if len(pairs) > 1 else {"query": query}
    return row
