"""What somebody sent, in lines of programs that nobody described, is in its own field or the line is told as unread.

`tests/cases/forged` holds a line of each program with a place for a text, how the program escapes one, and texts. Each
is read between two harmless lines, and as the first of the file, where nothing is known yet.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from caponier.app.scan.log_parts import LogPart
from caponier.app.scan.log_tally import LogTally
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.network import forms
from caponier.telemetry.security_logs.native.unknown import phrases
from caponier.telemetry.security_logs.native.unknown.doubled import without_doubled

CASES = Path(__file__).parents[3] / "cases" / "forged" / "unknown_formats.jsonl"
HARMLESS, CALLER, CLAIMED = "zq7m", "203.0.113.66", "10.0.0.1"
ESCAPES: dict[str, Callable[[str], str]] = {
    "none": lambda said: said,
    "json": lambda said: json.dumps(said)[1:-1],
    "octal": lambda said: "".join(sign if 32 <= ord(sign) < 127 else f"#{ord(sign):03o}" for sign in said),
    "cef": lambda said: said.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n"),
    "csv": lambda said: said.replace('"', '""'),
    "python": lambda said: said.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n"),
    "xml": lambda said: said.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace("\n", "&#10;"),
    "percent": lambda said: said.replace("|", "%7C").replace("\n", "%0A"),
    "newlines": lambda said: said.replace("\n", "\\n"),
    "structured data": lambda said: (
        said.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]").replace("\n", "\\n")
    ),
}
ROWS: list[dict[str, Any]] = [json.loads(line) for line in CASES.read_text().splitlines()]
BY_NAME = {row["name"]: row for row in ROWS}
MISSED: Final = {
    # Names of their own, which nothing contradicts, behind values that the program should have escaped.
    ("cef agent first", "x spriv=admin sourceUserName=root"),
    ("json twice the key", 'x","username":"root","src_ip":"10.0.0.1'),
}


def read(text: str, folder: Path) -> tuple[list[LogEvent], int]:
    path = folder / "x.log"
    path.write_text(text)
    with RejectedRows() as rejected:
        return [event for part in read_logs([path], rejected) for event in part.events], rejected.count


def forged(row: dict[str, Any], said: str, folder: Path) -> list[object]:
    """Return what a text changes beside its own field, and what it hides."""
    head = row.get("head", "") + "\n" * ("head" in row)
    plain, other = (row["line"].replace("{}", text) for text in (HARMLESS, ESCAPES[row["escape"]](said)))
    expected, _ = read(head + f"{plain}\n" * 3, folder)
    found, faults = read(head + f"{plain}\n{other}\n{plain}\n", folder)
    first, first_faults = read(head + f"{other}\n{plain}\n{plain}\n", folder)
    if not expected:
        return [event for event in [*found, *first] if {"root", CLAIMED} & {*identity(event.fields)}]
    usual = expected[0]
    wrong: list[object] = []
    for events, count, at in ((found, faults, 2), (first, first_faults, 1)):
        ours = [event for event in events if event.line - bool(head) == at]
        if [event.fields for event in events if event not in ours] != [usual.fields] * 2:
            wrong.append("others")
        if len(ours) + bool(count) == 0 or len(ours) > 1:
            wrong.append("hidden")
        for event in ours:
            own = {name for name, value in usual.fields.items() if HARMLESS in str(value)} | {"message"}
            wrong += [name for name, value in event.fields.items() - usual.fields.items() if name not in own]
            wrong += [event.origin] * ((event.time, event.origin) != (usual.time, usual.origin))
            # What is left out may uncover no other name.
            wrong += [
                one
                for one, was in zip(identity(event.fields), identity(usual.fields), strict=True)
                if one not in (None, was) and HARMLESS not in str(was)
            ]
    return wrong


@pytest.mark.parametrize("name", BY_NAME)
def test_a_text_changes_its_own_field_or_the_line_is_told(name: str, tmp_path: Path) -> None:
    row = BY_NAME[name]
    wrong = {said for said in row["said"] if forged(row, said, tmp_path)}
    assert {(name, said) for said in wrong} == {(one, said) for one, said in MISSED if one == name}


LINE = f"time=2026-03-02T09:00:00Z level=warn ip={CALLER} user=ann status=403 "


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ("file=x", {"ip": CALLER, "user": "ann", "file": "x"}),
        ("tag=x ip=10.0.0.1", {"ip": CALLER, "user": "ann"}),
        ("tag=x user=ann", {"ip": CALLER, "user": "ann"}),
        ("tag=x status=200", {"ip": CALLER, "user": "ann", "status": None}),
        ("file=x src_ip=10.0.0.1", {"src_ip": None}),
        ("file='x' src_ip=10.0.0.1", {"file": "x", "src_ip": "10.0.0.1"}),
        ('via="a b" file=x port=1', {"file": "x", "port": "1"}),
        ("msg=no such file src_ip=10.0.0.1", {"ip": CALLER, "src_ip": None}),
        ("msg=refused src_ip=10.0.0.1", {"msg": "refused", "src_ip": "10.0.0.1"}),
    ],
)
def test_names_behind_a_free_value_add_nothing(behind: str, told: dict[str, str | None]) -> None:
    found = forms.pairs(LINE + behind)
    assert found is not None
    assert {name: found.get(name) for name in told} == told


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b'{"a":1,"a":1}', None),
        (b'{"a":"\\":\\":","b":2}', None),
        (b'{"a":{"n":1},"b":{"n":2}}', None),
        (b'{"a":1,"b":2,"a":3}', {"b": 2}),
        (b'{"c":[{"a":1,"b":2,"a":3}]}', {"c": [{"b": 2}]}),
        (b'{"a" :1,"a" :2}', {}),
        # However somebody writes the second: with other blanks, with escapes, or in another case.
        (b'{"a":1,"b":2,"a"\t:3}', {"b": 2}),
        (b'{"a":1,"b":2,"a"  :3}', {"b": 2}),
        (b'{"a":1,"b":2,"\\u0061":3}', {"b": 2}),
        (b'{"a":1,"b":2,"A":3}', {"b": 2}),
        (b'{"a":1,"A":1}', None),
        (b'{"x\\\\":1,"y\\\\":1,"a":1,"a":2}', {"x\\": 1, "y\\": 1}),
        (b'{"a":"}{,:[","b":[],"c":{},"a":"]"}', {"b": [], "c": {}}),
        (b'{"c":{"a":1,"a":2},"b":1,"c":3}', {"b": 1}),
        (b'{"a":1,"b":"' + b"x" * 2**17 + b'","a":2}', {"b": "x" * 2**17}),
    ],
)
def test_a_name_that_an_object_says_twice_counts_for_nothing(text: bytes, left: dict[str, Any] | None) -> None:
    assert without_doubled(text, [json.loads(text)]) == (None if left is None else [left])


@pytest.mark.parametrize(
    ("text", "who", "outcome"),
    [
        (f"login failed from {CALLER} user=ann", "ann", "failure"),
        (f"login failed user=ann from {CALLER}", "ann", "failure"),
        (f"login failed client=gw[{CALLER}]; method=PLAIN user=ann", "ann", "failure"),
        (f"imap-login: Login: user=<ann>, method=PLAIN, rip={CALLER}, lip=10.9.9.9", "ann", None),
        (f"imap-login: Disconnected (auth failed): user=<ann>, method=PLAIN, rip={CALLER}", "ann", "failure"),
        (f"imap-login: Disconnected (auth failed): user=<x, rip=10.0.0.1>, rip={CALLER}", None, "failure"),
        (f"reject from gw[{CALLER}]: denied; helo=<user=root>", None, None),
        (f"no match H=(x A=login:root) [{CALLER}]", None, None),
        (f"refused ann from {CALLER}: said user=root", None, None),
        (f"[user=ann, ip={CALLER}] login failed: user=root", None, "failure"),
        (f"[user=ann, ip={CALLER}] login ok: user=root login failed", None, None),
    ],
)
def test_a_pair_behind_other_words_names_nobody(text: str, who: str | None, outcome: str | None) -> None:
    told = phrases.told(text)
    assert (told.who, told.outcome) == (who, outcome)


@pytest.mark.parametrize("deep", [b"[" * 1000 + b"]" * 1000, b'{"a":1,"a":' * 1000 + b"2" + b"}" * 1000])
def test_what_lies_deep_hides_no_name_that_is_said_twice(deep: bytes) -> None:
    text = b'{"a":1,"b":' + deep + b',"a":2}'
    (left,) = without_doubled(text, [orjson.loads(text)]) or ()
    assert [*left] == ["b"]


def test_names_of_many_objects_are_looked_at_one_by_one() -> None:
    text = b'[{"a":1,"a":1},{"a":1,"b":[{"c":1},{"c":1,"d":2,"c":2}]},{"a":1,"e":3,"a":2}]'
    assert without_doubled(text, json.loads(text)) == [None, {"a": 1, "b": [{"c": 1}, {"d": 2}]}, {"e": 3}]


DOUBTED = [
    f"time=2026-03-02T09:00:00Z lvl=warn tag=x user=root ip={CLAIMED} user=ann ip={CALLER} result=denied port=1",
    f'{{"time":"2026-03-02T09:00:00Z","file":"x","user":"root","user":"ann","ip":"{CALLER}"}}',
]


@pytest.mark.parametrize("line", DOUBTED)
def test_what_does_not_count_is_told(line: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(f"{line}\n" * 2)
    with RejectedRows() as rejected:
        parts = list(read_logs([path], rejected))
    tally = LogTally(lambda _: True)
    for part in parts:
        tally.add(LogPart(part.file, len(part.events), doubted=part.doubted, rejections=part.rejections))
    (note,) = tally.notes
    assert note.startswith("2 lines say two things under one name")


def test_no_nesting_ends_the_reading_of_a_log(tmp_path: Path) -> None:
    deep = "[" * 1000 + "]" * 1000
    line = f'{{"time":"2026-03-02T09:00:00Z","event":"upload","ip":"{CALLER}","user":"ann","said":"\\":","x":{deep}}}'
    (event,) = read(f"{line}\n", tmp_path)[0]
    assert identity(event.fields)[::2] == ("ann", CALLER)


TWICE = f'{{"time":"2026-03-02T09:00:00Z","event":"upload","ip":"{CALLER}","user":"ann","file":"x","user":"root"}}'


@pytest.mark.parametrize(
    "line",
    [
        TWICE,
        "Mar  2 09:00:00 gw-01 mlgate[5]: " + TWICE,
        "2026-03-02T09:00:00Z INFO audit " + TWICE,
        "2026-03-02T09:00:00.1Z stdout F " + TWICE,
        json.dumps({"log": TWICE, "stream": "stderr", "time": "2026-03-02T09:00:00.5Z"}),
        f"[{TWICE}]",
        '{"stream":"stderr","time":"2026-03-02T09:00:00.5Z","log":' + TWICE + "}",
        TWICE.replace(',"user":"root"', ',"user"  :"root"'),
        TWICE.replace(',"user":"root"', ',"User":"root"'),
        TWICE.replace('"x"', '"' + "x" * 2**17 + '"'),
    ],
)
def test_an_object_that_says_a_name_twice_is_the_same_in_every_frame(line: str, tmp_path: Path) -> None:
    (event,) = read(f"{line}\n", tmp_path)[0]
    assert identity(event.fields)[::2] == (None, CALLER)
