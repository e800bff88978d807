"""Amounts in the text of a log: what counts as a number while a map is guessed is read as one, in whatever form."""

import json
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.field_maps.answered.answers_in_words import answers_of_lines
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.value_kinds import FITS
from telemetry.conftest import reading

LISTS = {"per cent": "{:.1%}", "comma": "{:.3f}", "point": "{:.3f}"}


def written(form: str, amount: float) -> str:
    text = LISTS.get(form, "{:.3f}").format(amount)
    return text.replace(".", ",") if form == "comma" else text


def base(at: int) -> dict[str, Any]:
    return {"time": f"2026-01-05T09:{at // 60:02}:{at % 60:02}Z", "user": "abcd"[at % 4], "features": {"x": at * 0.5}}


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize("classes", [("cat", "dog"), None])
def test_scores_in_a_list_are_read_however_they_are_written(
    form: str, classes: tuple[str, ...] | None, tmp_path: Path
) -> None:
    rows, best = [], [0.6 + at % 30 / 100 for at in range(60)]
    for at in range(60):
        names = classes or (f"item{at % 7}", f"item{at % 7 + 1}")
        scored = zip(names, (best[at], 1 - best[at]), strict=True)
        rows.append(base(at) | {"ranking": [{"label": one, "score": written(form, share)} for one, share in scored]})
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["scores"][0] for row in reading(path).rows] == pytest.approx(best)


@pytest.mark.parametrize("form", LISTS)
def test_a_line_of_csv_that_is_an_answer_is_read_however_its_scores_are_written(form: str) -> None:
    told = answers_of_lines([f"cat,{LISTS[form].format(0.875)}"])
    assert told == [{"label": "cat", "scores": [0.875]}]


@pytest.mark.parametrize(("sign", "amount"), [(",", "12,5"), (".", "12.5"), (".", "12.5 ms"), (",", "0,0125 s")])
def test_a_duration_without_a_unit_is_told_by_its_size_with_either_sign(sign: str, amount: str, tmp_path: Path) -> None:
    rows = [base(at) | {"label": "ab"[at % 2], "latency": amount, "price": f"{at}{sign}5"} for at in range(40)]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert {row["latency_ms"] for row in reading(path).rows} == {12.5}


@pytest.mark.parametrize(
    ("amounts", "scale"),
    [
        ([0.012, 0.3, 0.25], 1_000),
        ([30, 45.5, 120], 1),
        ([6, 7.5, 9], 1),
        ([1.5, 2, 2.5], None),
        # Microseconds, or half a minute.
        ([30_000, 41_000, 52_000], None),
    ],
)
def test_a_duration_without_a_unit_is_read_where_only_one_is_likely(amounts: list[float], scale: float | None) -> None:
    rows = [base(at) | {"label": "ab"[at % 2], "latency": amounts[at % 3]} for at in range(60)]
    found = guess(rows, "model").map
    assert found is not None
    about = found.columns.get("latency_ms")
    assert (None if about is None else about.scale or 1) == scale


def test_the_time_since_a_program_was_started_is_no_duration() -> None:
    rows = [base(at) | {"label": "ab"[at % 2], "elapsed": {"seconds": 41.5 + 7 * at}} for at in range(60)]
    found = guess(rows, "model").map
    assert found is not None
    assert "latency_ms" not in found.columns


def test_a_cost_is_no_span_of_time(tmp_path: Path) -> None:
    rows = [base(at) | {"label": "ab"[at % 2], "cost": "3 m" if at == 30 else 0.5} for at in range(60)]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["cost"] for row in reading(path).rows] == [None if at == 30 else 0.5 for at in range(60)]


@pytest.mark.parametrize("form", ["{}", "{}%", "${}", "{},5"])
def test_amounts_in_any_form_are_told_to_rise_or_not(form: str) -> None:
    values = [form.format(at) for at in range(30)]
    assert not FITS["latency_ms"](values)
    assert not FITS["latency_ms"](["no number"] * 30)
