"""A security log that is given as a log of a model is called what it is, with the command that reads it."""

import json
from pathlib import Path

from caponier.app.inference.security_log import security_log_note
from caponier.telemetry.streams import STDIN

CALL = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "userName": "ada", "accountId": "111122223333"},
    "eventTime": "2026-01-05T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "192.0.2.7",
    "requestParameters": {"bucketName": "ml-models", "key": "a.pt"},
    "eventID": "e1",
    "eventType": "AwsApiCall",
}


def test_cloudtrail_is_named_with_the_command_that_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "calls.json"
    file.write_text(json.dumps({"Records": [CALL]}))
    note = security_log_note([STDIN, file])
    assert note is not None
    assert "is a security log (AWS CloudTrail)" in note
    assert note.endswith(f"caponier scan logs {file}")


def test_a_log_of_a_model_is_none_and_neither_is_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text('{"ts": 1767607200, "prediction": "cat", "input": [1, 2]}\n')
    assert security_log_note([file]) is None
    assert security_log_note([tmp_path / "nowhere.jsonl"]) is None
    assert security_log_note([STDIN]) is None
