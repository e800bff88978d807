"""Logs as services really write them: objects in objects, classes with scores, names with dots, unions, tensors."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.guess import GuessedMap
from caponier.telemetry.field_maps.logged_bodies import exchange_of
from caponier.telemetry.principals import principal_of
from telemetry.conftest import reading

Row = dict[str, Any]
CLASSES = ("low", "medium", "high")


def features(at: int) -> Row:
    return {"age": 20 + at, "amount": 1.5 * at, "city": ("Bern", "Graz")[at % 2]}


def shares(at: int) -> list[float]:
    first = (at % 7) / 10
    return [first, 0.25, 0.75 - first]


def best(at: int) -> str:
    return CLASSES[int(np.argmax(shares(at)))]


def when(at: int) -> str:
    return f"2026-01-05T12:{at // 60:02d}:{at % 60:02d}Z"


def guessed(one: Callable[[int], Row], n: int = 80) -> GuessedMap:
    return guess([one(at) for at in range(n)], "model")


def read(tmp_path: Path, one: Callable[[int], Row], n: int = 80) -> list[Row]:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(one(at)) + b"\n" for at in range(n)))
    found = reading(path)
    assert not found.rejected
    return found.rows


def names(found: GuessedMap) -> list[str]:
    assert found.map is not None
    return [one.name for one in found.map.features]


def nested(at: int) -> Row:
    """What a FastAPI service writes whose model takes an object in an object."""
    return {
        "timestamp": when(at),
        "request": {"headers": {"x-api-key": f"key-{at % 5}"}, "body": {"customer": features(at)}},
        "response": {"body": {"prediction": best(at), "probabilities": dict(zip(CLASSES, shares(at), strict=True))}},
    }


def test_an_object_within_the_body_holds_the_features(tmp_path: Path) -> None:
    row = read(tmp_path, nested)[3]
    assert row["input"][:2] == [23.0, 4.5]
    assert row["principal"] == principal_of("key-3", b"")
    assert row["label"] == best(3)


def test_objects_beside_each_other_are_features_under_their_own_names_and_twins_under_both() -> None:
    found = guessed(
        lambda at: {
            "ts": when(at),
            "body": {"user_id": f"u{at % 4}", "customer": {"age": at, "id": at}, "card": {"age": at, "limit": at}},
            "prediction": "ab"[at % 2],
        }
    )
    assert names(found) == ["card.age", "customer.age", "id", "limit"]
    assert found.map is not None
    # Whoever calls may write any name there: it is no principal.
    assert found.map.columns["session"].secret
    assert "principal" not in found.map.columns


def test_headers_beside_features_are_none() -> None:
    found = guessed(
        lambda at: {"ts": when(at), "body": {"age": at, "headers": {"size": at}}, "prediction": "ab"[at % 2]}
    )
    assert names(found) == ["age"]


def test_a_caller_beside_the_input_in_one_text_is_the_caller(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        inner = {"account": f"a{at % 3}", "input": features(at), "output": {"class": best(at), "scores": shares(at)}}
        return {"asctime": when(at), "message": "inference", "payload": orjson.dumps(inner).decode()}

    assert read(tmp_path, one)[1]["principal"] == principal_of("a1", b"")


@pytest.mark.parametrize("key", ["outputs", "predictions", "result"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_lists_of_a_class_and_its_score_are_scores_in_one_order(tmp_path: Path, key: str, wrapped: bool) -> None:
    def one(at: int) -> Row:
        held = sorted(
            ({"label": name, "score": score} for name, score in zip(CLASSES, shares(at), strict=True)),
            key=lambda pair: -float(str(pair["score"])),
        )
        return {"time": when(at), "token": f"t{at % 3}", "inputs": f"a text {at}", key: [held] if wrapped else held}

    for row in read(tmp_path, one):
        at = int(row["input_raw"].split()[-1])
        # By name, whichever was the best in the first row: another log has to give the same order.
        assert row["scores"] == pytest.approx([shares(at)[place] for place in (2, 0, 1)])
        assert row["label"] == best(at)


def test_of_a_few_of_many_classes_the_first_is_the_answer(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        held = [{"item_id": f"i{(at * 7 + place) % 40}", "score": 0.9 - place / 10} for place in range(3)]
        return {
            "ts_ms": 1_767_614_400_000 + at,
            "uid": f"u{at % 4}",
            "context": {"age": at, "hour": at % 24},
            "items": held,
        }

    row = read(tmp_path, one)[2]
    assert (row["label"], row["scores"], row["input"]) == ("i14", pytest.approx([0.9]), [2.0, 2.0])
    assert row["principal"] == principal_of("u2", b"")


@pytest.mark.parametrize("form", ["{}", "{}_prob", "score_{}"])
def test_columns_that_are_called_like_the_classes_are_their_scores_and_no_features(form: str) -> None:
    def one(at: int) -> Row:
        held = {form.format(name): score for name, score in zip(CLASSES, shares(at), strict=True)}
        return {"timestamp": when(at), "user_id": f"u{at % 3}", **features(at), "prediction": best(at), **held}

    found = guessed(one)
    assert names(found) == ["age", "amount", "city"]
    assert found.map is not None
    assert found.map.columns["scores"].parts == tuple(form.format(name) for name in CLASSES)


def test_a_class_that_was_never_the_answer_has_its_column_beside_theirs() -> None:
    def one(at: int) -> Row:
        held = dict(zip(CLASSES, [at % 2 * 0.7, 0.3, 0.7 - at % 2 * 0.7], strict=True))
        return {"ts": when(at), "user": f"u{at % 3}", "age": at, "prediction": ("high", "low")[at % 2], **held}

    found = guessed(one)
    assert names(found) == ["age"]
    assert found.map is not None
    assert found.map.columns["scores"].classes == CLASSES


def test_columns_that_make_one_by_no_rule_stay_features() -> None:
    found = guessed(
        lambda at: {
            "ts": when(at),
            "user": f"u{at % 3}",
            "a": at % 10 / 10,
            "b": at % 7 / 10,
            "prediction": "ab"[at % 2],
        }
    )
    assert names(found) == ["a", "b"]


def test_names_with_dots_are_places(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        held = {f"ml.features.{name}": value for name, value in features(at).items()}
        return {
            "@timestamp": when(at),
            "client.ip": "10.0.0.1",
            "user.name": f"u{at % 3}",
            **held,
            "ml.prediction.class": best(at),
            "ml.prediction.probability": max(shares(at)),
        }

    row = read(tmp_path, one)[4]
    assert (row["label"], row["source_ip"], row["principal"]) == (best(4), "10.0.0.1", principal_of("u1", b""))
    assert len(row["input"]) == len(features(4))


def test_unions_of_avro_are_their_values(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        return {
            "eventTime": 1_767_614_400_000 + at,
            "userId": {"string": f"u{at % 3}"},
            "features": {"age": {"long": at}, "amount": {"double": at / 2}, "city": {"string": "ab"[at % 2]}},
            "prediction": {"string": best(at)},
        }

    row = read(tmp_path, one)[3]
    assert (row["principal"], row["label"], row["input"][:2]) == (principal_of("u0", b""), best(3), [3.0, 1.5])


@pytest.mark.parametrize(
    ("name", "column"),
    [("api_user", "principal"), ("tag_account", "principal"), ("api_client", "principal"), ("y_score", "scores")],
)
def test_what_is_beside_features_and_none_of_them(name: str, column: str) -> None:
    value = (lambda at: f"c{at % 6}") if column == "principal" else (lambda at: at / 100)
    found = guessed(lambda at: {"ts": when(at), name: value(at), "trace_id": at, "age": at, "prediction": "ab"[at % 2]})
    assert names(found) == ["age"]
    assert found.map is not None
    assert found.map.columns[column].path == (name,)


def test_arrays_of_postgresql_are_scores(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f'{when(at)},u{at % 3},"{{{at},2}}",{best(at)},"{{0.25,0.5,0.25}}"' for at in range(60)]
    path.write_text("\n".join(["created_at,client,features,predicted,probabilities", *rows]))
    assert reading(path).rows[0]["scores"] == [0.25, 0.5, 0.25]


def message(at: int) -> Row:
    """What TensorFlow Serving logs, as JSON."""
    dims = {"dim": [{"size": "1"}, {"size": "2"}]}
    asked = {"dtype": "DT_FLOAT", "tensorShape": dims, "floatVal": [at, 0.5]}
    content = base64.b64encode(np.array([0.25, 0.75], "<f4").tobytes()).decode()
    said = {"dtype": "DT_FLOAT", "tensorShape": dims, "tensorContent": content}
    return {
        "timestamp": when(at),
        "peer": f"p{at % 3}",
        "predictLog": {
            "request": {"modelSpec": {"name": "churn", "version": "7"}, "inputs": {"x": asked}},
            "response": {"outputs": {"y": said}},
        },
    }


def test_messages_of_tensorflow_serving(tmp_path: Path) -> None:
    row = read(tmp_path, message)[2]
    assert (row["input"], row["scores"], row["label"]) == ([2.0, 0.5], [0.25, 0.75], "1")
    assert (row["model"], row["model_version"], row["principal"]) == ("churn", "7", principal_of("p2", b""))


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "9999999999"}]}, "floatVal": [1.0]},
        {"dtype": "DT_VARIANT", "floatVal": [1.0]},
        {"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "2"}]}, "tensorContent": "AAAA"},
        {"dtype": "DT_INT64", "tensorShape": {"dim": [{"size": "1"}]}, "int64Val": ["x"]},
        {"dtype": "DT_FLOAT"},
    ],
)
def test_a_broken_tensor_is_a_problem_and_no_more(tensor: Row) -> None:
    assert (exchange_of({"inputs": {"x": tensor}}, None).problem or "").startswith("request: ")


def test_an_answer_in_the_body_of_a_response_belongs_to_the_request_in_the_body_of_its_own(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        return {
            "@timestamp": when(at),
            "request": {"payload": {"data": {"names": ["a", "b"], "ndarray": [[at, 1.0]]}}},
            "response": {"payload": {"data": {"names": ["t:0", "t:1"], "ndarray": [[0.25, 0.75]]}}},
        }

    assert read(tmp_path, one)[0]["scores"] == [0.25, 0.75]


@pytest.mark.parametrize(
    "name", ["user_hash", "clientRef", "caller_arn", "requestor", "camera_user", "account_no", "identifiant_client"]
)
def test_who_asked_is_told_by_the_words_of_a_name(name: str) -> None:
    found = guessed(lambda at: {"ts": when(at), name: f"c{at % 6}", "age": at, "prediction": "ab"[at % 2]})
    assert found.map is not None
    assert found.map.columns["principal"].path == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customer_segment", lambda at: f"s{at % 6}"),
        ("account_age", lambda at: at),
        ("client_city", lambda at: f"c{at % 6}"),
        ("user_id_type", lambda at: f"t{at % 6}"),
        ("customer_ref", lambda at: f"each-{at}"),
        ("has_account", lambda at: "yn"[at % 2]),
    ],
)
def test_what_is_about_somebody_or_of_one_call_is_nobody(name: str, value: Callable[[int], Any]) -> None:
    found = guessed(lambda at: {"ts": when(at), name: value(at), "age": at, "prediction": "ab"[at % 2]})
    assert found.map is not None
    assert "principal" not in found.map.columns


@pytest.mark.parametrize("name", ["INPUT_VARIANT", "model_input_json", "scoring_features", "req"])
def test_what_was_asked_is_told_by_the_words_of_a_name(name: str) -> None:
    found = guessed(
        lambda at: {"ts": when(at), "user": f"u{at % 3}", "site": "north", name: features(at), "label": "ab"[at % 2]}
    )
    assert names(found) == ["age", "amount", "city"]


def test_objects_under_names_of_their_own_hold_features_and_those_about_the_call_none() -> None:
    def one(at: int) -> Row:
        return {
            "ts": when(at),
            "auth": {"sub": f"u{at % 3}"},
            "applicant": {"age": at, "city": "ab"[at % 2]},
            "loan": {"amount": at / 2},
            "process": {"pid": at},
            "env": "prod",
            "ms": at / 7,
            "resp": {"decision": best(at), "score": 0.5},
        }

    assert names(guessed(one)) == ["age", "amount", "city"]


def test_a_text_beside_its_sentiment_is_what_was_asked(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        text = f"a long review of number {at}"
        return {
            "date": when(at),
            "user": f"u{at % 3}",
            "review_text": text,
            "sentiment": "ab"[at % 2],
            "confidence": 0.5,
        }

    row = read(tmp_path, one)[1]
    assert (row["input_raw"], row["label"]) == ("a long review of number 1", "b")


def test_days_of_one_week_are_not_taken_for_months(tmp_path: Path) -> None:
    found = guessed(
        lambda at: {"ts": f"{5 + at // 12:02d}/10/2026 08:{at % 60:02d}:00", "x": [at], "label": "ab"[at % 2]}
    )
    assert found.map is not None
    assert (found.doubts, found.map.columns["time"].format) == ([], "%d/%m/%Y %H:%M:%S")
    of_a_day = guessed(lambda at: {"ts": f"05/10/2026 08:{at % 60:02d}:00", "x": [at], "label": "ab"[at % 2]})
    assert of_a_day.doubts


def test_classes_and_scores_in_a_list_each_say_what_was_best(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        pairs = sorted(zip(shares(at), CLASSES, strict=True), reverse=True)
        return {
            "timestamp": when(at),
            "api_key": f"k{at % 3}",
            "sequence": f"a sequence {at}",
            "labels": [name for _, name in pairs],
            "scores": [score for score, _ in pairs],
        }

    row = read(tmp_path, one)[1]
    assert (row["label"], row["scores"], row["input_raw"]) == ("high", pytest.approx([max(shares(1))]), "a sequence 1")


def test_attributes_of_a_span_are_features_where_they_say_so(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        held = {f"ml.input.{name}": value for name, value in features(at).items()}
        about = {"enduser.id": f"u{at % 3}", "ml.output.label": best(at)}
        return {"start_time": when(at), "context": {"span_id": f"s{at % 2}"}, "attributes": held | about}

    row = read(tmp_path, one)[2]
    assert (row["input"][:2], row["label"], row["principal"]) == ([22.0, 3.0], best(2), principal_of("u2", b""))


def test_values_with_the_types_of_dynamodb(tmp_path: Path) -> None:
    def one(at: int) -> Row:
        held = {"M": {"age": {"N": str(at)}, "amount": {"N": "1.5"}}}
        return {
            "Item": {
                "ts": {"S": when(at)},
                "user_id": {"S": f"u{at % 3}"},
                "features": held,
                "prediction": {"S": best(at)},
            }
        }

    row = read(tmp_path, one)[2]
    assert (row["input"], row["label"], row["principal"]) == ([2.0, 1.5], best(2), principal_of("u2", b""))


@pytest.mark.parametrize("row", [{"client": {"name": "c{}"}}, {"who": "c{}"}, {"user_AuthenticatedId": "c{}"}])
def test_somebody_is_known_by_a_name_within_an_object_too(row: Row) -> None:
    def one(at: int) -> Row:
        held = orjson.loads(orjson.dumps(row).replace(b"{}", str(at % 5).encode()))
        return {"at": when(at), **held, "x1": at, "cls": best(at)}

    found = guessed(one)
    assert found.map is not None
    assert {"time", "principal", "label"} <= set(found.map.columns)


def test_times_as_oracle_writes_them() -> None:
    found = guessed(
        lambda at: {"SCORING_DATE": f"05-JAN-26 09.{at % 60:02d}.01.250000 AM", "x": [at], "cls": "ab"[at % 2]}
    )
    assert found.map is not None
    assert found.map.columns["time"].format == "%d-%b-%y %I.%M.%S.%f %p"
