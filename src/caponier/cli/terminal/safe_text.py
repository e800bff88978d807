"""What others wrote reaches a terminal, a Markdown page or a spreadsheet as text: as in the matrix's own files."""

from caponier.formats.safe_text import markdown, plain, spreadsheet

__all__ = ["markdown", "plain", "spreadsheet"]
