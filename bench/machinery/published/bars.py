"""Bars for the page of all scorecards: a row for each who judges, a column for each measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

from caponier.formats.svg import page, text

NAMES, WIDE, GAP, ROW, TOP = 210, 250, 60, 26, 62
STYLE: Final = """
text { font: 12px "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif; fill: #16202a; }
.page { fill: #fff; } .head { font-weight: 600; } .axis { stroke: #8794a1; } .rest { fill: #e7ecf0; }
.good { fill: #1f5fa8; } .bad { fill: #b3541e; } .own { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .page { fill: #12181f; } text { fill: #e8edf2; } .axis { stroke: #5a6876; } .rest { fill: #232c35; }
  .good { fill: #7db4ee; } .bad { fill: #f0a06a; }
}
"""


@dataclass(frozen=True)
class Bar:
    """One figure: how long its bar is, from 0 to 1, and what stands beside it."""

    length: float
    words: str

    @classmethod
    def share(cls, value: float, words: str = "") -> "Bar":
        """Return the bar of a share, from 0 to 1."""
        return cls(value, words or percent(value))

    @classmethod
    def count(cls, value: float, most: float) -> "Bar":
        """Return the bar of a number that is 1 or more, over the logarithm up to the most."""
        return cls(log10(max(value, 1.0)) / log10(max(most, 10.0)), f"{value:g}")


NOTHING: Final = Bar(0.0, "never")


@dataclass(frozen=True)
class Column:
    """What is measured, and whether more of it is better."""

    title: str
    good: bool


def percent(share: float) -> str:
    """Return a share as people read it: whole percents, but a digit more where one is close to 0 or 100."""
    if share in (0, 1) or 0.1 <= share <= 0.99:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def bars(title: str, columns: Sequence[Column], rows: Sequence[tuple[str, Sequence[Bar]]], own: str = "") -> str:
    """Return the picture; `own` is the row to be printed in bold."""
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column.title} {bar.words}" for column, bar in zip(columns, row, strict=True))
        for name, row in rows
    )
    body = text(title, 12, 20, "head")
    for at, column in enumerate(columns):
        body += text(column.title, _left(at), 46, "head")
    for down, (name, row) in enumerate(rows):
        y = TOP + ROW * down
        body += text(name, 12, y + 12, "own" if name == own else "")
        for at, (column, bar) in enumerate(zip(columns, row, strict=True)):
            body += _drawn(_left(at), y, bar, "good" if column.good else "bad")
    size = (_left(len(columns)), TOP + ROW * len(rows) + 8)
    return page(title, told, size, STYLE, body)


def _left(column: int) -> int:
    return NAMES + column * (WIDE + GAP)


def _drawn(x: int, y: int, bar: Bar, kind: str) -> str:
    length = round(WIDE * min(1.0, max(0.0, bar.length)), 1)
    return (
        f'<rect class="rest" x="{x}" y="{y}" width="{WIDE}" height="16"/>'
        f'<rect class="{kind}" x="{x}" y="{y}" width="{length:g}" height="16"/>' + text(bar.words, x + WIDE + 6, y + 12)
    )
