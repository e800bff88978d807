"""Access logs of S3 and of load balancers: what a caller writes into his own fields moves none of the others."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caponier.telemetry.framing.stamps import iso
from caponier.telemetry.security_logs.native.aws_requests import alb_reader, s3_reader
from caponier.telemetry.security_logs.native.record import Record
from pace import Stopwatch

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
AGENTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30)


def s3(**changes: Any) -> str:
    held = {
        "bucket": "models",
        "who": "arn:aws:iam::111122223333:user/ada",
        "operation": "REST.GET.OBJECT",
        "key": "digits/model.pkl",
        "status": "200",
        "error": "-",
        "referrer": "-",
        "agent": "S3Console/0.4",
        "rest": " - id= SigV4 ECDHE AuthHeader models.s3.amazonaws.com TLSv1.2 - -",
    } | changes
    return (
        f"{OWNER} {held['bucket']} [06/Feb/2026:00:00:38 +0000] 192.0.2.3 {held['who']} 3E57427F3 {held['operation']} "
        f'{held["key"]} "GET /models/x HTTP/1.1" {held["status"]} {held["error"]} 113 113 7 6 "{held["referrer"]}" '
        f'"{held["agent"]}"{held["rest"]}'
    )


def alb(**changes: Any) -> str:
    held = {
        "client": "198.51.100.7:2817",
        "target": "10.0.0.1:80",
        "status": "200",
        "behind": "200",
        "line": "POST https://ml.example:443/v1/predict?x=1 HTTP/1.1",
        "agent": "curl/7.46.0",
    } | changes
    return (
        f"https 2026-02-06T00:00:38.186641Z app/my-lb/50dc6c49 {held['client']} {held['target']} 0.08 0.04 0.03 "
        f'{held["status"]} {held["behind"]} 34 57 "{held["line"]}" "{held["agent"]}" ECDHE TLSv1.2 arn:x "Root=1-5" '
        '"ml.example" "arn:aws:y" 1 2026-02-06T00:00:38.100000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
    )


def one(reader: Any, line: str) -> Record:
    found = reader().read(line, 7)
    assert found is not None
    (record,) = found
    return record  # type: ignore[no-any-return]


def test_a_request_to_s3_is_the_call_that_cloudtrail_tells_of() -> None:
    record = one(s3_reader, s3())
    assert record.time == iso("2026-02-06T00:00:38Z")
    assert (record.origin.product, record.origin.service) == ("aws", "cloudtrail")
    expected = {
        "eventsource": "s3.amazonaws.com",
        "eventname": "GetObject",
        "requestparameters.bucketname": "models",
        "requestparameters.key": "digits/model.pkl",
        "sourceipaddress": "192.0.2.3",
        "useridentity.arn": "arn:aws:iam::111122223333:user/ada",
        "outcome": "success",
    }
    assert {name: record.fields.get(name) for name in expected} == expected
    assert "errorcode" not in record.fields
    assert "access" not in record.fields


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("REST.PUT.OBJECT", "PutObject"),
        ("S3.DELETE.OBJECT", "DeleteObject"),
        ("BATCH.DELETE.OBJECT", "DeleteObject"),
        ("WEBSITE.GET.OBJECT", "GetObject"),
        ("REST.POST.MULTI_OBJECT_DELETE", "DeleteObjects"),
        ("REST.PUT.BUCKETPOLICY", "PutBucketPolicy"),
        ("REST.GET.NEW_THING", "REST.GET.NEW_THING"),
        ("S3.EXPIRE.OBJECT", "S3.EXPIRE.OBJECT"),
    ],
)
def test_operations_have_the_names_of_calls(operation: str, call: str) -> None:
    assert one(s3_reader, s3(operation=operation)).fields["eventname"] == call


def test_who_is_nobody_and_what_was_refused_is_told() -> None:
    fields = one(s3_reader, s3(who="-", status="403", error="AccessDenied")).fields
    assert (fields["access"], fields["outcome"], fields["errorcode"]) == ("anonymous", "failure", "AccessDenied")
    assert one(s3_reader, s3(status="404")).fields["errorcode"] == "404"
    assert "outcome" not in one(s3_reader, s3(status="-")).fields


@pytest.mark.parametrize(("key", "told"), [("a%2520b.pkl", "a b.pkl"), ("%252e%252e/x", "../x"), ("a+b", "a+b")])
def test_a_key_is_unquoted_as_often_as_it_was_quoted(key: str, told: str) -> None:
    assert one(s3_reader, s3(key=key)).fields["requestparameters.key"] == told


@given(AGENTS, AGENTS, st.sampled_from(["", " - id= SigV4"]))
@example("", '" 0', "")
def test_no_word_of_a_caller_hides_or_moves_what_he_called(agent: str, referrer: str, rest: str) -> None:
    plain = one(s3_reader, s3(rest=rest)).fields
    fields = one(s3_reader, s3(agent=agent, referrer=referrer, rest=rest)).fields
    assert {**fields, "user_agent": 0} == {**plain, "user_agent": 0}
    plain = one(alb_reader, alb()).fields
    fields = one(alb_reader, alb(agent=agent)).fields
    assert {**fields, "cs-user-agent": 0} == {**plain, "cs-user-agent": 0}


@pytest.mark.parametrize("agent", ["x\\", "\\", 'a "quoted" agent', '"', '\\"', 'x\\" y', '"" ""'])
def test_a_backslash_at_the_end_of_an_agent_hides_no_request(agent: str) -> None:
    assert one(s3_reader, s3(agent=agent)).fields["requestparameters.bucketname"] == "models"
    assert one(s3_reader, s3(agent=agent, rest="")).fields["eventname"] == "GetObject"
    assert one(alb_reader, alb(agent=agent)).fields["cs-uri-stem"] == "/v1/predict"


@pytest.mark.parametrize(
    ("client", "address"),
    [("198.51.100.7:1", "198.51.100.7"), ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1:443", "2001:db8::1")],
)
def test_the_address_of_a_client_is_without_port_and_brackets(client: str, address: str) -> None:
    fields = one(alb_reader, alb(client=client, target=client)).fields
    assert (fields["c-ip"], fields["dst_ip"]) == (address, address)


def test_a_request_through_a_load_balancer_is_one_to_a_web_server() -> None:
    record = one(alb_reader, alb())
    assert record.origin == ("aws", "webserver", "elb")
    assert record.time == iso("2026-02-06T00:00:38.186641Z")
    expected = {"cs-method": "POST", "cs-host": "ml.example", "cs-uri-query": "x=1", "sc-status": 200, "sc-bytes": 57}
    assert {name: record.fields.get(name) for name in expected} == expected


def test_a_request_that_reached_nobody_is_read() -> None:
    line = alb(target="-", status="460", behind="-", line="- http://ml.example:80- -").replace(
        "0.08 0.04 0.03", "-1 -1 -1"
    )
    fields = one(alb_reader, line).fields
    assert (fields["sc-status"], fields["cs-host"]) == (460, "ml.example")
    assert "target_status" not in fields


@pytest.mark.parametrize("reader", [s3_reader, alb_reader])
@pytest.mark.parametrize("part", ['"', '" ', '\\"', "\\", '" "', "- ", "[", "0 "])
def test_a_long_line_is_answered_soon(reader: Any, part: str) -> None:
    line = s3 if reader is s3_reader else alb
    with Stopwatch() as watch:
        for text in (
            line(agent=part * 100_000),
            part * 100_000,
            line()[:90] + part * 100_000,
            line(agent="x")[:-60] + part * 100_000,
        ):
            reader().read(text, 1)
    assert watch.seconds < 2
