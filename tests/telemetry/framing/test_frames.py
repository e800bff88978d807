import json
from pathlib import Path

import pytest

from caponier.telemetry.framing.quoted_rows import LINES, header
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs

GOOD = json.dumps({"time": "2026-03-02T09:00:00Z", "category": "dns", "n": 1})
SYSLOG = "2026-03-02T09:00:00Z gpu-01 app[1]: hello"


def read(path: Path, text: str) -> tuple[int, list[tuple[int, str]]]:
    path.write_text(text)
    with RejectedRows() as rejected:
        count = sum(len(part.events) for part in read_logs([path], rejected))
    return count, [(one.line, one.reason) for one in rejected.first]


@pytest.mark.parametrize(
    ("text", "count", "lines"),
    [
        (f"{{bad\n{GOOD}\n{GOOD}\n", 2, [1]),
        (f"{GOOD}\n{{bad\n{GOOD}\n", 2, [2]),
        (f"{SYSLOG}\n{GOOD}\n{SYSLOG}\n", 3, []),
        (f"\n\n{GOOD}", 1, []),
        (f"{GOOD}\n[1]\n", 1, [2]),
        (f"{SYSLOG}\nwhat is this\n", 1, [2]),
        (f"{SYSLOG}\n    at org.example.Main(Main.java:1)\n", 1, []),
        ("    a line that goes on with nothing\n", 0, [1]),
        ("", 0, []),
        (f"[{GOOD},\n{GOOD}]", 2, []),
        (f'{{"Records":[{GOOD}, {{"time": 1}}, {GOOD}]}}\n', 2, [1]),
    ],
)
def test_lines_documents_and_what_is_none(tmp_path: Path, text: str, count: int, lines: list[int]) -> None:
    found, told = read(tmp_path / "x.log", text)
    assert (found, [line for line, _ in told]) == (count, lines), told


def test_a_quote_that_never_ends_does_not_swallow_the_log(tmp_path: Path) -> None:
    head = "time,category,user\n"
    good = "2026-03-02T09:00:00Z,dns,ann\n"
    found, told = read(tmp_path / "x.csv", head + good + '2026-03-02T09:00:00Z,dns,"bob\n' + good * (LINES + 5))
    assert (found, [line for line, _ in told]) == (1 + 5 + 1, [3])


def test_a_header_has_a_time() -> None:
    assert header('"TimeGenerated [UTC]",Type') == ["TimeGenerated", "Type"]
    assert header("a,b,c") is None
    assert header("time,time") is None
    assert header("Mar  2 09:00:00 host sshd[1]: a, b") is None


@pytest.mark.parametrize("sent", ["[{}", '[{"a":1}', "{", "[["])
def test_a_line_that_begins_with_a_bracket_makes_no_document_of_a_log(sent: str, tmp_path: Path) -> None:
    line = f"[W 2026-03-02 09:00:00.123 ServerApp] 404 GET /{sent} (@203.0.113.66) 1.50ms\n"
    found, told = read(tmp_path / "x.log", line * 3)
    assert (found, told) == (3, [])
