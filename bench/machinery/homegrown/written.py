"""Records as the text of a file, in each container."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from bench.machinery.homegrown.names import Names

Record = dict[str, Any]


def written(container: str, records: list[Record], names: Names, random: Random) -> tuple[str, bytes]:
    """Return the name of a file and its bytes."""
    ending, write = _CONTAINERS[container]
    return f"requests.{ending}", write(records, names, random).encode()


def _dumped(record: Any) -> str:
    return json.dumps(record, ensure_ascii=False)


def _json_lines(records: list[Record], names: Names, random: Random) -> str:
    return "".join(_dumped(one) + "\n" for one in records)


def _json_array(records: list[Record], names: Names, random: Random) -> str:
    return json.dumps(records, indent=random.choice((None, 2)), ensure_ascii=False) + "\n"


def _enveloped(records: list[Record], names: Names, random: Random) -> str:
    key, logger = names.draw("envelope"), names.draw("logger")
    return "".join(
        _dumped({"level": "INFO", "logger": logger, "msg": "prediction served", key: one}) + "\n" for one in records
    )


def _text_json(records: list[Record], names: Names, random: Random) -> str:
    word = random.choice(("prediction", "served request", "inference done:"))
    return "".join(
        f"INFO {names.draw('logger') if at < 0 else 'app'} - {word} {_dumped(one)}\n" for at, one in enumerate(records)
    )


def _python_repr(records: list[Record], names: Names, random: Random) -> str:
    return "".join(f"{one!r}\n" for one in records)


def _flattened(record: Record, outer: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{outer}{key}.")
        else:
            yield f"{outer}{key}", value


def _logfmt(records: list[Record], names: Names, random: Random) -> str:
    lines = []
    for record in records:
        pairs = []
        for key, value in _flattened(record):
            text = value if isinstance(value, str) else _dumped(value)
            quoted = any(one in text for one in ' "=') or not text
            pairs.append(f"{key}={json.dumps(text, ensure_ascii=False) if quoted else text}")
        lines.append(f"level=info {' '.join(pairs)}\n")
    return "".join(lines)


def _table(cut: str) -> Callable[[list[Record], Names, Random], str]:
    def write(records: list[Record], names: Names, random: Random) -> str:
        flat = random.random() < 0.6
        rows = [dict(_flattened(one)) if flat else one for one in records]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        out = io.StringIO()
        cells = csv.writer(out, delimiter=cut, lineterminator="\n")
        cells.writerow(columns)
        for row in rows:
            cells.writerow([_dumped(row[key]) if isinstance(row[key], list | dict) else row[key] for key in columns])
        return out.getvalue()

    return write


_CONTAINERS: Final[dict[str, tuple[str, Callable[[list[Record], Names, Random], str]]]] = {
    "json_lines": ("jsonl", _json_lines),
    "json_array": ("json", _json_array),
    "csv": ("csv", _table(",")),
    "tab": ("tsv", _table("\t")),
    "semicolon": ("csv", _table(";")),
    "enveloped": ("log", _enveloped),
    "logfmt": ("log", _logfmt),
    "text_json": ("log", _text_json),
    "python_repr": ("txt", _python_repr),
}
