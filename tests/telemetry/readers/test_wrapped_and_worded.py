"""Access lines in what carried them, Loki's answers, and the words that Python writes where JSON has none."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.readers.pattern_lines import bare, read
from caponier.telemetry.rejections import NUMBER
from telemetry.conftest import reading

WIDEST = float(np.finfo(np.float32).max)
KNOWN = MapChoice(known=shipped_maps())
NINE = "2026-03-02T09:00:0{at}"
ACCESS = '203.0.113.7 - - [02/Mar/2026:09:00:0{at} +0000] "POST /v2/models/fraud/infer HTTP/1.1" 200 12 "-" "curl"'
WRAPPED = {
    "bare": ACCESS,
    "CRI": NINE + ".123456789Z stdout F " + ACCESS,
    "syslog": "Mar  2 09:00:0{at} lb1 nginx[7]: " + ACCESS,
    "RFC 3339 in syslog": "<13>" + NINE + "Z lb1 nginx: " + ACCESS,
}
LINES = {
    "gin": '[GIN] 2026/03/02 - 09:00:0{at} | 200 |   1.2ms |  203.0.113.7 | POST     "/api/generate"',
    "uvicorn": '2026-03-02 09:00:0{at},123 INFO:   203.0.113.7:51000 - "POST /v2/models/fraud/infer HTTP/1.1" 200 OK',
    "its logger": '2026-03-02 09:00:0{at} - uvicorn.access - 203.0.113.7:5 - "POST /predict HTTP/1.1" 200 OK',
}


def rows(path: Path, lines: list[str]) -> list[dict[str, Any]]:
    path.write_text("\n".join(lines) + "\n")
    found = reading(path, maps=KNOWN)
    assert not found.rejected
    return found.rows


@pytest.mark.parametrize("text", [*WRAPPED.values(), *LINES.values()], ids=[*WRAPPED, *LINES])
def test_an_access_line_is_one_in_whatever_carried_it(text: str, tmp_path: Path) -> None:
    found = rows(tmp_path / "a.log", [text.replace("{at}", str(at)) for at in range(3)])
    assert [row["time"].isoformat()[:19] for row in found] == [NINE.format(at=at) for at in range(3)]
    assert {row["source_ip"] for row in found} == {"203.0.113.7"}
    assert {row["status"] for row in found} == {200}
    assert {row["operation"] for row in found} == {"predict"}


def test_docker_keeps_access_lines_in_objects(tmp_path: Path) -> None:
    kept = [
        orjson.dumps(
            {"log": ACCESS.format(at=at) + "\n", "stream": "stdout", "time": NINE.format(at=at) + "Z"}
        ).decode()
        for at in range(3)
    ]
    assert [row["model"] for row in rows(tmp_path / "a.log", kept)] == ["fraud"] * 3


@pytest.mark.parametrize("line", [b'{"log": 1, "stream": 2, "time": 3}', b'{"log":', b'{"log":"x"}', b"plain", b""])
def test_what_nothing_carried_stays_as_it_is(line: bytes) -> None:
    assert bare(line) == line


RECORD = '{"user": "u%d", "features": {"age": %d, "amount": 1.5}, "prediction": 1}'


@pytest.mark.parametrize("whole", [True, False], ids=["an answer", "a push"])
def test_the_lines_of_loki_are_records_with_its_times(whole: bool, tmp_path: Path) -> None:
    values = [[str((1_772_442_000 + at) * 10**9), RECORD % (at, 20 + at)] for at in range(3)]
    streams = [{"stream": {"app": "fraud"}, "values": values}]
    document = (
        {"status": "success", "data": {"resultType": "streams", "result": streams}} if whole else {"streams": streams}
    )
    found = rows(tmp_path / "a.json", [orjson.dumps(document).decode()])
    assert [row["time"].isoformat()[:19] for row in found] == [NINE.format(at=at) for at in range(3)]
    assert [row["input"] for row in found] == [[20 + at, 1.5] for at in range(3)]


def test_what_is_data_of_its_own_is_no_answer_of_loki(tmp_path: Path) -> None:
    lines = [f'{{"ts": "{NINE.format(at=at)}Z", "user": "u", "data": {{"age": {at}, "b": 2}}}}' for at in range(3)]
    assert len(rows(tmp_path / "a.jsonl", lines)) == 3


WORDED = '{{"ts": "{time}Z", "user": "NaN-{at}", "features": {{"a": {a}, "b": {at}}}, "score": 0.5}}'


def test_a_word_for_no_number_is_missing_and_not_the_whole_row(tmp_path: Path) -> None:
    word = "NaN"
    lines = [WORDED.format(time=NINE.format(at=at), at=at, a=word if at == 1 else at) for at in range(3)]
    first, second, third = rows(tmp_path / "a.jsonl", lines)
    assert (first["input"][0], third["input"][0]) == (0.0, 2.0)
    assert second["input"][0] is None or second["input"][0] != second["input"][0]
    assert second["input"][1] == 1.0


@pytest.mark.parametrize(("word", "number"), [("Infinity", WIDEST), ("-Infinity", -WIDEST)])
def test_infinity_is_the_largest_number_that_there_is_as_for_the_guard(
    word: str, number: float, tmp_path: Path
) -> None:
    lines = [WORDED.format(time=NINE.format(at=at), at=at, a=word if at == 1 else at) for at in range(3)]
    assert [row["input"][0] for row in rows(tmp_path / "a.jsonl", lines)] == [0.0, number, 2.0]


def test_in_the_event_schema_such_a_word_is_missing_too(tmp_path: Path) -> None:
    """The guard reads the same body so; a caller who writes NaN would else be in no log that is scanned."""
    path = tmp_path / "a.jsonl"
    good = f'{{"time": "{NINE.format(at=1)}Z", "model": "m", "operation": "predict", "input": [1]}}'
    path.write_text(good + "\n" + good.replace("[1]", "[NaN]") + "\n")
    found = reading(path, maps=KNOWN)
    assert [row["input"] == [1.0] for row in found.rows] == [True, False]
    assert (found.rejected, found.mended) == ([], [(2, NUMBER)])


@pytest.mark.parametrize(
    "held",
    [
        {"data": {"result": [{"stream": {}, "values": [["1767225600000000000", '{"principal": "ada"}']]}]}},
        {"streams": [{"stream": {}, "values": [["1767225600000000000", '{"principal": "ada"}']]}]},
        {"events": [{"message": '{"principal": "ada", "time": "2026-01-01T00:00:00Z"}'}]},
    ],
    ids=["an answer of Loki", "a push to Loki", "events of CloudWatch"],
)
def test_a_question_in_the_form_of_a_carrier_makes_no_record_of_somebody_else(held: dict[str, Any]) -> None:
    record = {"time": "2026-01-01T00:00:00Z", "model": "m", "principal": "eve", **held}
    assert CarriedRecords().rows(orjson.dumps(record)) == [record]


def test_a_text_without_end_among_words_takes_no_long() -> None:
    with pytest.raises(ValueError, match="bad JSON"):
        CarriedRecords().rows(b'{"a": NaN, "b": "' + b'\\"' * 200_000)


def test_a_map_that_is_meant_for_lines_of_syslog_fits_them_still(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("Mar  2 09:00:01 lb1 app[7]: GET /a\nGET /b\n")
    parts = [r"\w{3} +\d+ \S+ (?P<host>\S+) app\[\d+\]: (?P<path>.*)", r"(?P<path>GET.*)"]
    found = [[row for chunk in read(path, pattern) for row in chunk.rows or ()] for pattern in parts]
    assert found[0] == [{"host": "lb1", "path": "GET /a"}]
    assert [row["path"] for row in found[1]] == ["GET /a", "GET /b"]
