"""What a throttled caller asks is counted without keeping others waiting."""

from threading import Thread, current_thread
from typing import Any

import orjson
import pytest

from caponier.guard import middleware
from caponier.guard.decisions import TokenBucket
from caponier.guard.events import queries_of
from caponier.guard.rounding import rounded_answer
from caponier.guard.verdict import PASS, REFUSE, GuardVerdict, Measure
from guard.loopback import ask
from guard.test_middleware import INFER, Answering, standing

SMALL = orjson.dumps({"instances": [[1, 2]] * 3})
LARGE = orjson.dumps({"instances": [[1, 2]] * 9_000 + [[3] * 20_000]})
GZIP = [("content-encoding", "gzip")]


def test_a_large_body_is_counted_in_another_thread_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Thread] = []
    decided: list[tuple[Thread, int]] = []

    def counting(*arguments: Any) -> int:
        counted.append(current_thread())
        return queries_of(*arguments)

    def decide(*arguments: Any) -> GuardVerdict:
        asked = arguments[2]()
        assert arguments[2]() == asked
        decided.append((current_thread(), asked))
        return REFUSE if asked > 5 else PASS

    monkeypatch.setattr(middleware, "queries_of", counting)
    with standing(decide, enforce=True, size_of=lambda _: 2) as site:
        assert [ask(site.url, INFER, body).status for body in (SMALL, LARGE)] == [200, 429]
        assert ask(site.url, INFER, b"no gzip", headers=GZIP).status == 429
        assert not site.failures
    server = decided[0][0]
    assert [thread is server for thread, _ in decided] == [True] * 3
    assert [thread is server for thread in counted] == [True, False, False]
    assert [asked for _, asked in decided][:1] == [3]
    assert decided[1][1] > 9_000


def test_what_is_too_much_at_once_takes_nothing() -> None:
    bucket = TokenBucket(60, 5)
    now = bucket._last
    assert not bucket.take(6, now)
    assert bucket.take(5, now)


@pytest.mark.parametrize(("n", "aside"), [(3, False), (9_000, True)])
def test_a_large_answer_is_rounded_in_another_thread(monkeypatch: pytest.MonkeyPatch, n: int, aside: bool) -> None:
    said = orjson.dumps({"predictions": [[0.123456789]] * n})
    servers: list[Thread] = []
    threads: list[Thread] = []

    def decide(*_: Any) -> GuardVerdict:
        servers.append(current_thread())
        return GuardVerdict(Measure.ROUND, 1)

    def rounding(*arguments: Any) -> bytes | None:
        threads.append(current_thread())
        return rounded_answer(*arguments)

    monkeypatch.setattr(middleware, "rounded_answer", rounding)
    with standing(decide, app=Answering(said), enforce=True) as site:
        assert orjson.loads(ask(site.url, INFER, SMALL).body) == {"predictions": [[0.1]] * n}
    assert (threads != servers) == aside
