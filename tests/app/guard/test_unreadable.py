"""Decoy bodies: counted by caller and model, told once, and events like any other."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.app.guard.run import Guard
from caponier.app.guard.unreadable import MOST_CALLERS, UnreadableQueries
from caponier.app.workspace.workspace import create_workspace, load_workspace, require_workspace
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.metrics import Metrics
from caponier.guard.settings import GuardSettings
from caponier.records.inventory import FeatureSpec, ModelSpec
from caponier.telemetry.column_layouts import STRANGE
from pace import wait_for

SIZE = 4


def tensor(name: str, values: list[float]) -> dict[str, Any]:
    return {"name": name, "shape": [1, len(values)], "datatype": "FP32", "data": values}


REAL, FALSE = tensor("x", [0.1, 0.2, 0.3, 0.4]), [0.9, 0.9, 0.9, 0.9]
DECOYS = {
    "instances beside inputs": orjson.dumps({"instances": [FALSE], "inputs": [REAL]}),
    "a key twice": b'{"inputs":[%s],"inputs":[%s]}' % (orjson.dumps(tensor("x", FALSE)), orjson.dumps(REAL)),
    "a tensor more": orjson.dumps({"inputs": [REAL, tensor("y", FALSE)]}),
    "values for another width": orjson.dumps({"inputs": [tensor("x", [1.0])]}),
}


def exchange(body: bytes, model: str = "m", caller: Caller = Caller("k-1", "s", "10.0.0.1")) -> Exchange:  # noqa: B008 - a caller is frozen
    return Exchange(Call("predict", model), caller, None, datetime.now(UTC), {}, body=body, status=200)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def guard(tmp_path: Path, told: list[str]) -> Guard:
    create_workspace(tmp_path)
    workspace = load_workspace(tmp_path)
    assert workspace is not None
    spec = FeatureSpec(kind="numeric", shape=(SIZE,), minimum=0.0, maximum=1.0)
    workspace = workspace.model_copy(update={"models": (ModelSpec(name="m", features=spec),)})
    return Guard(workspace, GuardSettings(upstream="http://127.0.0.1:9"), tell=told.append)


@pytest.mark.parametrize("body", DECOYS.values(), ids=DECOYS)
def test_a_decoy_is_an_event_of_its_caller_and_is_counted(body: bytes, guard: Guard, told: list[str]) -> None:
    for _ in range(3):
        guard.work.record(exchange(body))
    guard.work.record(exchange(orjson.dumps({"inputs": [REAL]})))
    guard.start()
    wait_for(lambda: guard.metrics.total("events") == 4)
    guard.close()
    lines = guard.metrics.text().splitlines()
    assert 'caponier_guard_unreadable_total{model="m",caller="k-1"} 3' in lines
    assert guard.live.subjects == 1
    logged = [orjson.loads(line) for line in _lines(Path(guard.work.workspace.lake))]
    assert [event.get("input") for event in logged] == [None, None, None, pytest.approx(REAL["data"])]
    assert {event["principal"] for event in logged} == {"k-1"}
    (warning,) = [line for line in told if line.startswith("warning")]
    assert warning.startswith("warning: a query of k-1 to model m was answered and cannot be read: ")
    assert not guard.metrics.total("failures")


def test_columns_that_are_named_anew_with_each_query_are_unreadable(guard: Guard, told: list[str]) -> None:
    """A server that takes them in the order in which they stand sees the same row each time, and the guard another."""
    for n in range(40):
        usual = [tensor(name, [0.1]) | {"shape": [1, 1]} for name in "abcd"]
        anew = [part | {"name": f"{place * n % 7}-{place}"} for place, part in enumerate(usual)]
        guard.work.record(exchange(orjson.dumps({"inputs": usual})))
        guard.work.record(exchange(orjson.dumps({"inputs": anew})))
    guard.start()
    wait_for(lambda: guard.metrics.total("events") == 80)
    guard.close()
    assert 30 < guard.metrics.total("unreadable") <= 40
    assert STRANGE in next(line for line in told if line.startswith("warning"))


def _lines(lake: Path) -> list[bytes]:
    return [line for file in sorted(lake.rglob("*.jsonl")) for line in file.read_bytes().splitlines()]


def test_callers_who_change_their_name_for_each_query_fill_neither_metrics_nor_log() -> None:
    told: list[str] = []
    metrics = Metrics()
    queries = UnreadableQueries(metrics, told.append, ["m"])
    for i in range(MOST_CALLERS + 50):
        queries.note(exchange(b"", caller=Caller(f"k-{i}", f"session {i}", "10.0.0.1")), lambda: "why")
    queries.note(exchange(b"", caller=Caller("k-0", None, None)), lambda: "why")
    assert metrics.total("unreadable") == MOST_CALLERS + 51
    text = metrics.text()
    assert 'unreadable_total{model="m",caller="k-0"} 2' in text
    assert 'unreadable_total{model="m",caller="other"} 50' in text
    assert len(told) == MOST_CALLERS
    assert "session" not in text


def test_a_model_that_nobody_watches_is_not_named() -> None:
    metrics = Metrics()
    queries = UnreadableQueries(metrics, lambda _: None, ["m"])
    for model, caller in (('x"\n', Caller(None, "s", "10.0.0.1")), ("y", Caller(None, "s", None))):
        queries.note(exchange(b"", model, caller), lambda: "why")
    assert 'unreadable_total{model="other",caller="10.0.0.1"} 1' in metrics.text()
    assert 'unreadable_total{model="other",caller="other"} 1' in metrics.text()


def test_a_name_that_nobody_knows_is_told_once_and_not_repeated(guard: Guard, told: list[str]) -> None:
    # A server that does not look at the name answers to it all the same, and nothing looks at the query.
    for model in ("m", "evil-1", "evil-2"):
        guard.work.record(exchange(orjson.dumps({"inputs": [REAL]}), model))
    guard.start()
    guard.close()
    (line,) = (line for line in told if "neither a baseline nor the inventory" in line)
    assert "evil" not in line
    assert guard.metrics.total("unseen") == 2


def test_answers_in_a_form_that_nobody_knows_are_counted_and_told_once_a_model() -> None:
    told: list[str] = []
    metrics = Metrics()
    queries = UnreadableQueries(metrics, told.append, ["m", "n"])
    for model in ("m", "m", "n", "made up", None):
        queries.note_answer(model, "why")
    assert [line.partition("cannot")[0] for line in told] == [f"warning: an answer of model {m} " for m in "mn"]
    assert 'caponier_guard_unread_total{part="answer"} 5' in metrics.text()


@pytest.mark.parametrize(("server", "matters"), [("triton", False), ("mlserver", True), (None, True)])
def test_the_order_of_columns_matters_unless_the_server_goes_by_their_names(
    tmp_path: Path, server: Any, matters: bool
) -> None:
    create_workspace(tmp_path)
    guard = Guard(require_workspace(tmp_path), GuardSettings(upstream="http://127.0.0.1:9", server=server))
    assert guard.work.layouts is guard.reader.layouts, "what is refused and what is recorded go by the same"
    assert (guard.work.layouts is not None) == matters
