"""Who asked, where a log names several: what the service has proven counts, and what a caller wrote accuses nobody."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from caponier.records.field_map import FieldMap, MapFeature
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.named_features import NamedFeatures

Row = dict[str, Any]
ROWS = 60


def when(at: int) -> str:
    return f"2026-01-05T12:{at // 60:02d}:{at % 60:02d}Z"


def who(at: int) -> str:
    return f"client-{at % 5}"


def other(at: int) -> str:
    return ("victim", "root", "boss", "other")[at % 4]


def plain(at: int, **more: Any) -> Row:
    return {"ts": when(at), "features": [1.5, float(at)], "prediction": "ab"[at % 2], **more}


def understood(one: Callable[[int], Row]) -> FieldMap:
    found = guess([one(at) for at in range(ROWS)], "model")
    assert found.map is not None, found.doubts
    return found.map


def places(one: FieldMap) -> dict[str, str]:
    return {name: "+".join(about.path or about.parts) for name, about in one.columns.items()}


CHOSEN = ["query", "query_params", "querystring", "params", "queryStringParameters", "form", "searchParams"]
PROVEN: dict[str, tuple[Callable[[int], Row], str]] = {
    "a claim": (lambda at: {"auth": {"sub": who(at)}}, "auth.sub"),
    "a key": (lambda at: {"api_key_name": who(at)}, "api_key_name"),
    "a gateway's consumer": (lambda at: {"consumer": {"username": who(at)}}, "consumer.username"),
    "a client": (lambda at: {"client_name": who(at)}, "client_name"),
    "a key's alias": (lambda at: {"key_alias": who(at)}, "key_alias"),
    "a key's owner": (lambda at: {"apiKeyOwner": who(at)}, "apiKeyOwner"),
}


@pytest.mark.parametrize("under", CHOSEN)
@pytest.mark.parametrize(("proven", "place"), PROVEN.values(), ids=PROVEN)
@pytest.mark.parametrize("name", ["user", "who", "user_id"])
def test_a_name_in_an_address_is_never_taken_before_a_proven_one(
    under: str, proven: Callable[[int], Row], place: str, name: str
) -> None:
    found = understood(lambda at: plain(at, **{under: {name: other(at)}}, **proven(at)))
    assert places(found)["principal"] == place


@pytest.mark.parametrize("under", ["query_params", "querystring", "form"])
def test_a_name_in_an_address_alone_is_a_session(under: str) -> None:
    found = understood(lambda at: plain(at, **{under: {"user": other(at)}}))
    assert "principal" not in found.columns
    assert places(found)["session"] == f"{under}.user"
    assert found.columns["session"].secret


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_caller_writes_into_a_text_names_nobody_beside_what_the_log_says(whole: bool) -> None:
    """Whoever sends most of a log chooses what nearly all texts of a field are."""

    def row(at: int) -> Row:
        forged = {"user": other(at), "api_key": other(at), "features": [9.5, 9.5], "prediction": "x"}
        text = json.dumps(forged if whole else {"asked": forged})
        return {"ts": when(at), "user": who(at), "message": text, "answer": "ab"[at % 2]}

    assert places(understood(row))["principal"] == "user"


def test_a_record_in_a_text_says_who_asked_where_what_is_around_it_names_one_program_alone() -> None:
    def row(at: int) -> Row:
        return {"user": "shipper", "message": json.dumps(plain(at, api_key=who(at)))}

    assert places(understood(row))["principal"] == "message|json.api_key"


def test_an_argument_of_a_call_says_who_asked_where_nothing_else_does() -> None:
    assert places(understood(lambda at: plain(at, kwargs={"user_id": who(at)})))["principal"] == "kwargs.user_id"


@pytest.mark.parametrize("name", ["requested_by", "called_by", "caller", "submitted_by_id", "api_key_id"])
@pytest.mark.parametrize("about", ["customer_id", "user_id", "account_id"])
def test_whom_a_row_is_about_is_not_who_asked_for_it(name: str, about: str) -> None:
    found = understood(lambda at: plain(at, **{about: 100_000 + at * 7, name: who(at)}))
    assert places(found)["principal"] == name
    assert about not in {feature.name for feature in found.features}


@pytest.mark.parametrize("name", ["client", "platform", "channel"])
def test_a_kind_of_program_is_nobody_beside_users(name: str) -> None:
    found = understood(lambda at: plain(at, user_id=f"u{at}", **{name: ("web", "ios", "android")[at % 3]}))
    assert places(found)["principal"] in ("user_id", name if name == "client" else "user_id")
    if name != "client":
        assert places(found)["principal"] == "user_id"


def test_ids_of_whole_numbers_are_no_features() -> None:
    found = understood(
        lambda at: {
            "ts": when(at),
            "customer_id": 7 * at,
            "requested_by": who(at),
            "age": at,
            "amount": at / 2,
            "prediction": "ab"[at % 2],
        }
    )
    assert [feature.name for feature in found.features] == ["age", "amount"]


def test_what_says_of_a_call_is_no_feature_of_a_model() -> None:
    """As Kong's `http-log` writes it: nothing in it was given to a model."""

    def one(at: int) -> Row:
        return {
            "client_ip": f"10.0.0.{at % 5}",
            "started_at": 1_767_603_600_000 + at,
            "latencies": {"request": at, "kong": 1, "proxy": at},
            "request": {"uri": "/predict", "url": "http://ml/predict", "method": "POST", "size": str(at)},
            "response": {"status": 200, "size": "201"},
            "consumer": {"id": f"c{at % 5}", "username": who(at)},
            "route": {"name": "r", "created_at": at},
        }

    found = understood(one)
    assert not found.features
    assert places(found)["principal"] == "consumer.username"


