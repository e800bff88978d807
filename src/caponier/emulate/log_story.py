"""What a log story is: an attack with traditional means, as the security logs of an organisation would tell it.

Each story comes with its benign control: the same organisation, the same people and accounts, and nothing but their
usual work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from caponier.emulate.emulation import Emulation
from caponier.records.inventory import System

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class LogTrace:
    """What the logs tell.

    Args:
        rows: Events in order of time, with `time` and a Sigma log source.
        success: Whether the attacker got what the story is about; false for a control.
        measure: The figures behind `success`, by name.
        actor: Account that the attacker uses; None for a control.
        malicious: Positions of the rows that the attacker caused.
    """

    rows: tuple[Row, ...]
    success: bool
    measure: Mapping[str, float] = field(default_factory=dict)
    actor: str | None = None
    malicious: tuple[int, ...] = ()

    def to_json_lines(self) -> bytes:
        """Return the rows as a log file."""
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self.rows)


class LogStory(Emulation, Protocol):
    """One story."""

    @property
    def system(self) -> System:
        """The ML system that is attacked, as its inventory has it."""
        ...

    def attack(self, seed: int) -> LogTrace:
        """Tell the attack among the usual work."""
        ...

    def control(self, seed: int) -> LogTrace:
        """Tell the usual work alone."""
        ...


def told(usual: Iterable[Row], attack: Iterable[Row] = ()) -> tuple[tuple[Row, ...], tuple[int, ...]]:
    """Put usual work and attack in one order of time; return the rows and where those of the attack are."""
    marked = sorted(
        [*((row, False) for row in usual), *((row, True) for row in attack)], key=lambda pair: pair[0]["time"]
    )
    return tuple(row for row, _ in marked), tuple(position for position, (_, bad) in enumerate(marked) if bad)
