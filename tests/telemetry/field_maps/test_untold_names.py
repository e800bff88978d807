"""Logs of which names tell only a part: what is no feature, which answer has which score, who asked, and when."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.answered.class_scores import is_decided
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.callers import LAST_OUTER
from caponier.telemetry.field_maps.guess import GuessedMap
from caponier.telemetry.readers.carried import CarriedRecords

Row = dict[str, Any]
ROWS = 60


def when(at: int) -> str:
    return f"2026-03-02T08:{at // 60:02d}:{at % 60:02d}Z"


def share(at: int) -> float:
    return round((at * 37 % 97) / 100, 4)


def row(at: int, **more: Any) -> Row:
    return {"ts": when(at), "user": f"u{at % 4}", **more}


def told(one: Callable[[int], Row]) -> GuessedMap:
    return guess([one(at) for at in range(ROWS)], "model")


def understood(one: Callable[[int], Row]) -> FieldMap:
    found = told(one)
    assert found.map is not None
    assert not found.doubts
    return found.map


def places(one: FieldMap) -> dict[str, str]:
    return {name: about.path[0] for name, about in one.columns.items()}


def names(one: FieldMap) -> list[str]:
    return [feature.name for feature in one.features]


class TestNoFeatures:
    @pytest.mark.parametrize(
        "other",
        [
            "shadow_prediction",
            "challenger_label",
            "champion_score",
            "predicted_again",
            "threshold",
            "decision_threshold",
        ],
    )
    def test_another_answer_and_what_answers_are_measured_by_are_none(self, other: str) -> None:
        found = understood(lambda at: row(at, age=at, city="xyz"[at % 3], prediction=at % 2, **{other: share(at)}))
        assert names(found) == ["age", "city"]

    def test_a_column_called_so_is_one_where_no_answer_is_known(self) -> None:
        assert "predicted_rain" not in names(understood(lambda at: row(at, a=at, b=at % 3, predicted_rain=at % 2)))
        assert "shadow_length" in names(understood(lambda at: row(at, a=at, shadow_length=share(at))))

    @pytest.mark.parametrize("explained", ["shap_values", "feature_importance", "explanation", "reasons"])
    def test_what_explains_an_answer_is_none_though_it_has_the_names_of_all(self, explained: str) -> None:
        def one(at: int) -> Row:
            held = {"income": at, "debt": share(at), "age": 20 + at % 50}
            return row(at, applicant=held, decision="ab"[at % 2], **{explained: {key: share(at) for key in held}})

        found = understood(one)
        assert [feature.path for feature in found.features] == ["applicant.age", "applicant.debt", "applicant.income"]

    def test_an_object_says_more_of_what_was_asked_than_one_column_beside_it(self) -> None:
        found = understood(lambda at: row(at, bewerber={"a": at, "b": at % 7}, stufe=at % 5, decision="ab"[at % 2]))
        assert names(found) == ["a", "b"]
        found = understood(
            lambda at: row(at, age=at, income=at % 9, device={"w": at, "h": at % 5, "d": at % 3}, label=1)
        )
        assert names(found) == ["age", "income"]

    @pytest.mark.parametrize("name", ["image_sha256", "file_md5", "sample_hash"])
    def test_the_size_of_a_picture_is_none_where_a_digest_stands_for_it(self, name: str) -> None:
        found = understood(
            lambda at: row(at, width=600 + at % 3, height=at % 5, label="ab"[at % 2], **{name: f"{at:064x}"})
        )
        assert places(found)["input_digest"] == name
        assert not found.features
        found = understood(lambda at: row(at, width=600 + at % 3, label="ab"[at % 2], request_hash=f"{at:064x}"))
        assert names(found) == ["width"]

    def test_a_text_that_somebody_wrote_is_what_was_asked_and_not_its_language(self) -> None:
        def one(at: int) -> Row:
            return row(at, lang=["de", "en", "fr"][at % 3], comment=f"the {at} th was late again", label="ab"[at % 2])

        found = understood(one)
        assert places(found)["input_raw"] == "comment"
        assert not found.features

    @pytest.mark.parametrize("name", ["id_paciente", "article_id", "uuid_row"])
    def test_an_id_of_which_each_row_has_another_is_none(self, name: str) -> None:
        assert names(understood(lambda at: row(at, km=at % 9, label="ab"[at % 2], **{name: 7_000 + at * 3}))) == ["km"]
        assert name in names(understood(lambda at: row(at, km=at % 9, label="ab"[at % 2], **{name: 7_000 + at % 9})))

    def test_columns_that_were_put_out_are_answers_where_others_were_put_in(self) -> None:
        def one(at: int, way: str = "in") -> Row:
            return row(at, **{f"{way}_a": at, f"{way}_b": at % 7}, out_flag=at % 2 == 0, out_prob=share(at))

        found = understood(one)
        assert places(found) | {"label": "out_flag", "scores": "out_prob"} == places(found)
        assert names(found) == ["in_a", "in_b"]
        assert "out_flag" in names(understood(lambda at: one(at, "was")))

    @pytest.mark.parametrize(
        ("frame", "is_input"),
        [
            (lambda at: [[at, 1], [2, at]], True),
            (lambda at: [[at, 1], [2]], False),
            (lambda at: [[at, 1], [2, "x"]], False),
            (lambda at: [[[at, 1, 2]], [[3, 4, 5]]], True),
            (lambda at: [[1, 2], [3, 4]], False),
        ],
    )
    def test_lists_of_numbers_in_lists_are_an_input_under_any_name(
        self, frame: Callable[[int], Any], is_input: bool
    ) -> None:
        found = told(lambda at: row(at, aufnahme=frame(at), logits=[share(at) * 9, -1.5], argmax=at % 2))
        assert found.map is not None
        held = places(found.map)
        assert (held.get("input") == "aufnahme") is is_input
        assert held["label"] == "argmax"

    def test_a_text_beside_numbers_is_none(self) -> None:
        found = understood(lambda at: row(at, title=f"a nice flat number {at} here", rooms=at % 5, label="ab"[at % 2]))
        assert names(found) == ["rooms"]

    def test_a_text_that_never_changes_is_no_input(self) -> None:
        found = understood(
            lambda at: row(at, body="prediction", attributes={"ml.input": f"[{at}, 1.5]"}, label="ab"[at % 2])
        )
        assert places(found)["input"] == "attributes.ml\\.input"


class TestScores:
    @pytest.mark.parametrize("word", ["score", "probability", "prob", "confidence", "p", "likelihood"])
    def test_a_share_called_after_a_column_is_its_score_and_that_the_answer(self, word: str) -> None:
        found = understood(lambda at: row(at, claims=at % 4, route="xy"[at % 2], **{f"route_{word}": share(at)}))
        assert places(found)["label"] == "route"
        assert places(found)["scores"] == f"route_{word}"
        assert names(found) == ["claims"]

    def test_the_score_of_a_known_answer_shares_a_word_with_it(self) -> None:
        found = understood(
            lambda at: row(at, credit_score=share(at + 9), claims=at, predicted_risk="xy"[at % 2], risk_score=share(at))
        )
        assert places(found)["scores"] == "risk_score"
        assert names(found) == ["claims", "credit_score"]

    def test_a_score_has_the_classes_for_an_answer_after_which_it_is_called(self) -> None:
        found = understood(lambda at: row(at, window=[[at, 1.5]], anomaly=at % 9 == 0, anomaly_score=share(at)))
        assert places(found)["label"] == "anomaly"

    @pytest.mark.parametrize(
        ("name", "value"), [("purchase_probability", share), ("pd", share), ("price", lambda at: at * 1.7)]
    )
    def test_what_nothing_else_explains_is_the_answer(self, name: str, value: Callable[[int], float]) -> None:
        found = understood(lambda at: row(at, features={"a": at, "b": at % 3}, uri="/p", **{name: value(at)}))
        assert places(found)["scores"] == name

    @pytest.mark.parametrize("more", [{"other": 0.25}, {"cpu_load": 0.5}, {"sampling_rate": 0.5}])
    def test_of_two_that_nothing_explains_none_is_and_no_load_is(self, more: Row) -> None:
        name, weight = next(iter(more.items()))

        def one(at: int) -> Row:
            both = {"pd": share(at)} if name == "other" else {}
            return row(at, features={"a": at, "b": at % 3}, **both, **{name: share(at + 5) * weight})

        assert "scores" not in understood(one).columns

    @pytest.mark.parametrize("name", ["rain_probability", "battery", "match_confidence"])
    @pytest.mark.parametrize("is_object", [False, True])
    def test_a_share_next_to_an_answer_that_it_does_not_decide_is_no_score(self, name: str, is_object: bool) -> None:
        def one(at: int) -> Row:
            asked = {"a": at, "b": at % 7}
            return row(at, **({"features": asked} if is_object else asked), **{name: share(at)}, label="ab"[at % 2])

        assert "scores" not in understood(one).columns

    @pytest.mark.parametrize(
        ("answers", "decided"),
        [
            (lambda at: share(at) > 0.6, True),
            (lambda at: share(at) < 0.2, True),
            (lambda at: at % 2, False),
            (lambda at: 1, False),
            (lambda at: at % 3, False),
        ],
    )
    def test_a_share_decides_what_it_parts(self, answers: Callable[[int], Any], decided: bool) -> None:
        shares = [share(at) for at in range(ROWS)]
        assert is_decided([answers(at) for at in range(ROWS)], shares) is decided
        assert (
            is_decided([answers(at) for at in range(ROWS)], [f"{one}".replace(".", ",") for one in shares]) is decided
        )
        assert not is_decided([answers(at) for at in range(5)], shares[:5])

    @pytest.mark.parametrize("name", ["probabilidad", "score_de_risque"])
    def test_an_answer_or_a_score_is_told_by_the_other_where_one_decides_the_other(self, name: str) -> None:
        def one(at: int, answer: str) -> Row:
            return row(at, edad=at % 9, sexo="mf"[at % 2], **{answer: "ny"[share(at) > 0.6], name: share(at)})

        found = understood(lambda at: one(at, "diagnostico" if name == "probabilidad" else "decision"))
        assert (places(found)["label"][:1], places(found)["scores"]) == ("d", name)
        assert names(found) == ["edad", "sexo"]

    @pytest.mark.parametrize("sign", [".", ","])
    def test_scores_have_either_sign_and_a_broken_cell_decides_nothing(self, sign: str) -> None:
        def one(at: int) -> Row:
            both = [f"{part:.4f}".replace(".", sign) for part in (share(at), 1 - share(at))]
            return row(
                at, km=f"1{sign}{at}", label="ab"[at % 2], prob_a="broken" if at == 7 else both[0], prob_b=both[1]
            )

        found = understood(one)
        assert found.columns["scores"].parts == ("prob_a", "prob_b")
        assert names(found) == ["km"]

    def test_what_is_taken_for_lack_of_another_is_said_with_the_next_command(self) -> None:
        found = told(lambda at: row(at, features={"a": at, "b": at % 3}, price=at * 1.7))
        (said,) = (one for one in found.remarks if one.startswith("price is taken"))
        assert "caponier map guess" in said
        assert not any(
            "is taken" in one for one in told(lambda at: row(at, features=[at, 2], label="ab"[at % 2])).remarks
        )

    @pytest.mark.parametrize("name", ["moderation_label", "quality_label", "final_verdict"])
    def test_a_label_is_the_answer_where_it_has_a_score_and_else_a_feature(self, name: str) -> None:
        found = understood(lambda at: row(at, km=at, confidence=share(at), **{name: "abc"[at % 3]}))
        assert places(found)["label"] == name
        found = understood(lambda at: row(at, km=at, x1=at % 7, **{name: "abc"[at % 3]}))
        assert name in names(found)

    def test_scores_that_are_ranked_are_of_the_things_beside_them(self) -> None:
        def one(at: int) -> Row:
            items = [(at * 7 + step * 11) % 100 for step in range(3)]
            return row(at, features=[at, 1.5], ranked_items=items, scores=[0.9 - at / 1000, 0.5, 0.1])

        found = places(understood(one))
        assert (found["label"], found["scores"]) == ("ranked_items[0]", "scores[0]")


class TestWho:
    @pytest.mark.parametrize(
        "name",
        ["source_system", "caller_service", "calling_app", "requesting_team", "org", "team", "device_id", "sensor_no"],
    )
    def test_it_is_told_by_words(self, name: str) -> None:
        def one(at: int) -> Row:
            return {"ts": when(at), name: f"u{at % 4}", "features": [at, 1.5], "label": "ab"[at % 2]}

        assert places(understood(one))["principal"] == name

    def test_where_nobody_is_known_it_is_said_and_how_to_say_it(self) -> None:
        found = told(lambda at: {"ts": when(at), "kanal": f"k{at % 4}", "alter": at, "ergebnis": "ab"[at % 2]})
        (said,) = (one for one in found.remarks if "who asked" in one)
        assert "kanal" in said
        assert "alter" not in said
        assert "caponier map guess" in said
        assert "--map" in said
        assert not any("who asked" in one for one in told(lambda at: row(at, alter=at, label="ab"[at % 2])).remarks)

    def test_an_address_of_ones_own_proxy_in_all_rows_gives_way_to_the_one_behind_it(self) -> None:
        def one(at: int) -> Row:
            outer = f"203.0.113.{at % 5}, 10.1.0.{at % 2}"
            return {"ts": when(at), "remote_addr": "10.2.0.5", "x_forwarded_for": outer, "features": [at, 1.5]}

        about = understood(one).columns["source_ip"]
        assert about.path == ("x_forwarded_for",)
        assert about.take == LAST_OUTER
        seen = understood(lambda at: {**one(at), "remote_addr": f"198.51.100.{at % 5}"}).columns["source_ip"]
        assert seen.path == ("remote_addr",)


class TestWhen:
    def test_of_two_times_the_one_that_no_answer_is_before(self) -> None:
        found = told(
            lambda at: {"opened_at": when(at), "closed_at": when(at + 3), "user": f"u{at % 4}", "features": [at, 2]}
        )
        assert found.clear
        assert found.map is not None
        assert places(found.map)["time"] == "opened_at"
        assert any("closed_at comes after" in one for one in found.remarks)

    @pytest.mark.parametrize("other", [lambda at: when((at * 7) % ROWS), lambda at: f"2027-03-02T08:00:{at % 60:02d}Z"])
    def test_they_stay_a_doubt_where_neither_is_first_or_a_year_lies_between(self, other: Callable[[int], str]) -> None:
        found = told(
            lambda at: {"opened_at": when(at), "closed_at": other(at), "user": f"u{at % 4}", "features": [at, 2]}
        )
        assert any("several times" in one for one in found.doubts)

    @pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
    def test_numbers_that_rise_as_a_clock_does_are_named_and_not_read(self, unit: int) -> None:
        found = told(lambda at: {"iat": (1_772_438_424 + at) * unit, "user": f"u{at % 4}", "x": [at, 2.5]})
        assert any(one.startswith("iat rises") for one in found.doubts)
        found = told(lambda at: {"n": at, "user": f"u{at % 4}", "x": [at, 2.5]})
        assert found.doubts[:1] == ["no field holds a time"]
        assert not any("rises" in one for one in found.doubts)

    @pytest.mark.parametrize(("name", "kept"), [("t", False), ("event_ts", False), ("account_created_on", True)])
    def test_a_record_that_names_its_time_has_none_of_its_carrier(self, name: str, kept: bool) -> None:
        inner = json.dumps({name: when(0), "user": "u1", "features": [1, 2], "label": "a"})
        line = json.dumps({"@timestamp": when(2), "log": inner})
        (found,) = CarriedRecords().rows(line.encode())
        assert ("time" in found) is kept
