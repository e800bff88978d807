"""The routes, keys and limits of a real server on the loopback address, and what it records of each request."""

from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.victims.digits import Pool, Victim
from caponier.emulate.victims.server import serve
from caponier.emulate.victims.service import BODY_LIMIT
from caponier.records.event import EVENT_SCHEMA
from emulate.conftest import Served

INFER = "/v2/models/digits/infer"


def ask(served: Served, method: str, path: str, key: str | None = "alice", **more: Any) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.request(method, served.server.url + path, headers=headers | more.pop("headers", {}), **more)


def document(rows: np.ndarray, **more: Any) -> dict[str, Any]:
    tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": rows.reshape(-1).tolist()}
    return {"inputs": [tensor], **more}


@pytest.mark.parametrize(
    ("path", "operation", "expected"),
    [
        ("/v2/health/live", "health", {"live": True}),
        ("/v2/health/ready", "health", {"ready": True}),
        ("/v2", "metadata", {"name": "caponier-emulation"}),
        ("/v2/models/digits", "metadata", {"name": "digits", "versions": ["1"]}),
        ("/v2/models/digits/versions/1", "metadata", {"name": "digits"}),
        ("/v2/models/digits/ready", "health", {"ready": True}),
        ("/v2/models/digits/versions/1/ready", "health", {"ready": True}),
    ],
)
def test_what_can_be_read(served: Served, path: str, operation: str, expected: dict[str, Any]) -> None:
    response = ask(served, "GET", path)
    (event,) = served.log.rows()
    assert response.status_code == event["status"] == 200
    assert response.json().items() >= expected.items()
    assert event["operation"] == operation
    assert "input" not in event


@pytest.mark.parametrize("path", [INFER, "/v2/models/digits/versions/1/infer"])
def test_an_inference(served: Served, victim: Victim, targets: Pool, path: str) -> None:
    response = ask(served, "POST", path, json=document(targets.images[:3], id="r-1"))
    probabilities, label = response.json()["outputs"]
    scores = np.array(probabilities["data"], np.float32).reshape(3, 10)
    assert response.json()["id"] == "r-1"
    assert np.allclose(scores, victim.predict_proba(targets.images[:3]), atol=1e-6)
    assert label["data"] == targets.labels[:3].tolist()


def test_each_row_is_one_event(served: Served, targets: Pool) -> None:
    before = datetime.now(UTC)
    ask(served, "POST", INFER, json=document(targets.images[:3], id="r-1"), headers={"user-agent": "camera/1"})
    events = served.log.rows()
    assert len(events) == 3
    for event, image, label in zip(events, targets.images, targets.labels, strict=False):
        assert before <= event["time"] <= datetime.now(UTC)
        assert (event["model"], event["model_version"], event["system"]) == ("digits", "1", "digits")
        assert (event["principal"], event["source_ip"], event["user_agent"]) == ("alice", "127.0.0.1", "camera/1")
        assert (event["operation"], event["status"], event["request_id"]) == ("predict", 200, "r-1")
        assert np.array_equal(event["input"], image)
        assert event["input_shape"] == [64]
        assert event["label"] == str(label)
        assert np.argmax(event["scores"]) == label
        assert event["latency_ms"] > 0


def test_events_have_the_columns_of_the_schema(served: Served, targets: Pool) -> None:
    ask(served, "POST", INFER, json=document(targets.images[:2]))
    ask(served, "GET", "/v2/health/live")
    assert all(set(row) <= set(EVENT_SCHEMA.names) for row in served.log.rows())
    assert served.log.table().schema == EVENT_SCHEMA


def test_a_session_behind_a_shared_key(served: Served, targets: Pool) -> None:
    ask(served, "POST", INFER, json=document(targets.images[:1]), headers={"x-on-behalf-of": "user-9"})
    assert served.log.rows()[0]["session"] == "user-9"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"inputs": [{"name": "input"}]}', b"\xff"])
def test_a_malformed_body_gets_400_and_is_recorded(served: Served, content: bytes) -> None:
    response = ask(served, "POST", INFER, content=content)
    (event,) = served.log.rows()
    assert response.status_code == event["status"] == 400
    assert response.json()["error"]
    assert (event["operation"], event["principal"]) == ("predict", "alice")
    assert "input" not in event


def test_a_wrong_shape_gets_400(served: Served) -> None:
    response = ask(served, "POST", INFER, json=document(np.zeros((1, 63))))
    assert response.status_code == 400
    assert "64" in response.json()["error"]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v2/models/other/infer", "other"),
        ("/v2/models/other", "other"),
        ("/v2/models/other/ready", "other"),
        ("/v2/models/digits/versions/9/infer", "digits"),
        ("/v2/nothing", "digits"),
        ("/", "digits"),
    ],
)
def test_what_is_not_there_gets_404_and_is_recorded(served: Served, path: str, model: str) -> None:
    response = ask(served, "GET", path)
    (event,) = served.log.rows()
    assert response.status_code == event["status"] == 404
    assert response.json()["error"]
    assert event["model"] == model


def test_a_long_name_does_not_fill_the_log(served: Served) -> None:
    ask(served, "GET", f"/v2/models/{'x' * 5000}")
    assert len(served.log.rows()[0]["model"]) == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}])
