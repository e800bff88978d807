"""What others wrote, such as the names of an imported version, reaches a Markdown page as text and as nothing else."""

from typing import Final

from caponier.formats.safe_text import markdown, plain

_SCHEMES: Final = ("https://", "http://")


def one_line(text: str) -> str:
    """Return text in one line, without what a terminal would obey instead of showing."""
    return plain(" ".join(text.split()))


def escaped(text: str) -> str:
    """Return text in one line that Markdown shows as it is, also in the cell of a table."""
    return markdown(" ".join(text.split()))


def link(address: str) -> str:
    """Return a link to an address; what is no address of the web stays text."""
    shown = one_line(address)
    if not shown.startswith(_SCHEMES) or any(letter in shown for letter in " <>|"):
        return escaped(shown)
    return f"<{shown}>"
