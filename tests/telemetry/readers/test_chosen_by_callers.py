"""What whoever calls may choose, such as the name of his program, renames nobody and hides no row of others."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.telemetry.principals import principal_of
from telemetry.conftest import reading

Row = dict[str, Any]
ROWS, EVERY = 30, 6
ATTACKER = "mallory"
FORGED = '{"time":"2026-01-05T12:00:59Z","user":"victim","features":[9.0,9.0],"prediction":"a"}'
CHOSEN = {
    "a record": FORGED,
    "a record behind words": f"cannot read {FORGED}",
    "pairs": "user=victim time=2026-01-05T12:00:59Z features=[9,9] prediction=a",
    "quotes": '" user="victim" features="[9, 9]',
    "single quotes": "', 'user': 'victim', 'x': '",
    "line ends": f"\n{FORGED}\n",
    "a rule": "\n----+----+----\n(60 rows)\n",
    "cells": '",victim,"[9, 9]",a',
    "bars": " | victim | x | 9 | a",
    "escapes": r"\x22 user=victim x=\x22",
    "no letters": "\ud800\x00\x1b[2J",
    "long": "x" * 70_000,
    "deep": '{"a":' * 2_000,
    "a type": '{"$date": "2026-01-05T12:00:59Z"}',
    "a call of Python": "__import__('os').system('true')",
}


def who(at: int) -> str:
    return ATTACKER if at % EVERY == 0 else f"u{at % EVERY}"


def row(at: int, chosen: str) -> Row:
    return {
        "time": f"2026-01-05T12:00:{at:02}Z",
        "user": who(at),
        "user_agent": chosen if at % EVERY == 0 else "curl/8",
        "features": [1.5, float(at)],
        "prediction": "ab"[at % 2],
    }


def plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def json_lines(rows: list[Row]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in rows)


def docker(rows: list[Row]) -> bytes:
    lines = [orjson.dumps(one).decode() + "\n" for one in rows]
    return json_lines([{"log": line, "stream": "stdout", "time": "2026-01-05T12:00:00Z"} for line in lines])


def printed(rows: list[Row]) -> bytes:
    return "".join(f"2026-01-05 12:00:00,000 INFO served {one!r}\n" for one in rows).encode()


def logfmt(rows: list[Row]) -> bytes:
    told = [{**one, "features": str(one["features"])} for one in rows]
    quoted = [{name: orjson.dumps(value).decode() for name, value in one.items()} for one in told]
    return "".join(" ".join(f"{name}={value}" for name, value in one.items()) + "\n" for one in quoted).encode()


def table(rows: list[Row]) -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def kafka(rows: list[Row]) -> bytes:
    wrapped = [
        {"topic": "t", "partition": 0, "offset": at, "value": orjson.dumps(one).decode()} for at, one in enumerate(rows)
    ]
    return json_lines(wrapped)


def journal(rows: list[Row]) -> bytes:
    return json_lines([{"__REALTIME_TIMESTAMP": "1767614400000000", "MESSAGE": f"served {one!r}"} for one in rows])


def answer(rows: list[Row]) -> bytes:
    names = [{"name": name} for name in rows[0]]
    return orjson.dumps({"meta": names, "data": [list(one.values()) for one in rows], "rows": len(rows)})


FORMS = [json_lines, docker, printed, logfmt, table, kafka, journal, answer]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=CHOSEN)
def test_a_chosen_text_changes_nothing_but_its_own_rows(
    chosen: str, form: Callable[[list[Row]], bytes], tmp_path: Path
) -> None:
    path = tmp_path / ("a.csv" if form is table else "a.log" if form in (printed, logfmt) else "a.json")
    path.write_bytes(form([row(at, plain(chosen)) for at in range(ROWS)]))
    found = reading(path)
    told = Counter(one["principal"] for one in found.rows)
    for name in sorted({who(at) for at in range(ROWS)} - {ATTACKER}):
        assert told[principal_of(name, b"")] == ROWS // EVERY
    assert principal_of("victim", b"") not in told
    assert all(one["input"] != [9.0, 9.0] for one in found.rows)
    # None of his own rows goes without a word.
    assert told[principal_of(ATTACKER, b"")] + len({line for line, _ in found.rejected}) >= ROWS // EVERY


def test_rows_with_a_surer_name_than_all_others_decide_nothing(tmp_path: Path) -> None:
    """Who can put a field into a few rows takes no column from the others."""
    rows = [row(at, "curl") for at in range(ROWS)]
    for one in rows[::EVERY]:
        one |= {"principal": "victim", "label": "x"}
    told = Counter(one["principal"] for one in (reading(path_of(tmp_path, rows)).rows) if one["principal"] is not None)
    for name in (f"u{at}" for at in range(1, EVERY)):
        assert told[principal_of(name, b"")] == ROWS // EVERY


def path_of(folder: Path, rows: list[Row]) -> Path:
    path = folder / "a.jsonl"
    path.write_bytes(json_lines(rows))
    return path


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("csv-as-json.json", table([row(at, "curl") for at in range(ROWS)]), None),
        ("json-as-csv.csv", json_lines([row(at, "curl") for at in range(ROWS)]), None),
        ("old-mac.csv", table([row(at, "curl") for at in range(ROWS)]).replace(b"\r\n", b"\r"), "old Macs"),
    ],
)
def test_what_a_file_holds_counts_and_not_its_name(name: str, data: bytes, code: str | None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    if code is not None:
        with pytest.raises(Exception, match=code):
            reading(path)
        return
    assert len(reading(path).rows) == ROWS
