import numpy as np
import pytest

from caponier.emulate.caller.oracle import BudgetSpentError, RefusedError
from caponier.emulate.caller.wire import Metered, Reply
from caponier.errors import InputError
from emulate.wires import Scripted


def metered(status: int = 200, budget: int = 3, gap_s: float = 0.0) -> tuple[Metered, Scripted]:
    wire = Scripted(lambda *_: Reply(status, b"{}"))
    return Metered(wire, budget, gap_s, np.random.default_rng(0)), wire


@pytest.mark.parametrize(
    ("body", "document"), [(b'{"a": 1}', {"a": 1}), (b"[1]", {}), (b"", {}), (b"{", {}), (b"\xff", {}), (b"null", {})]
)
def test_a_body_that_is_no_object_is_an_empty_one(body: bytes, document: dict[str, int]) -> None:
    assert Reply(200, body).document() == document


def test_only_200_is_good() -> None:
    assert Reply(200, b"").good
    assert not any(Reply(status, b"").good for status in (204, 400, 404, 500))


def test_requests_are_passed_on_and_counted() -> None:
    line, wire = metered()
    assert line.send("POST", "/a", b"x") == Reply(200, b"{}")
    line.send("GET", "/b")
    assert wire.sent == [("POST", "/a", b"x"), ("GET", "/b", None)]
    assert line.requests == 2


def test_a_budget_ends() -> None:
    line, wire = metered(budget=2)
    for _ in range(2):
        line.send("GET", "/")
    with pytest.raises(BudgetSpentError):
        line.send("GET", "/")
    assert len(wire.sent) == line.requests == 2


@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_of_nothing_is_refused(budget: int) -> None:
    with pytest.raises(InputError, match="at least one"):
        metered(budget=budget)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_caller_who_is_turned_away_notices(status: int) -> None:
    line, _ = metered(status)
    with pytest.raises(RefusedError, match=str(status)):
        line.send("GET", "/")
    assert line.requests == 1


@pytest.mark.parametrize("status", [400, 404, 405, 413, 500, 503])
def test_an_error_is_an_answer(status: int) -> None:
    line, _ = metered(status)
    assert line.send("GET", "/").status == status


def test_pauses_have_the_mean_that_was_asked_for() -> None:
    line, wire = metered(budget=400, gap_s=1_800)
    for _ in range(400):
        line.send("GET", "/")
    mean = wire.waited / 400
    assert 1_500 < mean < 2_100
    line.wait(7)
    assert wire.waited == pytest.approx(400 * mean + 7)
