import json

import pytest

from caponier.emulate.caller.wire import Reply
from caponier.emulate.discovery.api_crawl import PROBE, ApiCrawl
from caponier.emulate.event_log import ServerLog
from caponier.emulate.probe import Truth
from emulate.wires import Scripted, local

TRUTH = Truth("network")


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_out_what_the_model_takes_and_answers(seed: int) -> None:
    outcome = PROBE.run(local(ServerLog()), "digits", TRUTH, seed=seed)
    assert outcome.success
    assert outcome.stop == "finished"
    assert outcome.found["features"] == "64"
    assert outcome.found["classes"] == "10"
    assert outcome.found["datatypes"] == "FP32, FP64"
    assert outcome.measure["labels_seen"] >= 5
    assert outcome.requests <= PROBE.budget


def test_it_asks_in_many_ways_and_is_refused_in_many() -> None:
    log = ServerLog()
    PROBE.run(local(log), "digits", TRUTH, seed=0)
    seen = {(row["operation"], row["status"]) for row in log.rows()}
    assert {("predict", 200), ("predict", 400), ("predict", 404), ("predict", 413), ("metadata", 404)} <= seen
    assert {row["model"] for row in log.rows()} > {"digits"}


def test_a_wrong_belief_is_no_success() -> None:
    for truth in (Truth("network", features=65), Truth("network", classes=9), Truth("network", datatypes=frozenset())):
        assert not PROBE.run(local(ServerLog()), "digits", truth, seed=0).success


class WithoutMetadata:
    """Passes everything on but metadata."""

    def __init__(self) -> None:
        self.wire = local(ServerLog())

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        return Reply(404, b"{}") if path.endswith("/models/digits") else self.wire.send(method, path, body)

    def wait(self, seconds: float) -> None:
        self.wire.wait(seconds)


def test_it_learns_from_errors_where_metadata_are_withheld() -> None:
    outcome = PROBE.run(WithoutMetadata(), "digits", TRUTH, seed=0)
    assert outcome.success


def test_without_any_answer_it_believes_nothing() -> None:
    outcome = PROBE.run(Scripted(lambda *_: Reply(500, b"no")), "digits", TRUTH, seed=0)
    assert not outcome.success
    assert outcome.found["features"] == "0"


def test_it_stops_when_it_is_turned_away() -> None:
    wire = Scripted(lambda *_: Reply(429, b"{}"))
    outcome = PROBE.run(wire, "digits", TRUTH, seed=0)
    assert (outcome.stop, outcome.requests, outcome.success) == ("refused", 1, False)


def test_numbers_in_errors_are_tried_as_lengths() -> None:
    def answer(method: str, path: str, body: bytes | None) -> Reply:
        shape = json.loads(body or b"{}").get("inputs", [{"shape": [0, 0]}])[0]["shape"] if method == "POST" else []
        if shape == [1, 77]:
            output = {"name": "probabilities", "shape": [1, 3], "data": [0.2, 0.3, 0.5]}
            return Reply(200, json.dumps({"outputs": [output]}).encode())
        return Reply(400, b'{"error": "expected 77 values"}')

    wire = Scripted(answer)
    PROBE.run(wire, "m", TRUTH, seed=0, budget=5)
    lengths = [json.loads(body)["inputs"][0]["shape"] for method, path, body in wire.sent if body and "infer" in path]
    assert lengths[:2] == [[1, 1], [1, 77]]


def test_a_quiet_one_asks_less() -> None:
    quiet = ApiCrawl(thorough=0).run(local(ServerLog()), "digits", TRUTH, seed=0)
    assert quiet.success
    assert quiet.requests < PROBE.run(local(ServerLog()), "digits", TRUTH, seed=0).requests
