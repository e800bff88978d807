import copy
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.linear_model import LogisticRegression

from caponier.errors import InputError
from caponier.telemetry import EventLog, Recorder
from telemetry.conftest import reading


class Model:
    """The sign of a sum, in the ways in which libraries answer."""

    classes_ = np.array(["minus", "plus"])

    def predict(self, rows: Any) -> Any:
        return self.classes_[(np.asarray(rows, float).sum(axis=1) > 0).astype(int)]

    def predict_proba(self, rows: Any) -> Any:
        plus = 1 / (1 + np.exp(-np.asarray(rows, float).sum(axis=1)))
        return np.column_stack([1 - plus, plus])


ROWS = np.array([[1.0, 2.0], [-1.0, -2.0]])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "events.jsonl"


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    with EventLog(path) as open_log:
        yield open_log


def recorded(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_labels_pass_through_and_are_recorded(log: EventLog, path: Path) -> None:
    model = Recorder(Model(), log, name="sign", version="3", system="signs")
    before = datetime.now(UTC)
    assert model.predict(ROWS, principal="k-1", session="s").tolist() == ["plus", "minus"]
    found = reading(path)
    assert not found.rejected
    first, second = found.rows
    assert (first["label"], second["label"]) == ("plus", "minus")
    assert first["input"] == [1.0, 2.0]
    assert first["input_shape"] == [2]
    assert (first["model"], first["model_version"], first["system"]) == ("sign", "3", "signs")
    assert (first["principal"], first["session"], first["operation"]) == ("k-1", "s", "predict")
    assert before <= first["time"] <= datetime.now(UTC)
    assert first["latency_ms"] >= 0


def test_scores_are_recorded_with_the_label_of_the_highest(log: EventLog, path: Path) -> None:
    answer = Recorder(Model(), log, name="sign").predict_proba(ROWS)
    assert answer.shape == (2, 2)
    rows = reading(path).rows
    assert [row["label"] for row in rows] == ["plus", "minus"]
    np.testing.assert_allclose([row["scores"] for row in rows], answer, rtol=1e-6)


def test_the_time_is_that_of_the_arrival(log: EventLog, path: Path) -> None:
    class Slow(Model):
        def predict(self, rows: Any) -> Any:
            self.asked = datetime.now(UTC)
            return super().predict(rows)

    slow = Slow()
    Recorder(slow, log, name="sign").predict(ROWS)
    assert reading(path).rows[0]["time"] <= slow.asked


@pytest.mark.parametrize(
    ("answer", "label", "scores"),
    [
        (np.array([[0.25, 0.75], [0.5, 0.5]]), "plus", [0.25, 0.75]),
        (np.array([[7], [8]]), "7", None),
        (np.array([0.5, 0.25]), "0.5", None),
        ([True, False], "True", None),
        (np.array([[1, 0], [0, 1]]), "[1, 0]", None),
    ],
)
def test_predict_may_answer_with_labels_numbers_or_scores(
    log: EventLog, path: Path, answer: Any, label: str, scores: Any
) -> None:
    model = Model()
    model.predict = lambda rows: answer  # type: ignore[method-assign]
    assert Recorder(model, log, name="sign").predict(ROWS) is answer
    row = reading(path).rows[0]
    assert (row["label"], row["scores"]) == (label, scores)


def test_an_answer_that_is_not_one_an_example_leaves_the_queries(log: EventLog, path: Path) -> None:
    model = Model()
    model.predict = lambda rows: 0.5  # type: ignore[method-assign]
    assert Recorder(model, log, name="sign").predict(ROWS) == 0.5
    assert [row["label"] for row in reading(path).rows] == [None, None]


def test_an_image_keeps_its_shape(log: EventLog, path: Path) -> None:
    Recorder(Model(), log, name="sign").predict(np.ones((1, 3)))
    model = Model()
    model.predict = lambda rows: np.zeros(len(rows))  # type: ignore[method-assign]
    Recorder(model, log, name="sign").predict(np.ones((1, 2, 3)))
    assert [row["input_shape"] for row in reading(path).rows] == [[3], [2, 3]]


def test_rows_that_are_no_numbers_are_recorded_as_they_came(log: EventLog, path: Path) -> None:
    model = Model()
    model.predict = lambda rows: np.zeros(len(rows))  # type: ignore[method-assign]
    recorder = Recorder(model, log, name="mixed")
    recorder.predict([["red", 3], ["blue", 4.5]])
    recorder.predict(["a text"])
    found = reading(path)
    assert [row["input_raw"] for row in found.rows] == ['["red",3]', '["blue",4.5]', "a text"]
    assert [row["input"] for row in found.rows] == [None] * 3


def test_a_number_that_cannot_be_recorded_is_missing_when_it_is_read(log: EventLog, path: Path) -> None:
    Recorder(Model(), log, name="sign").predict(np.array([[1e300, 0.0], [np.nan, 0.0], [1.0, 1.0]]))
    found = reading(path)
    assert found.lines == [1, 2, 3]
    assert np.isnan([row["input"][0] for row in found.rows]).tolist() == [True, True, False]


def test_no_rows_are_no_events(log: EventLog, path: Path) -> None:
    Recorder(Model(), log, name="sign").predict(np.zeros((0, 2)))
    assert recorded(path) == []


def test_threads_and_logs_on_one_file_do_not_mix_their_rows(path: Path) -> None:
    logs = [EventLog(path) for _ in range(3)]
    wide = np.ones((1, 3_000))

    def ask(log: EventLog) -> None:
        for _ in range(20):
            Recorder(Model(), log, name="sign").predict(wide)

    threads = [threading.Thread(target=ask, args=(log,)) for log in logs for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        log.close()
    assert len(recorded(path)) == 120


def test_rows_are_written_at_once_and_closing_ends_the_log(path: Path) -> None:
    with EventLog(path) as log:
        log.record([{"model": "m", "odd": {1, 2}}])
        assert recorded(path)[0]["model"] == "m"
    with pytest.raises(ValueError, match="closed"):
        log.record([{"model": "m"}])


def test_the_example_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
    (example,) = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(guide), "exec"), {})
    found = reading(tmp_path / "events.jsonl")
    assert len(found.rows) == 2
    assert not found.rejected
    assert found.rows[0]["principal"].startswith("k-")
    assert "s3cret" not in (tmp_path / "events.jsonl").read_text()


