"""Several examples in a request, answers on lines of their own, and names in other languages than English."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.readers.field_names import normal
from telemetry.conftest import reading
from telemetry.field_maps.test_guess import written

Row = dict[str, Any]
START = 1_767_614_400


def examples(at: int) -> list[Row]:
    return [{"length": at + one, "colour": "rb"[one % 2]} for one in range(1 + at % 3)]


def batch(at: int, name: str = "batch", answers: str = "results", **kept: Any) -> Row:
    many = examples(at)
    return {
        "ts": START + at,
        "user": f"u{at % 3}",
        name: many,
        answers: [{"class": "ab"[(at + one) % 2], "scores": {"a": 0.25, "b": 0.75}} for one in range(len(many))],
    } | kept


@pytest.mark.parametrize("name", ["batch", "parcels", "Sendungen"])
@pytest.mark.parametrize("answers", ["results", "predictions", "Ergebnisse", "réponses"])
def test_objects_beside_as_many_answers_are_examples(name: str, answers: str, tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", [batch(at, name, answers) for at in range(40)]))
    assert len(found.rows) == sum(1 + at % 3 for at in range(40))
    row = found.rows[2]
    assert (row["label"], row["scores"], row["input"][1]) == ("a", [0.25, 0.75], 2.0)


def test_lists_of_numbers_are_examples_as_well(tmp_path: Path) -> None:
    rows = [
        {
            "requestTime": (START + at) * 1_000,
            "callerId": f"u{at % 3}",
            "inputVectors": [[0.5, at]] * (1 + at % 3),
            "predictedClasses": ["ab"[at % 2]] * (1 + at % 3),
        }
        for at in range(40)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert {tuple(row["input"]) for row in found.rows} == {(0.5, at) for at in range(40)}
    assert found.rows[1]["label"] == "b"


def test_objects_without_answers_beside_them_are_no_examples(tmp_path: Path) -> None:
    """What a service did on the way stands in lists of objects, too."""
    rows = [
        {"ts": START + at, "user": f"u{at % 3}", "steps": [{"ms": at}] * (1 + at % 3), "prediction": "ab"[at % 2]}
        for at in range(40)
    ]
    found = guess(rows, "model").map
    assert found is not None
    assert not [one for one in found.features if "steps" in (one.path or "")]


def test_the_only_class_and_the_only_amount_below_an_answer_are_it(tmp_path: Path) -> None:
    rows = [
        {
            "ts": START + at,
            "user": f"u{at % 3}",
            "features": {"x": at},
            "response": {"riskClass": "ab"[at % 2], "riskScore": at / 64, "took_ms": at, "pod": "p-1"},
        }
        for at in range(40)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert [(row["label"], row["scores"]) for row in found.rows[:2]] == [("a", [0.0]), ("b", [1 / 64])]


def test_of_several_amounts_below_an_answer_none_is_taken(tmp_path: Path) -> None:
    rows = [
        {"ts": START + at, "user": f"u{at % 3}", "features": {"x": at}, "response": {"q": at / 64, "r": at / 32}}
        for at in range(40)
    ]
    assert {row["scores"] and tuple(row["scores"]) for row in reading(written(tmp_path / "a.jsonl", rows)).rows} == {
        None
    }


def halves(at: int) -> list[Row]:
    key = f"r{at:04d}"
    asked = {"ts": START + at, "request_id": key, "user": f"u{at % 3}", "model": "fuel", "features": {"x": at, "y": 2}}
    return [asked, {"ts": START + at + 0.5, "request_id": key, "prediction": at + 0.25}]


def test_an_answer_on_its_own_line_needs_no_model(tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", [row for at in range(60) for row in halves(at)]))
    assert not found.rejected
    assert {row["model"] for row in found.rows} == {"fuel"}
    assert [row["scores"] for row in found.rows[:3]] == [[0.25], [1.25], [2.25]]


def test_a_line_without_a_model_is_rejected_where_nearly_all_name_one(tmp_path: Path) -> None:
    rows = [halves(at)[0] | {"prediction": "ab"[at % 2]} for at in range(60)]
    del rows[7]["model"]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert found.rejected == [(8, "no model")]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (["eta-prod", "eta-test"], {"eta-prod", "eta-test"}),
        (["predict", "predict_batch"], {"model"}),
        (["/score", "/v2/score"], {"model"}),
        (["eta prod", "eta test"], {"model"}),
    ],
)
def test_an_endpoint_that_is_no_path_and_no_function_names_a_model(
    named: list[str], told: set[str], tmp_path: Path
) -> None:
    rows = [
        {"ts": START + at, "user": f"u{at % 3}", "endpoint": named[at % 2], "features": {"x": at}, "prediction": "a"}
        for at in range(40)
    ]
    assert {row["model"] for row in reading(written(tmp_path / "a.jsonl", rows)).rows} == told


@pytest.mark.parametrize(
    ("user", "model", "asked", "label", "score"),
    [
        ("benutzer", "modell", "eingabedaten", "ergebnis", "wahrscheinlichkeit"),
        ("utilisateur", "modèle", "données", "décision", "probabilité"),
        ("usuario", "modelo", "datos", "predicción", "probabilidad"),
        ("utente", "modello", "dati", "esito", "probabilità"),
        ("Usuario", "Modelo", "Entrada", "Prediccion", "Puntuación"),
    ],
)
def test_names_of_other_languages(user: str, model: str, asked: str, label: str, score: str, tmp_path: Path) -> None:
    rows = [
        {"ts": START + at, user: f"u{at % 3}", model: "m", asked: {"x": at}, label: "ab"[at % 2], score: at / 64}
        for at in range(40)
    ]
    row = reading(written(tmp_path / "a.jsonl", rows)).rows[1]
    assert row["principal"]
    assert (row["model"], row["input"], row["label"], row["scores"]) == ("m", [1.0], "b", [1 / 64])


@pytest.mark.parametrize(("name", "said"), [("Prédiction", "prediction"), ("Größe", "große"), ("日付", "日付")])
def test_accents_make_no_other_name(name: str, said: str) -> None:
    assert normal(name) == said.replace("ö", "o")


def test_a_day_beside_a_time_of_day_says_when_whatever_both_are_called(tmp_path: Path) -> None:
    moments = [datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(minutes=7 * at) for at in range(40)]
    rows = [
        {
            "Data": f"{one:%Y-%m-%d}",
            "Ora": f"{one:%H:%M:%S}",
            "Utente": f"u{at % 3}",
            "Reddito": at,
            "Esito": "ab"[at % 2],
        }
        for at, one in enumerate(moments)
    ]
    assert [row["time"] for row in reading(written(tmp_path / "a.jsonl", rows)).rows] == moments


def test_a_birthday_alone_says_nothing_of_when(tmp_path: Path) -> None:
    rows = [
        {"born": f"19{50 + at}-01-02", "user": f"u{at % 3}", "x": at, "prediction": "ab"[at % 2]} for at in range(40)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert not found.rows
    assert found.reasons[0].startswith("no time")


def test_lists_beside_answers_come_before_single_columns(tmp_path: Path) -> None:
    rows = [
        {"t": START + at, "shelf": f"s{at % 4}", "items": examples(at), "predictions": [at + 0.25] * len(examples(at))}
        for at in range(60)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert {len(row["input"]) for row in found.rows} == {2}
    assert {(row["label"], len(row["scores"])) for row in found.rows} == {(None, 1)}


@pytest.mark.parametrize(
    ("name", "values", "is_taken"),
    [
        ("remote", ["10.0.0.1", "10.0.0.2", "2001:db8::1"], True),
        ("von", ["10.0.0.1", "10.0.0.2", "10.0.0.3"], True),
        ("server", ["10.0.0.1", "10.0.0.2", "10.0.0.3"], False),
        ("release", ["10.0.1", "10.0.2", "10.0.3"], False),
        ("remote", ["10.0.0.1", "10.0.0.1", "10.0.0.1"], False),
    ],
)
def test_addresses_are_told_by_what_they_are(name: str, values: list[str], is_taken: bool, tmp_path: Path) -> None:
    rows = [{"ts": START + at, name: values[at % 3], "features": {"x": at}, "prediction": "a"} for at in range(40)]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert (found.rows[0]["source_ip"] == values[0]) is is_taken


def test_of_two_fields_of_addresses_none_is_the_callers(tmp_path: Path) -> None:
    rows = [
        {"ts": START + at, "a": f"10.0.0.{at % 5}", "b": f"10.0.1.{at % 5}", "features": {"x": at}, "prediction": "a"}
        for at in range(40)
    ]
    assert reading(written(tmp_path / "a.jsonl", rows)).rows[0]["source_ip"] is None


@pytest.mark.parametrize(("name", "year"), [("EventTimeTicks", 2026), ("eventTimeNs", 1990)])
def test_a_name_tells_ticks_from_nanoseconds(name: str, year: int, tmp_path: Path) -> None:
    first = (datetime(2026, 1, 5, tzinfo=UTC) - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    rows = [{name: first + at, "user": f"u{at % 3}", "features": {"x": at}, "prediction": "a"} for at in range(40)]
    assert reading(written(tmp_path / "a.jsonl", rows)).rows[0]["time"].year == year
