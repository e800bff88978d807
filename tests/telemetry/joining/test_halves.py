"""Records of one request become one event, whatever order they come in, and nobody makes another's event disappear."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry.events import NO_IDS, read_events
from caponier.telemetry.joining import halves
from caponier.telemetry.rejections import RejectedRows
from telemetry.conftest import Reading, reading

START = 1_767_571_200_000
Row = dict[str, Any]
Write = Callable[..., Path]


def asked(key: Any, at: int = 0, x: float = 1.0, **more: Any) -> Row:
    return {"ts": START + at, "request_id": key, "features": [x, 2.5], **more}


def told(key: Any, at: int = 0, **more: Any) -> Row:
    return {"ts": START + at, "request_id": key, **more}


def joined(tmp_path: Path, *files: Sequence[Row]) -> Reading:
    paths = []
    for place, rows in enumerate(files):
        path = tmp_path / f"{place}.jsonl"
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        paths.append(path)
    return reading(*paths)


def shown(found: Reading, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in sorted(found.rows, key=lambda row: (row["time"], str(row)))]


def test_an_answer_in_another_file_comes_to_its_question(tmp_path: Path) -> None:
    found = joined(
        tmp_path,
        [told(key, 40, prediction=f"p{key}", status=200) for key in reversed(range(9))],
        [asked(key, key, float(key), user=f"u{key % 2}") for key in range(9)],
    )
    assert shown(found, "request_id", "label", "status") == [(str(key), f"p{key}", 200) for key in range(9)]
    assert all(row["principal"] and row["input"] for row in found.rows)
    assert found.rejected == []


def test_nothing_is_overwritten_and_what_contradicts_stays(tmp_path: Path) -> None:
    """Who sends an id that another one used changes nothing of that one's event, and keeps his own."""
    found = joined(
        tmp_path,
        [asked("a", user="alice", prediction="x"), asked("b", 5, user="bob")],
        [told("a", 1, user="mallory", status=401), told("b", 6, user="bob", status=200, prediction="y")],
    )
    assert len(found.rows) == 3
    first, second, third = sorted(found.rows, key=lambda row: row["time"])
    assert (first["label"], first["status"]) == ("x", None)
    assert (second["input"], second["status"]) == (None, 401)
    assert (third["label"], third["status"]) == ("y", 200)


def test_of_several_requests_of_one_id_each_has_what_is_nearest(tmp_path: Path) -> None:
    hour = 3_600_000
    found = joined(
        tmp_path,
        [asked("a", at * hour, float(at)) for at in range(3)],
        [told("a", at * hour + 20, prediction=f"p{at}") for at in (2, 0)] + [told("a", 9 * hour, prediction="late")],
    )
    assert shown(found, "label") == [("p0",), (None,), ("p2",), ("late",)]


def test_an_id_that_somebody_floods_is_not_joined_and_costs_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "MOST_ALIKE", 4)
    found = joined(
        tmp_path,
        [*(asked("a", at) for at in range(6)), asked("b", 9)],
        [*(told("a", at, prediction="x") for at in range(6)), told("b", 9, prediction="y")],
    )
    assert sum(row["input"] is not None for row in found.rows) == 7
    assert [row["label"] for row in found.rows if row["input"] and row["request_id"] == "b"] == ["y"]
    assert len(found.rows) == 13


def test_each_example_of_a_request_has_its_own_answer_and_all_have_one_caller(tmp_path: Path) -> None:
    batch = {"ts": START, "request_id": "a", "instances": [[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]]}
    other = {"ts": START, "request_id": "b", "instances": [[1.5, 2.5], [3.5, 4.5]]}
    found = joined(
        tmp_path,
        [batch, other],
        [told("a", 3, remote_addr="203.0.113.9", status=200, uri="/predict")] * 1
        + [told("b", 3, remote_addr="203.0.113.8", status=200, uri="/predict")],
    )
    assert len(found.rows) == 5
    assert [row["source_ip"] for row in found.rows] == ["203.0.113.9"] * 3 + ["203.0.113.8"] * 2


def test_a_log_in_our_own_schema_is_never_joined(tmp_path: Path) -> None:
    """A guard logs every request once: whoever chooses the id of one has another event of his own."""
    plain = {"time": START, "model": "m", "operation": "predict", "request_id": "a"}
    found = joined(tmp_path, [{**plain, "input": [1.0]}, {**plain, "status": 400, "principal": "k-1"}])
    assert len(found.rows) == 2


def test_answers_far_from_their_questions_are_found(tmp_path: Path) -> None:
    many = 6_000
    answers = [told(key, key + 9, prediction="x") for key in reversed(range(many))]
    found = joined(tmp_path, [asked(key, key) for key in range(many)], answers)
    assert len(found.rows) == many
    assert {row["label"] for row in found.rows} == {"x"}


def test_logs_whose_ids_have_nothing_in_common_stay_as_they_are(tmp_path: Path) -> None:
    found = joined(tmp_path, [asked("a")], [told("b", prediction="x")])
    assert len(found.rows) == 2


def test_a_gateway_without_an_id_in_common_is_told(tmp_path: Path) -> None:
    rows = {
        "service": [{"ts": START + at, "features": [1.5, float(at)], "prediction": "x"} for at in range(9)],
        "gateway": [
            {"time": START + at, "remote_addr": "203.0.113.9", "status": 200, "uri": "/predict"} for at in range(9)
        ],
    }
    paths = []
    for name, held in rows.items():
        paths.append(tmp_path / f"{name}.jsonl")
        paths[-1].write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in held))
    report = RejectedRows()
    assert sum(events.batch.num_rows for events in read_events(paths, report)) == 18
    assert NO_IDS in report.told


KEYS = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(0, 3_000_000)
USERS = st.sampled_from([None, "u", "v"])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(KEYS, TIMES, USERS), min_size=1, max_size=8),
    st.lists(st.tuples(KEYS, TIMES, USERS, st.sampled_from(["p", "q"])), max_size=8),
    st.randoms(use_true_random=False),
)
def test_no_question_gets_lost_and_order_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, questions: Any, answers: Any, chance: Any
) -> None:
    first = [asked(key, at, **({"user": user} if user else {})) for key, at, user in questions]
    second = [told(key, at, prediction=said, **({"user": user} if user else {})) for key, at, user, said in answers]
    found = joined(tmp_path_factory.mktemp("a"), first, second)
    assert sum(row["input"] is not None for row in found.rows) == len(first)
    assert len(found.rows) <= len(first) + len(second)
    users = sorted(str(row["principal"]) for row in found.rows if row["input"] and row["principal"])
    assert len(users) >= sum(user is not None for _, _, user in questions)
    chance.shuffle(second)
    again = joined(tmp_path_factory.mktemp("b"), second, first)
    assert len(again.rows) == len(found.rows)
