"""What others wrote reaches a terminal, a Markdown page or a spreadsheet as text: as in the matrix's own files."""

from caponier.matrix.writers.safe_cell import markdown, plain, spreadsheet

__all__ = ["markdown", "plain", "spreadsheet"]
