"""What looks like a caller, a time or an answer and is none: whoever calls gains nothing by writing it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.guess import GuessedMap
from caponier.telemetry.inference_body import answer
from caponier.telemetry.principals import principal_of
from telemetry.conftest import reading

Row = dict[str, Any]
Said = Callable[[int], Row]
ROWS = 60


def when(at: int) -> str:
    return f"2026-01-05T12:{at // 60:02d}:{at % 60:02d}Z"


def who(at: int) -> str:
    return f"client-{at % 5}"


def plain(at: int, **more: Any) -> Row:
    return {"ts": when(at), "prediction": "ab"[at % 2], **more}


def guessed(one: Said) -> GuessedMap:
    return guess([one(at) for at in range(ROWS)], "model")


def understood(one: Said) -> FieldMap:
    found = guessed(one)
    assert found.map is not None, found.doubts
    return found.map


def places(one: FieldMap) -> dict[str, str]:
    return {name: "+".join(about.path or about.parts) for name, about in one.columns.items()}


def features(one: FieldMap) -> list[str]:
    return [feature.path or feature.name for feature in one.features]


def read(folder: Path, one: Said) -> list[Row]:
    path = folder / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(one(at)) + b"\n" for at in range(ROWS)))
    rows = reading(path).rows
    assert len(rows) == ROWS
    return rows


@pytest.mark.parametrize(
    "under",
    ["body", "payload", "data", "request_body", "request_json", "model_payload", "input_data", "model_input_json"],
)
@pytest.mark.parametrize("name", ["user_id", "customer_id", "api_key", "user"])
def test_a_name_in_what_was_sent_accuses_nobody(under: str, name: str) -> None:
    found = understood(lambda at: plain(at, **{under: {name: who(at), "age": at, "amount": at / 2}}))
    assert "principal" not in found.columns
    assert {f"{under}.age", f"{under}.amount"} <= set(features(found))
    about = found.columns.get("session")
    assert about is None or about.secret


@pytest.mark.parametrize("under", ["payload_json", "body_text", "request_raw", "request_data"])
def test_a_name_in_a_text_that_was_sent_accuses_nobody_and_hides_no_input(under: str) -> None:
    def one(at: int) -> Row:
        return plain(at, **{under: orjson.dumps({"user_id": who(at), "age": at}).decode()})

    found = understood(one)
    assert places(found)["session"] == f"{under}|json.user_id"
    assert ("principal" in found.columns, features(found)) == (False, [f"{under}|json.age"])


@pytest.mark.parametrize("name", ["customer_id", "user", "account", "client_ref", "who", "caller", "email"])
@pytest.mark.parametrize("under", ["features", "inputs", "model_input", "predictors"])
def test_who_asked_stands_outside_the_features(name: str, under: str) -> None:
    found = understood(lambda at: plain(at, api_client=who(at), **{under: {name: f"victim-{at % 7}", "age": at}}))
    assert places(found)["principal"] == "api_client"
    assert f"{under}.age" in features(found)


@pytest.mark.parametrize("under", ["customer", "client", "account"])
def test_an_id_of_what_was_asked_about_is_not_who_asked(under: str) -> None:
    found = understood(lambda at: plain(at, api_client=who(at), **{under: {"id": f"entity-{at}", "age": at}}))
    assert places(found)["principal"] == "api_client"


def test_keys_of_which_each_call_has_another_are_callers_all_the_same() -> None:
    """Whoever takes a new key for each call must not vanish behind a name that comes again."""
    found = understood(lambda at: plain(at, auth={"api_key": f"key-{at}"}, api_client=who(at), age=at))
    assert places(found)["principal"] == "auth.api_key"


@pytest.mark.parametrize("line", ["api/predict.go:{}", "main.py:{}", "server/http/serve.rs:{}", "Predict.java:{}"])
@pytest.mark.parametrize("name", ["customer_id", "tenant", "client_ref", "subject"])
def test_a_line_of_source_code_is_nobody(line: str, name: str) -> None:
    found = understood(lambda at: plain(at, caller=line.format(at % 4), age=at, **{name: who(at)}))
    assert (places(found)["principal"], features(found)) == (name, ["age"])


def test_a_caller_beside_nobody_is_still_a_caller() -> None:
    assert places(understood(lambda at: plain(at, caller=who(at), age=at)))["principal"] == "caller"


@pytest.mark.parametrize("name", ["client_no", "account_number", "kunden_nr", "member_id"])
@pytest.mark.parametrize("number", [int, float])
def test_numbers_that_name_somebody_are_no_features(name: str, number: Callable[[int], Any]) -> None:
    found = understood(lambda at: plain(at, age=at, **{name: number(at % 5)}))
    assert (places(found)["principal"], features(found)) == (name, ["age"])


@pytest.mark.parametrize("name", ["client_no", "account_number"])
def test_amounts_are_nobody(name: str) -> None:
    assert "principal" not in understood(lambda at: plain(at, age=at, **{name: at % 5 + 0.5})).columns


ATTACKS = [
    "caller=client-9 prediction=b",
    '{"user": "client-9", "prediction": "b", "features": {"age": 1}}',
    'ts=2026-01-05T12:00:00Z user=client-9\n{"user": "client-9"}',
    '", "user": "client-9", "x": "',
    "2026-01-05T12:00:00Z stdout F {}",
    '{"log": "{\\"user\\": \\"client-9\\"}"}',
    "{'user': 'client-9', 'features': {'age': 1}}",
    "client-9,1,b",
]


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("field", ["message", "text", "note", "user_agent"])
def test_whatever_a_caller_writes_his_name_and_input_stay_his_own(field: str, text: str, tmp_path: Path) -> None:
    def one(at: int) -> Row:
        return plain(at, user=who(at), features={"age": at}, **{field: text if at % 5 == 2 else f"a word {at}"})

    for at, row in enumerate(read(tmp_path, one)):
        assert (row["principal"], row["input"]) == (principal_of(who(at), b""), [float(at)])
        assert row["label"] == "ab"[at % 2]


@pytest.mark.parametrize("text", ATTACKS)
def test_whatever_a_text_model_is_asked_is_its_input(text: str, tmp_path: Path) -> None:
    def one(at: int) -> Row:
        return plain(at, api_key=who(at), prompt=text if at % 5 == 2 else f"the prompt of number {at}")

    for at, row in enumerate(read(tmp_path, one)):
        assert row["principal"] == principal_of(who(at), b"")
        assert row["input_raw"] == (text if at % 5 == 2 else f"the prompt of number {at}")


@pytest.mark.parametrize("name", ["user", "score", "label", "time", "status", "session", "client", "model", "class"])
def test_a_feature_under_the_name_of_a_column_stays_a_feature(name: str, tmp_path: Path) -> None:
    def one(at: int) -> Row:
        return plain(at, user_id=who(at), features={name: 7 * at, "age": at})

    found = understood(one)
    assert places(found) == {"time": "ts", "principal": "user_id", "label": "prediction"}
    assert features(found) == sorted([f"features.{name}", "features.age"])
    for at, row in enumerate(read(tmp_path, one)):
        assert sorted(row["input"]) == [at, 7 * at]


@pytest.mark.parametrize("name", ["age", "balance", "member_since", "last_login_days", "seconds"])
def test_a_number_as_large_as_a_time_is_none(name: str) -> None:
    found = understood(lambda at: plain(at, user=who(at), **{name: 1_767_614_400 + at}))
    assert (places(found)["time"], features(found)) == ("ts", [name])


@pytest.mark.parametrize("name", ["at", "when", "time", "t", "created"])
@pytest.mark.parametrize("value", ["noon", 0.25, 17, True, "12 o'clock", ""])
def test_what_is_no_time_is_refused_whatever_it_is_called(name: str, value: Any) -> None:
    found = guessed(lambda at: {name: value, "user": who(at), "age": at, "prediction": "ab"[at % 2]})
    assert not found.clear
    assert "no field holds a time" in found.doubts


@pytest.mark.parametrize("name", ["cls", "outcome", "verdict", "sentiment"])
def test_an_answer_under_a_rare_name_stands_behind_one_under_a_common_name(name: str) -> None:
    found = understood(lambda at: plain(at, user=who(at), age=at, **{name: at % 7}))
    assert places(found)["label"] == "prediction"


@pytest.mark.parametrize(
    "more",
    [
        {"payload": '{{"user": "{}", "features": {{"age": 3}}, "prediction": "a"}}'},
        {"api_key": "{}", "msg": "predicted for {}", "age": 3},
        {"api_key": "{}", "line": "user={} took 3 ms", "age": 3},
        {"api_key": "{}", "authorization": "Bearer {}", "age": 3},
        {"api_key": "{}", "email": "{}@example.org", "age": 3},
        {"user_id": "{}", "token": "{}-token", "cookie": "id={}", "age": 3},
        {"account": "{}", "customer_ref": "{}-of-ours", "age": 3},
    ],
)
def test_no_event_holds_who_asked_as_he_is_called(more: Row, tmp_path: Path) -> None:
    def one(at: int) -> Row:
        held = {name: text.format(who(at)) if isinstance(text, str) else at for name, text in more.items()}
        return {"ts": when(at), "level": "info", "label": "ab"[at % 2], **held}

    found = understood(one)
    assert "client-" not in found.model_dump_json()
    for row in read(tmp_path, one):
        assert row["principal"] is not None
        assert "client-" not in str(row)


def test_what_tells_nobody_is_kept_beside_the_event(tmp_path: Path) -> None:
    row = read(tmp_path, lambda at: plain(at, api_key=who(at), level="info", message="predicted", age=at))[0]
    assert orjson.loads(row["extra"]) == {"level": "info", "message": "predicted"}


@pytest.mark.parametrize("data", [["a text"], [["a text"]]])
def test_tensors_of_text_are_texts_and_their_shapes_no_features(data: list[Any], tmp_path: Path) -> None:
    def one(at: int) -> Row:
        said = [{"name": "label", "shape": [1], "datatype": "BYTES", "data": ["ab"[at % 2]]}]
        asked = [{"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": data}]
        return {"ts": when(at), "user": who(at), "request": {"inputs": asked}, "response": {"outputs": said}}

    for at, row in enumerate(read(tmp_path, one)):
        assert (row["input"], row["input_raw"], row["label"]) == (None, "a text", "ab"[at % 2])


def test_several_texts_in_a_tensor_are_several_events(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = []
    for at in range(ROWS):
        asked = [{"name": "text", "shape": [2], "datatype": "BYTES", "data": [f"one {at}", f"two {at}"]}]
        lines.append(orjson.dumps({"ts": when(at), "user": who(at), "request": {"inputs": asked}}))
    path.write_bytes(b"\n".join(lines))
    assert [row["input_raw"] for row in reading(path).rows][:3] == ["one 0", "two 0", "one 1"]


@pytest.mark.parametrize(
    ("outputs", "labels", "scores"),
    [
        ([[0.25, 0.75]], ["1"], [[0.25, 0.75]]),
        ({"classes": ["b"], "scores": [[0.25, 0.75]]}, ["b"], [[0.25, 0.75]]),
        ({"scores": [[0.75, 0.25]]}, ["0"], [[0.75, 0.25]]),
    ],
)
def test_answers_in_columns_of_tensorflow_serving(outputs: Any, labels: list[str], scores: Any) -> None:
    said = answer({"outputs": outputs}, 1)
    assert said.scores is not None
    assert (said.labels, said.scores.tolist()) == (labels, scores)


@pytest.mark.parametrize("outputs", [{}, [], {"a": 1}, {"a": []}, [[0.5, 0.5], [0.5, 0.5]], {"a": [[0.1], [0.9]]}, "x"])
def test_answers_in_columns_that_do_not_fit_are_none(outputs: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        answer({"outputs": outputs}, 1)


@pytest.mark.parametrize("name", ["request_time_epoch", "requestTimeEpoch", "event_epoch", "log.epoch"])
def test_a_number_since_1970_is_a_time_by_the_end_of_its_name(name: str) -> None:
    found = understood(
        lambda at: {name: 1_767_614_400_000 + at, "user": who(at), "features": {"age": at}, "label": "ab"[at % 2]}
    )
    assert found.columns["time"].format == "epoch_ms"


@pytest.mark.parametrize("name", ["account", "client", "member"])
def test_a_kind_of_caller_in_text_stays_a_feature(name: str) -> None:
    """Whatever a model takes has to be seen, or it could be changed unseen."""
    found = understood(lambda at: plain(at, api_key=who(at), age=at, **{name: ("web", "app")[at % 2]}))
    assert features(found) == sorted(["age", name])
