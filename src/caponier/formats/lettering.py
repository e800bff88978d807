"""How wide a text is drawn, so that it can be broken before it overruns its box.

Nobody knows which font a reader has. The widths here are those of DejaVu Sans, the widest of the usual ones, rounded
up; in a narrower font there is some air.
"""

from typing import Final

_WIDTHS: Final = {
    280: "'ijl",
    320: " ,.IJ",
    360: "/:;\\f|",
    400: "()-[]t",
    440: "!r",
    480: '"',
    520: "*_`",
    560: "?Lcsz",
    600: "Fkvxy",
    640: "$0123456789EPSTYabdeghnopqu{}",
    680: "K",
    720: "ABCRVXZ",
    760: "HNU",
    800: "&DGOQ",
    840: "#+<=>^w~",
    880: "M",
    960: "%",
    1000: "@Wm",
}
"""Letters by their width in thousandths of the font's size."""
_BY_LETTER: Final = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
_OTHER: Final = 1000
BOLD: Final = 1.27
"""How much wider a letter is at most in bold."""


def width(text: str, size: float) -> float:
    """Return how wide a text is at most, in the units of the font's size."""
    return sum(_BY_LETTER.get(letter, _OTHER) for letter in text) * size / 1000


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Break a text into lines that are no wider than the room; a word that is too long is broken itself.

    Args:
        text: The text; any white space counts as one space.
        room: Width of the box.
        size: Of the font.

    Returns:
        At least one line.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if width(longer, size) <= room:
            lines[-1] = longer
            continue
        lines = [*filter(None, lines), *_broken(word, room, size)]
    return lines


def _broken(word: str, room: float, size: float) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and width(parts[-1] + letter, size) > room:
            parts.append("")
        parts[-1] += letter
    return parts
