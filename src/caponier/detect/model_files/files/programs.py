"""Texts that are programs: not by how they begin, but because they are Python that would do something.

Python that calls nothing, imports nothing and defines nothing only has values; a list of words is such a program. So a
text is harmless if it has none of the signs of doing something, or if it is no Python. Both are told without running or
importing anything; what is too long to tell is not known.
"""

import ast
import builtins
import re
from typing import Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.quiet_python import parsed

_LONGEST: Final = 1 << 15
"""Letters that are read as Python; a longer text is none if so many are not."""
_MARGIN: Final = 1 << 11
"""A text that was cut may be broken at its end and nowhere else."""
_OPEN: Final = ("was never closed", "unterminated triple-quoted", "unexpected EOF")
"""What Python says where a bracket or a text is open to the end; it names the line of the beginning."""
_SIGN: Final = re.compile(r"[(@]|\b(?:import|class|with|del)\b")
"""Without one of these Python does nothing: calls need a bracket, decorators and `with` call without one."""
_OLD: Final = re.compile(r"^[ \t]*(?:print|exec)[ \t]+[\"'\w]|^[ \t]*except [\w.]+, \w+:|`\w+`", re.MULTILINE)
_OLD_EXEC: Final = re.compile(r"^[ \t]*exec[ \t]+[\"']", re.MULTILINE)
"""A statement in older Pythons, which needs no bracket."""
_OLD_IMPORT: Final = re.compile(r"^[ \t]*(?:import [\w., ]+|from [\w.]+ import .*)$", re.MULTILINE)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_BLOCK: Final = re.compile(r"\n(?=[^\s#)\]}])")
"""Where something new begins at the left edge."""
_MOST_BLOCKS: Final = 2_000
_CODEC: Final = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_CODECS: Final = frozenset({"ascii", "latin-1", "latin1", "us-ascii", "utf-8", "utf8"})
_ACTS: Final = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.With, ast.AsyncWith,
    ast.Delete, ast.Await, ast.Try, ast.TryStar, ast.Match,
)  # fmt: skip
_BUILT_IN: Final = frozenset(
    [*dir(builtins), "apply", "execfile", "file", "intern", "raw_input", "reduce", "reload", "unichr", "unicode"]
)
"""What is defined without having been; the last ones in older versions of Python."""


def problem(text: str, budget: Budget) -> str | None:
    """Say why a text may be a program; None if it is none."""
    if text.startswith("#!"):
        return "is a program: it is run, not loaded"
    # Python ends a line at any of three signs.
    for line in _LINE_END.split(text, maxsplit=2)[:2]:
        codec = _CODEC.match(line)
        if codec is not None and codec[1].lower().replace("_", "-") not in _PLAIN_CODECS:
            return "says that it is written in another codec, in which it may be a program"
    if _OLD_EXEC.search(text) is not None:
        return "may be a program in an older Python"
    if _SIGN.search(text) is None:
        return None
    budget.letters_left -= min(len(text), _LONGEST)
    if budget.letters_left < 0:
        return "may be a program: there is more text in this file than a scan reads as one"
    return _python(text)


def _python(text: str) -> str | None:
    cut = len(text) > _LONGEST
    head = text[: text.rfind("\n", 0, _LONGEST) + 1 or _LONGEST] if cut else text
    try:
        tree = parsed(head)
    except SyntaxError as wrong:
        lines = head.count("\n") + 1
        near_end = head.count("\n", max(0, len(head) - _MARGIN)) >= lines - (wrong.lineno or lines)
        if cut and (near_end or any(sign in wrong.msg for sign in _OPEN)):
            return "begins like a program, and is too long to be read as one"
        old = "```" not in text and _OLD.search(head) is not None and _OLD_IMPORT.search(head) is not None
        if old:
            return "may be a program in an older Python"
        return "may be a program in another version of Python" if _mostly_acts(head) else None
    except (MemoryError, RecursionError):
        return "is nested more deeply than a scan reads"
    except ValueError:
        return None
    if cut and not _stops(tree):
        return "begins like a program, and is too long to be read as one"
    return "is a program, or holds one: it is run, not loaded" if _acts(tree) else None


def _mostly_acts(text: str) -> bool:
    """Return whether as many parts of a text do something in this Python as are none: another may read all of it.

    Prose has words on most lines that no Python reads; a program in another version has a few.
    """
    if "```" in text:
        return False
    acting = broken = 0
    for block in _BLOCK.split(text, maxsplit=_MOST_BLOCKS)[:_MOST_BLOCKS]:
        if not block.strip():
            continue
        try:
            acting += _acts(parsed(block))
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            broken += 1
    return acting > 0 and acting >= broken


def _stops(tree: ast.Module) -> bool:
    """Return whether Python ends at a statement that uses a name which nobody has defined, before it does anything."""
    for statement in tree.body:
        first: ast.AST = statement.value if isinstance(statement, ast.Expr) else statement
        while isinstance(first, ast.Attribute | ast.Subscript | ast.Call):
            first = first.func if isinstance(first, ast.Call) else first.value
        if isinstance(first, ast.Name) and first.id not in _BUILT_IN and not first.id.startswith("__"):
            return True
        if not isinstance(statement, ast.Expr) or _acts(statement):
            return False
    return False


def _acts(tree: ast.AST) -> bool:
    """Return whether anything would be done: a call of what nobody has defined ends before it begins."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _ACTS):
            return True
        if not isinstance(node, ast.Call):
            waiting += ast.iter_child_nodes(node)
            continue
        called: ast.AST = node.func
        while isinstance(called, ast.Attribute | ast.Subscript):
            called = called.value
        if not isinstance(called, ast.Name) or called.id in bound | _BUILT_IN or called.id.startswith("__"):
            return True
        # Neither its arguments nor a subscript on the way to what is called are ever read then.
    return False
