"""Accounts that share a search, whoever of them is refused when: nothing is asked twice and nothing is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.disguises.accounts import Splitting, Switching
from caponier.emulate.evasion.shared_hop_skip_jump import EMULATION, SharedHopSkipJump
from caponier.emulate.images import Images


class Account:
    """Answers so many queries, and is refused from then on."""

    def __init__(self, number: int, patience: int, log: list[tuple[int, int]]) -> None:
        self._number, self._left, self._log = number, patience, log
        self.refused = 0

    def __call__(self, rows: Images) -> Images:
        if not self._left:
            self.refused += 1
            raise RefusedError("no more")
        self._left -= 1
        self._log.append((self._number, int(rows[0, 0])))
        return np.asarray(rows)


def ask(disguise: Splitting | Switching, n: int) -> int:
    """Ask n queries, and return how many were answered, each with its own answer."""
    for query in range(n):
        try:
            answer = disguise(np.full((1, 64), query))
        except RefusedError:
            return query
        assert answer[0, 0] == query
    return n


patience = st.lists(st.integers(0, 9), min_size=1, max_size=6)


@given(patience=patience, n=st.integers(0, 60), each=st.integers(1, 4))
def test_every_query_is_answered_once_as_long_as_anybody_is_left(patience: list[int], n: int, each: int) -> None:
    log: list[tuple[int, int]] = []
    accounts = [Account(number, most, log) for number, most in enumerate(patience)]
    answered = ask(Splitting(accounts, each), n)
    assert answered == min(n, sum(patience))
    assert [query for _, query in log] == list(range(answered))
    assert all(one.refused <= 1 for one in accounts), "who is refused is left out from then on"


@given(patience=patience, n=st.integers(0, 60))
def test_whoever_takes_over_begins_where_the_last_was_refused(patience: list[int], n: int) -> None:
    log: list[tuple[int, int]] = []
    accounts = [Account(number, most, log) for number, most in enumerate(patience)]
    switching = Switching(accounts)
    answered = ask(switching, n)
    assert answered == min(n, sum(patience))
    assert [query for _, query in log] == list(range(answered))
    used = [number for number, _ in log]
    assert used == sorted(used), "nobody comes back"
    assert switching.refused == sum(one.refused for one in accounts)


@given(accounts=st.integers(1, 12), each=st.integers(1, 5), n=st.integers(0, 120))
def test_turns_are_fair(accounts: int, each: int, n: int) -> None:
    log: list[tuple[int, int]] = []
    assert ask(Splitting([Account(number, 10**6, log) for number in range(accounts)], each), n) == n
    asked = [sum(number == one for number, _ in log) for one in range(accounts)]
    assert max(asked) - min(asked) <= each
    assert [number for number, _ in log] == [at // each % accounts for at in range(n)]


def test_without_an_account_everything_is_refused() -> None:
    for disguise in (Splitting([]), Switching([])):
        with pytest.raises(RefusedError, match="every account"):
            disguise(np.zeros((1, 64)))


def test_the_shared_search_takes_turns_by_ten_and_may_take_more() -> None:
    assert EMULATION.accounts == 10
    assert SharedHopSkipJump(accounts=3).accounts == 3
    assert str(EMULATION.accounts) in EMULATION.description or "ten" in EMULATION.description
    assert EMULATION.name == SharedHopSkipJump.name
