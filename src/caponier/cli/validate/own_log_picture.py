"""A drawing of what false alarms buy: share of attackers caught, and how early, against benign callers flagged."""

from typing import Final

from caponier.app.planting.report import KindShown, OwnLogReport
from caponier.formats.svg import safe, text

WIDTH, ROW, LEFT, TOP, CELL = 720, 24, 170, 64, 76
INK, PAPER, RULE = "#1d2733", "#ffffff", "#d5dbe1"
CAUGHT: Final = "#1f6f8b"


def picture(report: OwnLogReport) -> str:
    """Return the SVG: a row for each kind of attack, a column for each share, darker where more are caught."""
    delay = LEFT + CELL * len(report.alphas) + 12
    width, height = max(WIDTH, delay + 200), TOP + ROW * len(report.kinds) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{safe(_summary(report))}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        _text(
            8,
            20,
            f"Share of planted attackers caught on {report.model}, by share of benign callers that may be flagged",
            bold=True,
        ),
    ]
    for at, one in enumerate(report.alphas):
        bold = at == report.asked
        parts.append(_text(LEFT + CELL * at + 4, TOP - 22, f"{one.alpha:.1%}", bold=bold))
        parts.append(_text(LEFT + CELL * at + 4, TOP - 8, f"{one.alerts} false"))
    parts.append(_text(delay, TOP - 8, f"queries to the alarm at {report.alpha:.1%}"))
    for row, kind in enumerate(report.kinds):
        parts += _row(kind, TOP + ROW * row, delay, report.asked)
    return "\n".join([*parts, "</svg>", ""])


def _row(kind: KindShown, top: int, delay: int, asked: int) -> list[str]:
    parts = [_text(8, top + 16, kind.kind.replace("_", " "))]
    for at, caught in enumerate(kind.caught):
        share, left = caught / kind.planted, LEFT + CELL * at
        rim = f'stroke="{INK if at == asked else RULE}"'
        box = f'x="{left}" y="{top + 2}" width="{CELL - 4}" height="{ROW - 4}"'
        parts.append(f'<rect {box} fill="{CAUGHT}" fill-opacity="{0.05 + 0.95 * share:.2f}" {rim}/>')
        parts.append(_text(left + 8, top + 16, f"{share:.0%}", colour=PAPER if share > 0.5 else INK))
    told = "none" if kind.median is None else f"{kind.median:g} (at most {kind.queries[-1]})"
    return [*parts, _text(delay, top + 16, told)]


def _text(x: int, y: int, words: str, *, bold: bool = False, colour: str = INK) -> str:
    return text(words, x, y, fill=colour, font_weight="bold" if bold else "")


def _summary(report: OwnLogReport) -> str:
    shares = (f"{one.kind} {one.caught[report.asked] / one.planted:.0%}" for one in report.kinds)
    return f"Caught at {report.alpha:.1%}: {', '.join(shares)}"
