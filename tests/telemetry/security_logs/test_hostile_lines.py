"""Lines that are made to be looked at again and again: each is answered in time that grows no faster than the line."""

from pathlib import Path

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from caponier.telemetry.security_logs.native.reading import LINE
from pace import Stopwatch

SIZE = LINE - 2_000
SYSLOG = "2026-03-02T09:00:00Z h {}[1]: "
LINES = {
    "one word": "a" * SIZE,
    "blanks": "a " * (SIZE // 2),
    "brackets": "[" * SIZE,
    "quotes": '"' * SIZE,
    "colons": "a:1" * (SIZE // 3),
    "audit, one word": "type=X msg=audit(1772442000.1:1): " + "a" * SIZE,
    "audit, equals": "type=X msg=audit(1772442000.1:1): " + "a=" * (SIZE // 2),
    "audit, quotes": "type=X msg=audit(1772442000.1:1): " + 'a="' * (SIZE // 3),
    "sudo": SYSLOG.format("sudo") + "a : TTY=x ; PWD=" * (SIZE // 16),
    "sshd": SYSLOG.format("sshd") + "Accepted x for a" + " from a port" * (SIZE // 12),
    "pam": SYSLOG.format("su") + "pam_unix(su): session opened" + " for user" * (SIZE // 9),
    "structured": "<1>1 2026-03-02T09:00:00Z h a - - " + "[a]" * (SIZE // 3),
    "access": '10.0.0.1 - - [02/Mar/2026:09:00:00 +0000] "' + "\\" * SIZE,
    "nginx": "2026/03/02 09:00:00 [error] 1#1: *1 " + ", client: " * (SIZE // 10),
    "jupyter": "[I 2026-03-02 09:00:00.123 ServerApp] 200 GET " + "a -> " * (SIZE // 5),
    "ray": '2026-03-02 09:00:00,123 INFO a.py:1 -- 1.1.1.1 [x] "' + '" 200 ' * (SIZE // 6),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_is_answered_soon(line: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(line + "\n2026-03-02T09:00:00Z h app[1]: hello\n")
    with Stopwatch() as watch:
        with RejectedRows() as rejected:
            count = sum(len(part.events) for part in read_logs([path], rejected))
        assert count + rejected.count == 2
    assert watch.seconds < 2, "of processor time"


def test_a_longer_line_is_refused_and_told(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("2026-03-02T09:00:00Z h app[1]: " + "a" * LINE + "\n")
    with RejectedRows() as rejected:
        assert sum(len(part.events) for part in read_logs([path], rejected)) == 0
    assert "too long: a line of text" in rejected.first[0].reason


DEEP = {"lists": "[" * 1_000 + "]" * 1_000, "objects": '{"a":' * 1_000 + "1" + "}" * 1_000}
POLICY = '{"Statement":[{"Effect":%s,"Principal":%s,"Condition":{"StringEquals":{"aws:SourceArn":%s}}}]}'
PUT = (
    '{"eventVersion":"1.10","eventTime":"2026-03-02T09:00:00Z","eventSource":"s3.amazonaws.com",'
    '"eventName":"PutBucketPolicy","awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser","userName":"eve"},'
    '"sourceIPAddress":"203.0.113.66","requestParameters":{"bucketName":"m","bucketPolicy":%s}}'
)
NESTED = {
    "effect": PUT % POLICY % ("~", '"*"', '"x"'),
    "principal": PUT % POLICY % ('"Allow"', "~", '"x"'),
    "condition": PUT % POLICY % ('"Allow"', '"*"', "~"),
    "policy": PUT % "~",
    "windows name": '{"Event":{"System":{"EventID":1,"Channel":"Security","Computer":"h","TimeCreated":{"#attributes":'
    '{"SystemTime":"2026-03-02T09:00:00Z"}}},"EventData":{"Data":[{"@Name":~,"#text":"x"}]}}}',
    "windows data": '{"Event":{"System":{"EventID":1,"Channel":"Security","Computer":"h","TimeCreated":{"#attributes":'
    '{"SystemTime":"2026-03-02T09:00:00Z"}}},"EventData":{"x":~}}}',
    "category": '{"time":"2026-03-02T09:00:00Z","operationName":"A/B/WRITE","category":~,"resourceId":"/S/1",'
    '"callerIpAddress":"203.0.113.66","properties":{}}',
    "unknown": '{"time":"2026-03-02T09:00:00Z","user":"eve","ip":"203.0.113.66","event":"upload","said":"\\":","x":~}',
}


@pytest.mark.parametrize("deep", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("line", NESTED.values(), ids=NESTED)
def test_nobody_hides_an_event_or_ends_the_scan_by_what_he_nests_in_it(line: str, deep: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(line.replace("~", deep, 1) + "\n")
    with RejectedRows() as rejected:
        assert sum(len(part.events) for part in read_logs([path], rejected)) == 1, rejected.first


@pytest.mark.parametrize("deep", DEEP.values(), ids=DEEP)
def test_a_time_that_is_nested_is_none(deep: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(f'{{"log":"hello","stream":"stdout","time":{deep}}}\n')
    with RejectedRows() as rejected:
        assert sum(len(part.events) for part in read_logs([path], rejected)) == 0
    assert rejected.count == 1
