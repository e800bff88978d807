import base64
from ipaddress import ip_network
from typing import Any

import orjson
import pytest

from caponier.telemetry.inference_body import Answer
from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers.cloud_event import CallerHeaders, attributes, body_of, request_of

BODY = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
FAILURES = (ValueError, KeyError, TypeError, AttributeError)


def rows(about: dict[str, Any], answer: Answer | None = None, body: dict[str, Any] = BODY) -> list[dict[str, Any]]:
    request = request_of("7", about, body, b"salt", 3)
    request.answer = answer
    return list(request.rows())


def test_attributes_of_the_structured_mode_are_the_record() -> None:
    record = {"id": "7", "type": "t"}
    assert attributes(record) == record


@pytest.mark.parametrize("wrapped", [False, True])
def test_attributes_of_the_binary_mode_are_the_headers_of_the_event_alone(wrapped: bool) -> None:
    headers = {"Ce-Id": "7", "CE-Type": "t", "id": "forged", "type": "forged", "Content-Type": "application/json"}
    record = {"headers": {name: [value] if wrapped else value for name, value in headers.items()}, "body": "{}"}
    assert attributes(record) == {"id": "7", "type": "t"}


def test_attributes_of_the_blob_logger_are_named_like_those_of_the_others() -> None:
    record = {"id": "7", "reqType": "t", "occurrenceTime": "now", "inferenceService": "m", "namespace": "n"}
    assert attributes(record) == {
        "id": "7",
        "type": "t",
        "time": "now",
        "inferenceservicename": "m",
        "namespace": "n",
    }


@pytest.mark.parametrize(
    "record",
    [
        {"data": BODY},
        {"body": BODY},
        {"data": orjson.dumps(BODY).decode()},
        {"data_base64": base64.b64encode(orjson.dumps(BODY)).decode()},
        {"bytes": base64.b64encode(orjson.dumps(BODY)).decode()},
    ],
)
def test_bodies_come_in_many_wrappings(record: dict[str, Any]) -> None:
    assert body_of(record) == BODY


@pytest.mark.parametrize(
    "record",
    [{}, {"data": None}, {"data": "no JSON"}, {"data": [1]}, {"data": "[1]"}, {"bytes": "!"}, {"bytes": 7}],
)
def test_what_is_no_body_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(FAILURES):
        body_of(record)


def test_a_request_is_a_row_for_each_example() -> None:
    about = {"time": "now", "inferenceservicename": "m", "namespace": "team"}
    first, second = rows(about)
    assert first["input"] == [1.0, 2.0]
    assert second["input"] == [3.0, 4.0]
    assert first["input_shape"] == [2]
    assert (first["model"], first["system"], first["time"], first["request_id"]) == ("m", "team", "now", "7")
    assert first["operation"] == "predict"
    assert "label" not in first
    assert "status" not in first


def test_an_answer_is_dealt_out_to_the_examples() -> None:
    first, second = rows({"time": "now"}, Answer(["a", "b"], None, "m", "3"))
    assert (first["label"], second["label"]) == ("a", "b")
    assert (first["model"], first["model_version"], first["status"]) == ("m", "3", 200)


def test_the_explainer_explains() -> None:
    assert rows({"component": "explainer"})[0]["operation"] == "explain"


@pytest.mark.parametrize("text", [False, True])
def test_logged_headers_say_who_asks_and_the_secret_goes_nowhere(text: bool) -> None:
    headers = {
        "Authorization": ["Bearer s3cret"],
        "X-Forwarded-For": ["198.51.100.1, 203.0.113.7"],
        "User-Agent": ["curl"],
        "X-Empty": [],
    }
    (row, _) = rows({"metadata": orjson.dumps(headers).decode() if text else headers})
    assert row["principal"] == principal_of("s3cret", b"salt")
    assert (row["source_ip"], row["user_agent"]) == ("203.0.113.7", "curl")
    assert "s3cret" not in str(row)


@pytest.mark.parametrize("claimed", [["198.51.100.7, 203.0.113.66"], ["198.51.100.7", "203.0.113.66"], "203.0.113.66"])
def test_what_a_client_claims_of_its_address_or_its_name_is_nobodys(claimed: Any) -> None:
    headers = {"X-Forwarded-For": claimed, "X-Forwarded-User": ["alice@bank"]}
    row = rows({"metadata": headers})[0]
    assert (row["source_ip"], row["principal"]) == ("203.0.113.66", None)


@pytest.mark.parametrize("header", ["X-User-Id", "X-Forwarded-User", "x-consumer-username", "X-Auth-Request-Email"])
def test_a_name_in_a_header_is_a_session_where_nobody_has_proven_who_he_is(header: str) -> None:
    assert rows({"metadata": {header: ["eve"]}})[0]["session"] == principal_of("eve", b"salt")
    # With a key of his own he could else appear as many.
    assert rows({"metadata": {header: ["eve"], "Authorization": ["Bearer s3cret"]}})[0]["session"] is None


def test_a_proxy_is_believed_where_it_is_named() -> None:
    headers = {"X-Forwarded-For": ["198.51.100.7, 203.0.113.66, 10.0.0.1"], "X-Forwarded-User": ["alice@bank"]}
    own = CallerHeaders(("x-forwarded-user",), (ip_network("10.0.0.0/8"),))
    row = next(request_of("7", {"metadata": headers}, BODY, b"salt", 3, own).rows())
    assert (row["source_ip"], row["principal"]) == ("203.0.113.66", principal_of("alice@bank", b"salt"))


@pytest.mark.parametrize("metadata", [None, "", {}, {"Authorization": []}, {"authorization": ""}])
def test_without_logged_headers_nobody_is_named(metadata: Any) -> None:
    row = rows({"metadata": metadata})[0]
    assert (row["principal"], row["source_ip"], row["user_agent"]) == (None, None, None)


@pytest.mark.parametrize("metadata", ["no JSON", [1], "[1]", 7])
def test_metadata_that_are_no_headers_are_refused(metadata: Any) -> None:
    with pytest.raises(FAILURES):
        rows({"metadata": metadata})
