"""What an attacker meets who is refused once there is an alarm: so many answers, and no more."""

from collections.abc import Callable
from typing import Any, Final

from caponier.emulate.caller.oracle import RefusedError

WHY: Final = "refused after an alarm"


class Refusing:
    """Answers so many requests of one row each.

    Args:
        predict: Rows (n, d) to scores (n, c).
        most: Requests that are answered, that which raised the alarm included.

    Raises:
        RefusedError: On every request beyond.
    """

    def __init__(self, predict: Callable[[Any], Any], most: int) -> None:
        self._predict, self._left = predict, most

    def __call__(self, rows: Any) -> Any:
        if self._left <= 0:
            raise RefusedError(WHY)
        self._left -= 1
        return self._predict(rows)
