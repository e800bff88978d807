"""Several accounts: the next one takes over when one is refused, or all take turns."""

from collections.abc import Sequence

from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.images import Images


class Switching:
    """Asks with one account until it is refused, then with the next.

    Args:
        accounts: One way to ask for each account.
    """

    def __init__(self, accounts: Sequence[Predict]) -> None:
        self._accounts = accounts
        self.refused = 0
        """Accounts that are lost so far; an attack may learn from it what not to do again."""

    def __call__(self, rows: Images) -> Images:
        """Ask for rows (n, 64); return scores (n, 10).

        Raises:
            RefusedError: If no account is left.
        """
        while self.refused < len(self._accounts):
            try:
                return self._accounts[self.refused](rows)
            except RefusedError:
                self.refused += 1
        raise RefusedError("every account is refused")


class Splitting:
    """Lets accounts take turns, query by query; one that is refused is left out from then on.

    Args:
        accounts: One way to ask for each account.
        queries: How many queries an account sends before it is the next one's turn.
    """

    def __init__(self, accounts: Sequence[Predict], queries: int = 1) -> None:
        self._left = list(accounts)
        self._queries = queries
        self._turn = 0
        self._sent = 0

    def __call__(self, rows: Images) -> Images:
        """Ask for rows (n, 64); return scores (n, 10).

        Raises:
            RefusedError: If no account is left.
        """
        while self._left:
            at = self._turn % len(self._left)
            try:
                scores = self._left[at](rows)
            except RefusedError:
                # The next account now stands in its place.
                del self._left[at]
                self._turn, self._sent = at, 0
                continue
            self._sent += 1
            if self._sent >= self._queries:
                self._turn, self._sent = at + 1, 0
            return scores
        raise RefusedError("every account is refused")
