"""What servers answer in words, and bodies whose tensors stand behind the JSON: read as the same exchange in JSON."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caponier.telemetry.body_limits import UnreadError
from caponier.telemetry.field_maps.answered.answers_in_words import answers_of_lines, out_of_objects
from caponier.telemetry.field_maps.logged_bodies import exchange_of, is_answer, is_request
from caponier.telemetry.field_maps.tensors import binary_tensors
from caponier.telemetry.field_maps.tensors.binary_tensors import whole_body
from caponier.telemetry.principals import principal_of
from telemetry.conftest import reading

Row = dict[str, Any]
ASKED = {"instances": [[1.5, 2.0], [3.0, 4.0]]}


@pytest.mark.parametrize(
    "predictions",
    [
        [{"label": "a", "scores": [0.75, 0.25]}, {"label": "b", "scores": [0.25, 0.75]}],
        [
            {"predicted_class": "a", "probabilities": {"a": 0.75, "b": 0.25}},
            {"predicted_class": "b", "probabilities": {"a": 0.25, "b": 0.75}},
        ],
        [{"classes": ["a", "b"], "scores": [0.75, 0.25]}, {"classes": ["a", "b"], "scores": [0.25, 0.75]}],
        [
            {"displayNames": ["a", "b"], "confidences": [0.75, 0.25]},
            {"displayNames": ["a", "b"], "confidences": [0.25, 0.75]},
        ],
    ],
)
def test_predictions_that_are_objects_name_a_class_and_its_scores(predictions: list[Row]) -> None:
    found = exchange_of(ASKED, {"predictions": predictions})
    assert (found.problem, found.labels, found.scores) == (None, ["a", "b"], [[0.75, 0.25], [0.25, 0.75]])


def test_a_score_alone_and_a_class_alone_are_answers() -> None:
    assert exchange_of(ASKED, {"predictions": [{"score": 0.5}, {"score": 0.25}]}).scores == [[0.5], [0.25]]
    assert exchange_of(ASKED, {"predictions": [{"class": "a"}, {"class": 7}]}).labels == ["a", "7"]


@pytest.mark.parametrize(
    "predictions",
    [[{"x": 1}, {"y": 2}], [{"scores": [1.0]}, {"scores": [0.5, 0.5]}], [{"label": ["a"]}, {"scores": "b"}]],
)
def test_objects_that_say_neither_are_told(predictions: list[Row]) -> None:
    found = exchange_of(ASKED, {"predictions": predictions})
    assert found.inputs == ASKED["instances"]
    assert found.problem == "response: predictions that name neither a class nor a score"


@pytest.mark.parametrize(
    "body", [{"predictions": [1, 2]}, {"predictions": []}, {"outputs": []}, {"predictions": [{"a": 1}, 2]}]
)
def test_other_answers_stay_as_they_are(body: Row) -> None:
    assert out_of_objects(body) is body


def test_lines_of_a_class_and_its_score_are_answers() -> None:
    assert answers_of_lines(["a,0.75", '"b",0.5,0.25']) == [
        {"label": "a", "scores": [0.75]},
        {"label": "b", "scores": [0.5, 0.25]},
    ]
    for lines in ([], ["0.5,0.5"], ["a"], ["a,b"], [",1"], ["a,1", "2,1"]):
        assert answers_of_lines(lines) is None
    answer = base64.b64encode(b"a,0.75\nb,0.5\n").decode()
    found = exchange_of(base64.b64encode(b"1.5,2\n3,4\n").decode(), answer)
    assert (found.labels, found.scores, found.inputs) == (["a", "b"], [[0.75], [0.5]], [[1.5, 2], [3, 4]])


def binary(kind: str, name: str, values: list[list[float]], **more: Any) -> bytes:
    held = np.array(values, "<f4")
    tensor = {
        "name": name,
        "shape": list(held.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": held.nbytes},
    }
    return orjson.dumps({kind: [tensor | more]}) + held.tobytes()


def test_tensors_behind_the_json_are_read_without_its_length() -> None:
    body = whole_body(binary("inputs", "x", [[1.5, 2.0]]))
    assert body is not None
    assert body["inputs"][0]["data"] == [1.5, 2.0]
    texts = b"\x01\x00\x00\x00a\x02\x00\x00\x00bc"
    head = {
        "outputs": [{"name": "y", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(texts)}}]
    }
    body = whole_body(orjson.dumps(head) + texts)
    assert body is not None
    assert body["outputs"][0]["data"] == ["a", "bc"]


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"a": 1}', b"nothing", b'{"a":' * 100_000])
def test_what_has_nothing_behind_a_document_is_no_such_body(data: bytes) -> None:
    assert whole_body(data) is None


@pytest.mark.parametrize(
    "data",
    [
        binary("inputs", "x", [[1.5, 2.0]])[:-1],
        binary("inputs", "x", [[1.5, 2.0]]) + b"\0",
        binary("inputs", "x", [[1.5, 2.0]], data=[1]),
        binary("inputs", "x", [[1.5, 2.0]], parameters={"binary_data_size": -4}),
        binary("inputs", "x", [[1.5, 2.0]], datatype="BYTES"),
    ],
)
def test_tensors_that_do_not_fit_are_a_reason(data: bytes) -> None:
    with pytest.raises((ValueError, LookupError)):
        whole_body(data)
    found = exchange_of(base64.b64encode(data).decode(), None)
    assert found.problem is not None


def test_more_numbers_than_are_read_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_tensors, "LIMITS", binary_tensors.BodyLimits(numbers=30))
    with pytest.raises(UnreadError):
        whole_body(binary("inputs", "x", [[1.5] * 31]))


def test_a_log_of_bodies_in_base64_is_read(tmp_path: Path) -> None:
    """As a proxy before Triton keeps them: a binary body is no text."""
    path = tmp_path / "a.jsonl"
    rows = [
        {
            "time": f"2026-01-05T12:00:{at:02}Z",
            "client_id": f"c{at % 4}",
            "path": "/v2/models/credit/infer",
            "request_body": base64.b64encode(binary("inputs", "x", [[1.5, float(at)]])).decode(),
            "response_body": base64.b64encode(binary("outputs", "p", [[0.25, 0.75]])).decode(),
        }
        for at in range(30)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    found = reading(path)
    assert not found.rejected
    assert [row["input"] for row in found.rows] == [[1.5, float(at)] for at in range(30)]
    assert {tuple(row["scores"]) for row in found.rows} == {(0.25, 0.75)}
    assert (found.rows[1]["model"], found.rows[1]["principal"]) == ("credit", principal_of("c1", b""))


def test_a_request_is_no_answer_and_a_text_neither() -> None:
    assert is_request(ASKED)
    assert not is_answer(ASKED)
    assert is_answer({"predictions": [1]})
    for text in ("what is this?", "YWJj", "", "{"):
        assert not is_request(text)
        assert not is_answer(text)


def halves(folder: Path) -> tuple[Path, Path]:
    asked, answered = folder / "requests.jsonl", folder / "responses.jsonl"
    with asked.open("wb") as one, answered.open("wb") as other:
        for at in range(40):
            shared = {"time": f"2026-01-05T12:00:{at:02}Z", "request_id": f"r{at}"}
            one.write(
                orjson.dumps({**shared, "api_client": f"c{at % 4}", "model": "m", "body": {"instances": [[1.5, at]]}})
                + b"\n"
            )
            said = {"predictions": [{"label": "ab"[at % 2], "scores": [0.25, 0.75]}]}
            other.write(orjson.dumps({**shared, "status": 200, "body": said}) + b"\n")
    return asked, answered


def test_answers_in_a_log_of_their_own_complete_the_requests(tmp_path: Path) -> None:
    asked, answered = halves(tmp_path)
    for paths in ((asked, answered), (answered, asked)):
        found = reading(*paths)
        assert not found.rejected
        assert len(found.rows) == 40
        assert {(row["label"], tuple(row["scores"]), row["principal"] is None) for row in found.rows} == {
            ("a", (0.25, 0.75), False),
            ("b", (0.25, 0.75), False),
        }
