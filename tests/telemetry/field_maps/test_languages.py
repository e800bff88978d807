"""Logs whose fields are named in other languages than English are read by the same rules."""

from typing import Any

import pytest

from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.readers.field_names import normal

ROWS = 40
# Time, who asked, model, what was asked, answer, its score.
NAMED = {
    "Portuguese": ("data_hora", "usuário_id", "modelo", "dados", "previsão", "probabilidade"),
    "Portuguese, other words": ("Recebido_em", "cliente_api", "nome_modelo", "variáveis", "decisão", "pontuação"),
    "Dutch": ("tijdstip", "gebruiker", "model", "kenmerken", "beslissing", "waarschijnlijkheid"),
    "Polish": ("znacznik_czasu", "użytkownik", "model", "cechy", "decyzja", "prawdopodobieństwo"),
    "Swedish": ("tidpunkt", "användare", "modell", "indata", "prediktion", "sannolikhet"),
    "Turkish": ("zaman", "müşteri", "model", "girdi", "tahmin", "olasilik"),
    "Russian": ("время", "пользователь", "модель", "признаки", "прогноз", "вероятность"),
    "Japanese": ("日時", "ユーザーID", "モデル", "特徴量", "予測結果", "確率"),
    "Japanese, other words": ("タイムスタンプ", "利用者", "モデル名", "入力データ", "判定結果", "スコア"),
    "Chinese": ("请求时间", "用户ID", "模型", "特征", "预测结果", "置信度"),
    "Korean": ("요청시간", "사용자", "모델", "입력값", "예측결과", "확률"),
    "German": ("Eingang", "Anwender", "Modell", "Merkmale", "Vorhersage", "Konfidenz"),
}


def when(at: int) -> str:
    return f"2026-03-02T08:{at // 60:02d}:{at % 60:02d}Z"


@pytest.mark.parametrize("names", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("is_object", [False, True], ids=["list", "object"])
def test_a_log_is_read_in_its_own_language(names: tuple[str, ...], is_object: bool) -> None:
    time, who, model, asked, answer, score = names
    rows: list[dict[str, Any]] = [
        {
            time: when(at),
            who: f"desk-{at % 4}",
            model: "m",
            asked: {"a": at, "b": at % 3} if is_object else [0.5, float(at)],
            answer: "ja" if at % 3 else "nein",
            score: round(0.5 + at / 100, 3),
        }
        for at in range(ROWS)
    ]
    found = guess(rows, "model")
    assert found.map is not None
    assert not found.doubts
    held = {column: about.path[0] for column, about in found.map.columns.items()}
    told = {"time": time, "principal": who, "model": model, "label": answer, "scores": score}
    assert held == (told if is_object else {**told, "input": asked})
    assert [one.name for one in found.map.features] == (["a", "b"] if is_object else [])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("モデル", "モデル"),
        ("データ", "データ"),
        ("パス", "パス"),
        ("ユーザーID", "ユーザーid"),
        ("サーバー Name", "サーバー_name"),
        ("사용자", "사용자"),
        ("Größe", "große"),
        ("Décision", "decision"),
        ("versão_do_modelo", "versao_do_modelo"),
    ],
)
def test_marks_that_make_another_letter_are_kept_and_accents_are_not(written: str, name: str) -> None:
    assert normal(written) == name


@pytest.mark.parametrize(
    "name", ["Ausfallwahrscheinlichkeit", "Kundenwahrscheinlichkeit", "probabilité_defaut", "違約確率", "违约概率"]
)
@pytest.mark.parametrize("comma", [False, True])
def test_a_share_next_to_the_answer_is_its_score_though_its_name_is_one_word(name: str, comma: bool) -> None:
    rows = [
        {
            "Zeitstempel": when(at),
            "Benutzer": f"desk-{at % 4}",
            "Alter": 20 + at,
            name: f"{at / 77:.3f}".replace(".", "," if comma else "."),
            "Ergebnis": "ab"[at > ROWS // 2],
        }
        for at in range(ROWS)
    ]
    found = guess(rows, "model").map
    assert found is not None
    assert found.columns["scores"].path == (name,)
    assert [one.name for one in found.features] == ["Alter"]
    assert found.decimal == ("," if comma else ".")


@pytest.mark.parametrize("name", ["fecha", "Zeitpunkt", "data_hora", "horodatage"])
def test_days_come_before_months_where_the_name_is_of_a_language_that_writes_so(name: str) -> None:
    rows = [{name: f"02/03/2026 08:00:{at:02d}", "user": f"u{at % 4}", "features": [at, 1.5]} for at in range(ROWS)]
    found = guess(rows, "model")
    assert found.clear
    assert found.map is not None
    assert found.map.columns["time"].format == "%d/%m/%Y %H:%M:%S"
    assert any("days" in one for one in found.remarks)


@pytest.mark.parametrize("name", ["time", "data_time", "timestamp"])
def test_days_and_months_stay_a_doubt_where_no_language_says_which_comes_first(name: str) -> None:
    rows = [{name: f"02/03/2026 08:00:{at:02d}", "user": f"u{at % 4}", "features": [at, 1.5]} for at in range(ROWS)]
    assert any("name the right one under format" in one for one in guess(rows, "model").doubts)
