"""Texts that are programs: not by how they begin, but because they are Python that would do something.

Python that calls nothing, imports nothing and defines nothing only has values; a list of words is such a program. So a
text is harmless if it has none of the signs of doing something, or if it is no Python. Both are told without running or
importing anything; what is too long to tell is not known.
"""

import ast
import re
import warnings
from typing import Final

_LONGEST: Final = 1 << 15
"""Letters that are read as Python; a longer text is none if so many are not."""
_MARGIN: Final = 1 << 11
"""A text that was cut may be broken at its end and nowhere else."""
_SIGN: Final = re.compile(r"[(@]|\b(?:import|class|with|del)\b")
"""Without one of these Python does nothing: calls need a bracket, decorators and `with` call without one."""
_CODEC: Final = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_CODECS: Final = frozenset({"ascii", "latin-1", "latin1", "us-ascii", "utf-8", "utf8"})
_ACTS: Final = (
    ast.Call, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.With, ast.AsyncWith,
    ast.Delete, ast.Await,
)  # fmt: skip


def problem(text: str) -> str | None:
    """Say why a text may be a program; None if it is none."""
    if text.startswith("#!"):
        return "is a program: it is run, not loaded"
    for line in text.split("\n", 2)[:2]:
        codec = _CODEC.match(line)
        if codec is not None and codec[1].lower().replace("_", "-") not in _PLAIN_CODECS:
            return "says that it is written in another codec, in which it may be a program"
    if _SIGN.search(text) is None:
        return None
    return _python(text)


def _python(text: str) -> str | None:
    cut = len(text) > _LONGEST
    head = text[:_LONGEST] if cut else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(head, "", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as wrong:
        lines = head.count("\n") + 1
        near_end = cut and head.count("\n", max(0, len(head) - _MARGIN)) >= lines - (wrong.lineno or lines)
        return "begins like a program, and is too long to be read as one" if near_end else None
    except (MemoryError, RecursionError):
        return "is nested more deeply than a scan reads"
    except ValueError:
        return None
    if cut:
        return "begins like a program, and is too long to be read as one"
    acts = any(isinstance(node, _ACTS) for node in ast.walk(tree))
    return "is a program, or holds one: it is run, not loaded" if acts else None