def test_no_key_gets_401(served: Served, targets: Pool, headers: dict[str, str]) -> None:
    response = ask(served, "POST", INFER, key=None, json=document(targets.images[:1]), headers=headers)
    (event,) = served.log.rows()
    assert response.status_code == event["status"] == 401
    assert event["principal"] is None


def test_a_bad_key_gets_401(served: Served) -> None:
    assert ask(served, "GET", "/v2/models/digits", key="stolen").status_code == 401


def test_health_needs_no_key(served: Served) -> None:
    assert ask(served, "GET", "/v2/health/ready", key=None).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", INFER), ("POST", "/v2/models/digits"), ("PUT", "/v2")])
def test_a_wrong_method_gets_405(served: Served, method: str, path: str) -> None:
    assert ask(served, method, path).status_code == 405


def test_a_body_over_the_limit_gets_413_and_is_recorded(served: Served) -> None:
    response = ask(served, "POST", INFER, content=b" " * (BODY_LIMIT + 1))
    (event,) = served.log.rows()
    assert response.status_code == event["status"] == 413
    assert "input" not in event


def test_a_body_without_a_length_meets_the_same_limit(served: Served) -> None:
    chunks = (b" " * 65_536 for _ in range(17))
    assert ask(served, "POST", INFER, content=chunks).status_code == 413


def test_the_largest_batch_under_the_limit_is_answered(served: Served, targets: Pool) -> None:
    rows = np.round(np.tile(targets.images[:100], (20, 1)).astype(np.float64), 2)
    response = ask(served, "POST", INFER, json=document(rows))
    assert response.status_code == 200
    assert len(served.log.rows()) == 2000


def test_an_answer_is_recorded_before_it_leaves(served: Served, targets: Pool) -> None:
    """Whoever has an answer can be sure that the log has it too: no waiting in tests, no lost last query."""
    with httpx.Client(base_url=served.server.url, headers={"authorization": "Bearer alice"}) as client:
        for asked in range(1, 21):
            client.post(INFER, json=document(targets.images[:1]))
            assert len(served.log.rows()) == asked


def test_a_failure_to_record_is_an_error_and_not_an_answer(
    victim: Victim, targets: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not in the log was never answered; and the server lives on."""

    def full(_: list[dict[str, Any]]) -> None:
        raise OSError("no space left on device")

    with serve(victim.predict_proba, record=full, principal_of=lambda key: key) as server:
        for _ in range(2):
            response = httpx.post(
                server.url + INFER, json=document(targets.images[:1]), headers={"authorization": "Bearer alice"}
            )
            assert response.status_code == 500
            assert "probabilities" not in response.text
    assert "no space left on device" in caplog.text


EXPLAIN = "/v1/models/digits:explain"


def test_an_explanation(served: Served, victim: Victim, targets: Pool) -> None:
    response = ask(served, "POST", EXPLAIN, json={"instances": targets.images[:2].tolist()})
    document, events = response.json(), served.log.rows()
    assert response.status_code == 200
    assert np.allclose(document["predictions"], victim.predict_proba(targets.images[:2]), atol=1e-6)
    assert [len(one["attributions"]) for one in document["explanations"]] == [64, 64]
    assert [(row["operation"], row["status"], row["label"]) for row in events] == [
        ("explain", 200, str(label)) for label in targets.labels[:2]
    ]
    assert np.array_equal([row["input"] for row in events], targets.images[:2])


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", EXPLAIN, "alice", 405),
        ("POST", EXPLAIN, "alice", 400),
        ("POST", EXPLAIN, None, 401),
        ("POST", EXPLAIN, "stolen", 401),
        ("POST", "/v1/models/other:explain", "alice", 404),
        ("POST", "/v1/models/digits:why", "alice", 404),
    ],
)
def test_an_explanation_that_cannot_be_given(served: Served, method: str, path: str, key: str, status: int) -> None:
    assert ask(served, method, path, key, content=b"{}").status_code == status
    assert served.log.rows()[0]["status"] == status


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/models/digits/ready", "/v2", "/v2/health/live"])
@pytest.mark.parametrize(("key", "principal"), [("alice", "alice"), (None, None), ("stolen", None)])
def test_who_asks_is_noted_also_where_nobody_has_to_say(
    served: Served, path: str, key: str | None, principal: str | None
) -> None:
    ask(served, "GET", path, key)
    assert served.log.rows()[0]["principal"] == principal


def test_a_limit_can_be_chosen(victim: Victim, targets: Pool) -> None:
    with serve(victim.predict_proba, record=lambda _: None, principal_of=lambda key: key, body_limit=2000) as server:
        url, key = server.url + INFER, {"authorization": "Bearer alice"}
        assert httpx.post(url, json=document(np.zeros((1, 64))), headers=key).status_code == 200
        assert httpx.post(url, json=document(np.zeros((20, 64))), headers=key).status_code == 413


def test_the_principal_is_what_the_server_makes_of_the_key(victim: Victim, targets: Pool) -> None:
    """The key itself is never recorded."""
    log = ServerLog()
    digests = {"s3cret": "p-1"}
    with serve(victim.predict_proba, record=log.record, principal_of=digests.get) as server:
        httpx.post(server.url + INFER, json=document(targets.images[:1]), headers={"authorization": "Bearer s3cret"})
    (event,) = log.rows()
    assert event["principal"] == "p-1"
    assert "s3cret" not in repr(event)
