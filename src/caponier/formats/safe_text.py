"""What others wrote reaches a terminal, a Markdown page or a spreadsheet as text, and as nothing else.

An imported or contributed version is such a text.
"""


def plain(text: str) -> str:
    """Replace what a terminal would obey instead of showing."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def markdown(text: str) -> str:
    """Escape a cell of a Markdown table."""
    shown = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\|`*_[]" else letter for letter in shown)


def spreadsheet(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula; the apostrophe makes it text.

    A carriage return becomes a line feed: Python's writer does not quote one alone, and a spreadsheet begins a new row
    at it, with whatever formula follows.
    """
    text = f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
    return text.replace("\r\n", "\n").replace("\r", "\n")
