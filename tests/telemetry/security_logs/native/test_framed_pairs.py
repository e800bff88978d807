"""Names and values within a line of syslog, and headers of syslog that leave something out."""

from time import perf_counter

import pytest

from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.native.unknown.framed import pairs_of

AT = 1_772_438_401_000_000
OLD, NEW = "<134>Mar  2 08:00:01 fw1 ", "<134>1 2026-03-02T08:00:01Z fw1 app 7 - "
CALLER = "203.0.113.66"


def read(text: str) -> Record | None:
    (found,) = NativeReading().read(text, 1)
    return found if isinstance(found, Record) else None


@pytest.mark.parametrize(
    "line",
    [
        OLD + "app: user=ada action=login ip=203.0.113.66 result=failed",
        OLD + "app[7]: user=ada, action=login, ip=203.0.113.66, result=failed",
        OLD + 'app: user="ada" action="login" ip="203.0.113.66" result="failed" msg="user root from 10.0.0.1 done"',
        OLD + "user=ada action=login ip=203.0.113.66 result=failed",
        OLD + '{"user":"ada","action":"login","ip":"203.0.113.66","result":"failed","time":"2026-03-02T08:00:01Z"}',
        NEW + '[x@1 user="ada" action="login" ip="203.0.113.66" result="failed"] it did',
        NEW + '[origin ip="10.0.0.1"][x@1 user="ada" action="login" ip="203.0.113.66" result="failed"]',
        NEW + '[user:"ada"; action:"login"; ip:"203.0.113.66"; result:"failed"; ]',
        "<134> 2026-03-02T08:00:01Z fw1 app 7 - "
        '[x@1 user="ada" action="login" ip="203.0.113.66" result="failed"] it did',
    ],
)
def test_a_line_that_says_all_in_pairs_is_a_record(line: str) -> None:
    found = read(line)
    assert found is not None
    assert identity(found.fields)[::2] == ("ada", CALLER)
    assert identity(found.fields).host == "fw1"
    assert (found.fields["outcome"], found.origin.category, found.time) == ("failure", "authentication", AT)


def test_the_header_says_where_and_when_and_not_the_message() -> None:
    found = read(OLD + "app: host=db1 time=2020-01-01T00:00:00Z user=ada action=login ip=203.0.113.66 result=ok")
    assert found is not None
    assert (identity(found.fields).host, found.time) == ("fw1", AT)


@pytest.mark.parametrize(
    ("line", "of"),
    [
        ("<134> Mar  2 08:00:01 fw1 sshd[1]: Accepted password for ada from 203.0.113.66 port 22 ssh2", "syslog"),
        ("Mar  2 08:00:01 sshd[1]: Accepted password for ada from 203.0.113.66 port 22 ssh2", "syslog"),
        ("<134> CEF:0|a|b|1|2|login|5|rt=Mar 02 08:00:01 suser=ada src=203.0.113.66", "CEF or LEEF"),
        ("<134>cef[2]: CEF:0|a|b|1|2|login|5|rt=Mar 02 08:00:01 UTC suser=ada src=203.0.113.66", "CEF or LEEF"),
        (
            "<134>1 2026-03-02T08:00:01Z fw1 CEF:0|a|b|1|2|login|5|rt=Mar 02 08:00:01 suser=ada src=203.0.113.66",
            "CEF or LEEF",
        ),
    ],
)
def test_a_header_that_leaves_something_out_hides_nothing(line: str, of: str) -> None:
    found = read(line)
    assert found is not None
    assert (found.format, *identity(found.fields)[::2], found.time) == (of, "ada", CALLER, AT)


@pytest.mark.parametrize("sign", ["|", "\t", "^"])
def test_pairs_between_signs_have_values_with_blanks(sign: str) -> None:
    said = [
        "2026-03-02 08:00:01",
        "user=ada",
        "action=Allowed now",
        "src=203.0.113.66:40:X1",
        "dst=10.1.1.1",
        "n=Big One",
    ]
    found = read(sign.join(said) if sign == "\t" else said[0] + " " + sign.join(said[1:]))
    assert found is not None
    assert (found.fields["n"], found.time) == ("Big One", AT)
    assert identity(found.fields)[::2] == ("ada", CALLER)


SAID = [
    "x user=root src=10.0.0.1 action=login result=success",
    'x" user="root" src="10.0.0.1" status="success" z="',
    "x|user=root|src=10.0.0.1|action=login|result=success|",
    "x\tuser=root\tsrc=10.0.0.1\tstatus=success\t",
    '"; user:"root"; src:"10.0.0.1"; status:"success"; x:"',
    '] [a@1 user="root" src="10.0.0.1" action="login" result="success"]',
]
ASKED = [
    OLD + "app: usr=guest ip=203.0.113.66 action=login result=failed agent={}",
    OLD + 'app: usr=guest ip=203.0.113.66 action=login result=failed agent="{}"',
    OLD + "app: agent={} usr=guest ip=203.0.113.66 action=login result=failed",
    OLD + 'app: usr=guest ip=203.0.113.66 action=login result=failed path="{}" more=1',
    NEW + '[x@1 usr="guest" ip="203.0.113.66" action="login" result="failed" agent="{}"] done',
    NEW + '[x@1 agent="{}" usr="guest" ip="203.0.113.66" action="login" result="failed"] done',
    NEW + '[usr:"guest"; ip:"203.0.113.66"; action:"login"; result:"failed"; url:"{}"; ]',
    "time=1772438401|usr=guest|ip=203.0.113.66|action=login|result=failed|agent={}",
    "2026-03-02 08:00:01\tusr=guest\tip=203.0.113.66\taction=login\tresult=failed\tagent={}",
]


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("asked", ASKED)
def test_what_somebody_sent_adds_no_pairs(asked: str, said: str) -> None:
    found = read(asked.replace("{}", said))
    # Where the quotes are shut, the rest of a line is text that was read so before.
    if found is None or found.format == "syslog":
        return
    assert identity(found.fields).account != "root"
    assert identity(found.fields).address != "10.0.0.1"
    assert found.fields.get("outcome") != "success"


@pytest.mark.parametrize("message", ["a=1 b=2 c=3 b=4", "a=1 and b=2 c=3 d=4", "a=1 b=2", "text", ""])
def test_other_words_and_contradictions_are_no_pairs(message: str) -> None:
    assert pairs_of({"message": message}) is None


@pytest.mark.parametrize("filler", ["a=1 ", 'a="', "a=1|", '[x@1 a="1"]', 'a:"1"; ', "\\", "=", "a=1\t"])
def test_no_line_takes_long(filler: str) -> None:
    began = perf_counter()
    for front in (OLD + "app: ", OLD, NEW + "[", NEW):
        read(front + filler * (60_000 // len(filler)))
    assert perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "text", ["Health probe failed for server X on port 8000", "Test event generated for message ID LOG007"]
)
def test_for_names_nobody_where_nobody_logs_in(text: str) -> None:
    found = read(OLD + "app: " + text)
    assert found is not None
    assert identity(found.fields).account is None