class TestInANotebook:
    def test_without_a_log_events_are_kept_in_memory(self) -> None:
        model = Recorder(Model())
        model.predict(ROWS)
        assert [row["label"] for row in model.events] == ["plus", "minus"]
        assert {row["model"] for row in model.events} == {"Model"}

    def test_a_log_may_be_a_path(self, path: Path) -> None:
        model = Recorder(Model(), path)
        model.predict(ROWS)
        assert len(recorded(path)) == 2
        with pytest.raises(InputError, match="load_events"):
            _ = model.events

    def test_what_else_a_model_has_is_there(self) -> None:
        model = Recorder(Model())
        assert model.classes_.tolist() == ["minus", "plus"]
        assert not hasattr(model, "coef_")
        assert copy.copy(model).classes_ is model.classes_

    def test_a_function_is_a_model(self) -> None:
        def sign(rows: Any) -> Any:
            return np.sign(rows).sum(axis=1)

        model = Recorder(sign, version="2")
        assert model(ROWS, principal="k").tolist() == model.predict(ROWS).tolist() == [2.0, -2.0]
        assert [(row["model"], row["label"], row["principal"]) for row in model.events[:2]] == [
            ("sign", "2.0", "k"),
            ("sign", "-2.0", "k"),
        ]

    def test_an_estimator_is_fitted_and_goes_on_being_recorded(self) -> None:
        model = Recorder(LogisticRegression()).fit(ROWS, ["a", "b"])
        assert isinstance(model, Recorder)
        assert model.predict_proba(ROWS).shape == (2, 2)
        assert model.score(ROWS, ["a", "b"]) == 1.0
        assert [row["label"] for row in model.events] == ["a", "b"]


@pytest.mark.parametrize("odd", ["a text", {"a": 1}, 3, [[1], [2, 3]], [["a", None]], [], [[1j]], object()])
def test_what_cannot_be_recorded_costs_no_caller_an_answer(odd: Any) -> None:
    model = Recorder(lambda rows: "said")
    assert model(odd) == "said"
    assert all(set(row) >= {"time", "model"} for row in model.events)


def test_a_log_that_fails_costs_no_caller_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    model = Recorder(len, log)
    log.close()
    assert model([[1], [2]]) == 2
    assert "a call of len was not recorded" in caplog.text


def test_what_is_asked_is_recorded_as_it_was_asked() -> None:
    def scaling(rows: Any) -> Any:
        rows *= 100
        return rows.sum(axis=1)

    model = Recorder(scaling)
    model(np.array([[1.0, 2.0]]))
    assert model.events[0]["input"].tolist() == [1, 2]
