"""Who asked is what a collector wrote beside a record, and nothing that stands in a caller's headers."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.readers.cloud_event import COLLECTED, REQUEST, attributes, request_of, without_credentials

SALT = b"salt"
CALLER = {"principal": "k-1", "source_ip": "203.0.113.9", "user_agent": "curl", "unproven": False}
BODY = {"instances": [[1.5, 2.0]]}
HEADERS = {"ce-id": "7", "ce-type": REQUEST, "ce-time": "2026-01-05T09:00:00Z", "ce-inferenceservicename": "m"}


def record(headers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"headers": {**HEADERS, **headers}, "body": orjson.dumps(BODY).decode(), **more}


def caller_of(held: dict[str, Any]) -> dict[str, Any]:
    about = request_of("7", attributes(held), BODY, SALT, 1).about
    return {name: about[name] for name in ("principal", "source_ip", "user_agent")}


@pytest.mark.parametrize("name", ["caponier", "ce-caponier", "CE-Caponier", "Ce-CAPONIER"])
@pytest.mark.parametrize("value", [CALLER, [CALLER], orjson.dumps(CALLER).decode(), None])
def test_no_header_says_who_asked(name: str, value: Any) -> None:
    forged = record({name: value})
    assert COLLECTED not in attributes(forged)
    assert caller_of(forged) == {"principal": None, "source_ip": None, "user_agent": None}
    assert caller_of(record({name: value}, **{COLLECTED: {**CALLER, "principal": "k-2"}}))["principal"] == "k-2"


@given(st.text(min_size=1, max_size=12), st.sampled_from(["authorization", "X-API-Key", "x-api-key"]))
def test_nothing_of_a_credential_is_left_in_what_is_kept(secret: str, name: str) -> None:
    secret = f"key-{secret.encode().hex()}"
    held = {
        "type": REQUEST,
        "id": "7",
        "time": "2026-01-05T09:00:00Z",
        "inferenceservicename": "m",
        "metadata": {name: [f"Bearer {secret}" if name == "authorization" else secret], "User-Agent": ["curl"]},
        "data": BODY,
    }
    kept = without_credentials(held, SALT)
    assert secret not in orjson.dumps(kept).decode()
    assert caller_of(kept) == caller_of(held)
    assert kept[COLLECTED]["principal"]


def test_what_was_kept_once_is_the_same_when_it_is_kept_again() -> None:
    held = record({"ce-metadata": orjson.dumps({"x-api-key": ["k"], "User-Agent": ["curl"]}).decode()})
    once = without_credentials(held, SALT)
    assert once["headers"].keys() == HEADERS.keys()
    assert caller_of(once) == caller_of(held)