TIMES: dict[str, Callable[[int], Any]] = {
    "Azure's portal": lambda at: f"1/13/2026, 8:{at:02}:13.159 AM",
    "a browser": lambda at: f"1/13/2026, 8:{at:02}:13 PM",
    "a German browser": lambda at: f"13.1.2026, 08:{at:02}:13",
    "RFC 3339": when,
    "naive": lambda at: f"2026-01-13 08:{at:02}:13",
}


@pytest.mark.parametrize("time", TIMES.values(), ids=TIMES)
def test_a_field_of_moments_is_the_time_whatever_it_is_called(time: Callable[[int], Any]) -> None:
    found = understood(
        lambda at: {"gemessen": time(at), "user": who(at), "features": [1.5, 2.0], "label": "ab"[at % 2]}
    )
    assert places(found)["time"] == "gemessen"


def test_two_fields_of_moments_are_a_doubt_and_an_answer_or_an_input_holds_none() -> None:
    def one(at: int, **more: Any) -> Row:
        row = plain(at, gemessen=when(at), response={"until": when(at + 1)}, **more)
        del row["ts"]
        return row

    assert places(understood(one))["time"] == "gemessen"
    doubted = guess([one(at, erfasst=when(at)) for at in range(ROWS)], "model")
    assert doubted.doubts == ["several times are as good: gemessen, erfasst"]
    numbers = guess([{"a": 1_767_603_600 + at, "user": who(at), "label": "ab"[at % 2]} for at in range(ROWS)], "model")
    assert "no field holds a time" in numbers.doubts


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models/fraud:predict", "fraud"),
        ("/v2/models/fraud/versions/3/infer", "fraud"),
        ("/predictions/fraud?x=1", "fraud"),
        ("POST /v1/models/fraud:predict HTTP/1.1", "fraud"),
        ("/score", None),
    ],
)
def test_a_path_names_the_model(path: str, model: str | None) -> None:
    name = "request" if " " in path else "path"
    about = understood(lambda at: plain(at, user=who(at), **{name: path})).columns.get("model")
    assert (about and about.path[0]) == (name if model else None)


def test_models_that_a_caller_makes_up_are_none() -> None:
    found = understood(lambda at: plain(at, path=f"/v1/models/m{at}:predict"))
    assert found.columns["model"].otherwise == "model"
    many = guess([plain(at, path=f"/v1/models/m{at}:predict") for at in range(200)], "model")
    assert many.map is not None
    assert "model" not in many.map.columns


@pytest.mark.parametrize("name", ["p", "conf", "certainty"])
def test_a_share_beside_an_answer_is_its_score(name: str) -> None:
    def one(at: int, value: float) -> Row:
        return {"ts": when(at), "user": who(at), "age": at, "label": "ab"[at % 2], name: value}

    assert places(understood(lambda at: one(at, at / 60)))["scores"] == name
    pressure = understood(lambda at: one(at, 950 + at / 7))
    assert "scores" not in pressure.columns
    assert name in {feature.name for feature in pressure.features}


def test_what_a_serialiser_says_of_an_object_is_no_feature() -> None:
    def one(at: int) -> Row:
        said = {"$type": "Request", "__class__": "R", "self": "<obj>", "age": at, "city": "xy"[at % 2]}
        return {"ts": when(at), "user": who(at), "input": said, "label": "ab"[at % 2]}

    assert [feature.name for feature in understood(one).features] == ["age", "city"]


MONEY = {
    "$1,250.50": 1250.5,
    "-$3": -3.0,
    "12.5 €": 12.5,
    "CHF 7": 7.0,
    "£2.5": 2.5,
    "8 USD": 8.0,
    "7": 7.0,
}


@pytest.mark.parametrize(("amount", "value"), MONEY.items())
def test_an_amount_of_money_is_a_number(amount: str, value: float) -> None:
    numbers, problems = NamedFeatures((MapFeature(name="a"), MapFeature(name="b")), [(), ()], ".").of([[amount], [1]])
    assert pa.array(numbers).to_pylist() == [[value, 1.0]]
    assert not problems


