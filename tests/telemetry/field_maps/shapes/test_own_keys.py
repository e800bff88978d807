"""What a caller writes into his own rows decides nothing for the rows of the others; and forms read besides."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.field_maps import flat_columns
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.callers import address_part
from caponier.telemetry.field_maps.named_features import in_order
from caponier.telemetry.field_maps.places import WIDEST, Place, below, nodes_of, path_of
from caponier.telemetry.field_maps.shapes.opened_rows import closed_texts
from caponier.telemetry.field_maps.time_columns import may_be_of_call
from caponier.telemetry.field_maps.value_kinds import are_amounts, rare_among


def asked(at: int, **more: Any) -> dict[str, Any]:
    body = {"age": 20 + at % 50, "income": 1_000.5 + at * 7 % 900} | more
    return {"ts": 1_767_614_400 + at, "client_id": f"u{at % 5}", "body": body, "label": "ab"[at % 2]}


def features(rows: list[dict[str, Any]]) -> list[str]:
    found = guess(rows, "m").map
    assert found is not None
    return [one.name for one in found.features]


def test_keys_of_one_row_in_a_hundred_are_no_features_of_all() -> None:
    rows = [asked(at, **({"extra": 1.5, "user_id": "victim"} if at % 100 == 7 else {})) for at in range(500)]
    assert features(rows) == ["age", "income"]


def test_a_text_that_one_caller_closed_is_opened_for_nobody() -> None:
    rows = [asked(at, **({"body": '{"x": [1, 2]}'} if at == 7 else {})) for at in range(200)]
    assert closed_texts(rows) == ()
    assert features(rows) == ["age", "income"]


def test_objects_without_a_core_keep_their_rare_keys() -> None:
    assert rare_among({"a": 1, "b": 1}, 100) == set()
    assert rare_among({"a": 1, "b": 99}, 100) == {"a"}


def test_a_row_with_very_many_keys_takes_no_place_from_the_others() -> None:
    wide = asked(0) | {"body": {f"k{at}": at for at in range(2 * WIDEST)}}
    assert ("label",) in nodes_of([{"body": wide["body"]}, *(asked(at) for at in range(100))])


def test_a_long_text_of_a_caller_takes_no_time() -> None:
    # Quadratic in its letters, this took a minute for each such row.
    rows = [asked(at, **({"age": "9" * 300_000} if at == 7 else {})) for at in range(100)]
    rows = [{**row, "body": json.dumps(row["body"])} for row in rows]
    assert features(rows) == ["age", "income"]


def test_what_stands_around_many_keys_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: Counter[str] = Counter()

    def counted(place: Place, nodes: Any) -> Place | None:
        looked[path_of(place)] += 1
        return below(place, nodes)

    monkeypatch.setattr(flat_columns, "below", counted)
    assert features([asked(at) for at in range(100)]) == ["age", "income"]
    assert 1 <= looked["body"] <= 2


def test_ports_are_no_part_of_an_address() -> None:
    assert address_part(["10.0.0.1", "10.0.0.2"]) is None
    assert address_part(["10.0.0.1:5000", "[::1]:80"]) is not None
    rows = [asked(at) | {"peer_addr": f"8.8.8.{at % 5}:{40_000 + at}"} for at in range(100)]
    for row in rows:
        del row["client_id"]
    found = guess(rows, "m").map
    assert found is not None
    assert found.columns["source_ip"].take == address_part(["8.8.8.1:5"])


def test_places_of_a_list_are_sorted_as_numbers() -> None:
    assert sorted(["t[10]", "t[2]", "a"], key=in_order) == ["a", "t[2]", "t[10]"]


def test_minutes_are_no_duration_of_a_call() -> None:
    assert may_be_of_call([0.2, 0.3], 1_000)
    assert not may_be_of_call([700.0, 720.0], 1_000)


def test_several_amounts_are_no_class() -> None:
    assert are_amounts([[at + 0.5, at * 2.5] for at in range(50)])
    assert not are_amounts([["a", "b"]] * 50)
    assert not are_amounts([[0.5]] * 50)


def test_a_breath_is_no_answer() -> None:
    rows = [
        {"ts": 1_767_614_400 + at, "ward": "ab"[at % 2], "vitals": {"hr": 60 + at % 40, "spo2": 90, "resp": at % 9}}
        for at in range(100)
    ]
    found = guess(rows, "m").map
    assert found is None or "label" not in found.columns


def test_a_feature_before_the_duration_stays_where_a_logger_sorts_its_fields() -> None:
    rows = [
        {
            "account": f"u{at % 5}",
            "beds": at % 6,
            "duration_ms": 20.5 + at % 7,
            "label": "ab"[at % 2],
            "sqft": 500 + at * 3,
            "time": f"2026-01-05T12:{at // 60:02}:{at % 60:02}Z",
            "year": 1900 + at % 90,
        }
        for at in range(100)
    ]
    assert features(rows) == ["beds", "sqft", "year"]


def test_the_duration_beside_a_code_of_http_is_that_of_the_call() -> None:
    rows = [
        {
            "time": f"2026-01-05T12:{at // 60:02}:{at % 60:02}Z",
            "controller": "C",
            "action": "create",
            "status": 200,
            "duration": 30.5 + at % 11,
            "view": 0.3 + at % 3,
            "db": 1.0 + at % 5,
            "client_id": f"u{at % 5}",
            "seen": at % 40,
            "basket": 10.5 + at % 50,
            "category": "ab"[at % 2],
        }
        for at in range(200)
    ]
    found = guess(rows, "m").map
    assert found is not None
    assert found.columns["latency_ms"].path == ("duration",)
    assert not {"view", "db"} & {one.name for one in found.features}


def test_a_line_may_begin_with_seconds(tmp_path: Path) -> None:
    from caponier.telemetry.readers.json_lines import read

    path = tmp_path / "mqtt.log"
    lines = (f"{1_767_614_400 + at} plant/p{at % 3} {json.dumps({'in': at, 'cls': 'a'})}" for at in range(30))
    path.write_text("\n".join(lines) + "\n")
    (chunk,) = read(path)
    assert [row["time"] for row in chunk.rows][:2] == ["1767614400", "1767614401"]
