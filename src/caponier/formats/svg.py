"""Pieces of SVG: whatever the words say, the picture is one, and it asks no other host for anything."""

import re
from html import escape
from typing import Final

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(words: str) -> str:
    """Return words as XML: what no XML may hold is replaced, and what it would obey is escaped."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", words))


def text(words: str, x: float, y: float, kind: str = "", **attributes: str) -> str:
    """Return a line of text.

    Args:
        words: What it says.
        x: Where it begins, in the picture's units.
        y: Where its letters stand.
        kind: Its classes.
        attributes: Others, with `_` for the `-` in their names; one that is empty is left out.
    """
    named = {"class": kind} | {name.replace("_", "-"): value for name, value in attributes.items()}
    more = "".join(f' {name}="{safe(value)}"' for name, value in named.items() if value)
    return f'<text x="{_number(x)}" y="{_number(y)}"{more}>{safe(words)}</text>'


def page(title: str, told: str, size: tuple[int, int], style: str, body: str) -> str:
    """Return a file that stands alone.

    Args:
        title: What it shows.
        told: What a screen reader says of the whole.
        size: Width and height.
        style: CSS.
        body: What is drawn, on a ground of the class `page`.
    """
    wide, high = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="graphics-document document" aria-label="{safe(title)}"><title>{safe(title)}</title>'
        f"<desc>{safe(told)}</desc><style>{style}</style>"
        f'<rect x="0" y="0" width="{wide}" height="{high}" class="page"/>{body}</svg>\n'
    )


def _number(place: float) -> str:
    return f"{place:g}" if isinstance(place, float) else str(place)
