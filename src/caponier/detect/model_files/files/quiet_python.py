"""Python read as text: hostile files are full of what Python warns about, and nobody has asked for that."""

import ast
import warnings


def parsed(text: str) -> ast.Module:
    """Return the tree of a text, without a warning about what is in it.

    Raises:
        SyntaxError: If it is no Python.
        ValueError: If it holds what no source text may hold.
        MemoryError: If it is nested too deeply; `RecursionError` likewise.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def literal(text: str) -> object:
    """Return the value that a text writes down; for errors see `parsed`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(text)


def expression(text: str) -> ast.Expression:
    """Return the tree of a text that is one expression; for errors see `parsed`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval")
