"""A `with` block closes what it was given, and lets errors through."""

from dataclasses import dataclass

import pytest

from caponier.formats.closing import Closing


@dataclass
class Held(Closing):
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


def test_it_is_closed_at_the_end_of_the_block() -> None:
    with Held() as held:
        assert held.closed == 0
    assert held.closed == 1


def test_an_error_closes_it_and_goes_on() -> None:
    held = Held()
    with pytest.raises(KeyError, match="lost"), held:
        raise KeyError("lost")
    assert held.closed == 1


def test_what_cannot_be_closed_is_none() -> None:
    with pytest.raises(TypeError, match="close"):
        Closing()  # type: ignore[abstract]