def test_a_column_of_money_is_a_feature_and_no_category() -> None:
    said = understood(
        lambda at: {"ts": when(at), "user": who(at), "income": f"${1_000 + at:,}.50", "age": at, "label": "ab"[at % 2]}
    )
    assert [(one.name, one.kind) for one in said.features] == [("age", "number"), ("income", "number")]


def test_a_log_of_calls_without_callers_has_no_features() -> None:
    """As Azure's traffic log says it: sizes of payloads are nothing that a model was given."""
    found = understood(
        lambda at: {
            "TimeGenerated [UTC]": f"1/13/2026, 8:{at:02}:13.159 AM",
            "Path": "/score",
            "ResponseCode": "200",
            "RequestPayloadSize": str(100 + at),
            "ResponsePayloadSize": str(at),
            "XRequestId": f"r{at}",
            "UserAgent": "python",
        }
    )
    assert not found.features
    assert {"time", "status", "request_id", "operation"} <= set(found.columns)


@pytest.mark.parametrize(("label", "score"), [("is_anomaly", "anomaly_score"), ("is_fraud", "fraud_probability")])
def test_what_a_detector_of_the_service_answers_is_an_answer(label: str, score: str) -> None:
    found = understood(
        lambda at: {
            "ts": when(at),
            "user": who(at),
            "window": [[1.5, at], [2.5, 1]],
            label: at % 3 == 0,
            score: at / 60,
        }
    )
    told = places(found)
    assert (told["input"], told["label"], told["scores"]) == ("window", label, score)


def test_rows_of_objects_with_lists_of_answers_are_unrolled() -> None:
    def one(at: int) -> Row:
        rows = [{"age": at, "amount": 1.5}, {"age": at + 1, "amount": 2.5}, {"age": 3, "amount": at}]
        return {"ts": when(at), "key_name": who(at), "rows": rows, "preds": ["a", "b", "a"], "probas": [[0.5, 0.5]] * 3}

    told = places(understood(one))
    assert (told["label"], told["scores"], told["principal"]) == ("preds[]", "probas[]", "key_name")


def test_objects_of_a_grpc_service_are_what_was_asked() -> None:
    def one(at: int) -> Row:
        said = {
            "grpc.request.content": {"age": at, "city": "xy"[at % 2]},
            "grpc.response.content": {"label": "ab"[at % 2]},
        }
        return {"ts": when(at), "auth.sub": who(at), "grpc.time_ms": at, **said}

    found = understood(one)
    assert [feature.name for feature in found.features] == ["age", "city"]
    assert places(found)["label"].endswith("label")


def test_a_list_of_classes_beside_their_scores_names_the_answer() -> None:
    def one(at: int, names: list[str]) -> Row:
        said = {"classes": names, "scores": [at / 60, 1 - at / 60]}
        return {"ts": when(at), "user": who(at), "features": [1.5, at], "prediction": said}

    assert understood(lambda at: one(at, ["no", "yes"])).columns["scores"].classes == ("no", "yes")
    for odd in (["no", "no"], ["no"], ["no", "yes", "perhaps"], ["", "yes"]):
        assert not understood(lambda at, odd=odd: one(at, odd)).columns["scores"].classes
    assert not understood(lambda at: one(at, ["no", f"yes {at}"])).columns["scores"].classes


CREDENTIALS = [
    "api_token",
    "auth_token",
    "accessToken",
    "client_secret",
    "session_cookie",
    "user_password",
    "jwt",
    "x-auth-token",
]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_stands_in_no_map_and_in_no_event(name: str) -> None:
    secret = "s3cr3t-{}-f00d"
    rows = [
        {"ts": when(at), "age": at, "amount": 1.5 * at, name: secret.format(at % 5), "decision": "ab"[at % 2]}
        for at in range(ROWS)
    ]
    found = guess(rows, "model").map
    assert found is not None
    assert "s3cr3t" not in found.model_dump_json()
    assert [one.name for one in found.features] == ["age", "amount"]
    assert all(about.secret for about in found.columns.values() if name in about.path)


def test_what_says_something_of_a_credential_in_numbers_is_a_feature() -> None:
    rows = [{"ts": when(at), "age": at, "has_password": at % 2, "decision": "ab"[at % 3 % 2]} for at in range(ROWS)]
    found = guess(rows, "model").map
    assert found is not None
    assert [one.name for one in found.features] == ["age", "has_password"]


def test_a_token_tells_callers_apart_better_than_an_address() -> None:
    one = understood(lambda at: plain(at, client=f"10.0.0.{at % 3}", api_token=f"tok-{at % 7}-aa"))
    assert places(one)["principal"] == "api_token"
    alone = understood(lambda at: plain(at, client=f"10.0.0.{at % 3}"))
    assert places(alone)["principal"] == "client"
