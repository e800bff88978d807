"""Print the architecture's budgets beside the figures of this tree; exit with 1 when one is broken."""

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_MEDIAN, FILE_MAX = 150, 600
FUNCTION_MEDIAN, FUNCTION_MAX = 10, 60
ATTIC = re.compile(r"(^|/)(utils?|helpers?|common|misc)(/|\.py$)")
BROAD_BORDERS = {
    "src/caponier/cli/__init__.py",
    "src/caponier/guard/middleware.py",
    "src/caponier/app/guard_response.py",
    "src/caponier/app/guard_work.py",
    "src/caponier/app/judge_file.py",
}
"""Files that may catch everything: where the command line ends, where a request is served, the guard's worker, and
where a detector judges a hostile file."""


def sources(folder: str) -> list[Path]:
    """Return the Python files below a folder."""
    return sorted((ROOT / folder).rglob("*.py"))


def length(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the functions of a file with their number of lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def broad(path: Path) -> int:
    """Count handlers that catch everything."""
    handlers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
    wide = {"Exception", "BaseException"}
    # Cleaning up and raising again hides nothing.
    return sum(
        1
        for handler in handlers
        if (handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id in wide))
        and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))
    )


def figures() -> Iterator[tuple[str, str, str, bool]]:
    """Yield (what, figure, budget, kept)."""
    code = sources("src")
    lengths = {path: length(path) for path in code}
    written = [lines for path, lines in lengths.items() if path.name != "__init__.py" or lines > 3]
    measured = dict(pair for path in code for pair in functions(path))
    longest_file = max(lengths, key=lambda path: lengths[path])
    longest = max(measured, key=lambda name: measured[name])
    tests = sum(length(path) for path in sources("tests"))
    ratio = tests / sum(lengths.values())
    attic = [path for path in code if ATTIC.search(path.relative_to(ROOT).as_posix())]
    wide = [path for path in code if broad(path) and path.relative_to(ROOT).as_posix() not in BROAD_BORDERS]
    file_median, function_median = statistics.median(written), statistics.median(measured.values())
    yield "lines a file, median", f"{file_median:g}", f"<= {FILE_MEDIAN}", file_median <= FILE_MEDIAN
    yield (
        "lines a file, most",
        f"{lengths[longest_file]} ({longest_file.relative_to(ROOT)})",
        f"<= {FILE_MAX}",
        lengths[longest_file] <= FILE_MAX,
    )
    yield (
        "lines a function, median",
        f"{function_median:g}",
        f"<= {FUNCTION_MEDIAN}",
        function_median <= FUNCTION_MEDIAN,
    )
    yield (
        "lines a function, most",
        f"{measured[longest]} ({longest})",
        f"<= {FUNCTION_MAX}",
        measured[longest] <= FUNCTION_MAX,
    )
    yield "test lines to source lines", f"{ratio:.2f}", ">= 1", ratio >= 1
    yield "files without a name of their own", str(len(attic)), "0", not attic
    yield "broad excepts outside the borders", str([p.name for p in wide] or 0), "0", not wide
    yield "files, lines of source", f"{len(code)}, {sum(lengths.values()):,}", "", True


def main() -> int:
    """Print the table."""
    rows = list(figures())
    width = max(len(what) for what, *_ in rows)
    for what, figure, budget, kept in rows:
        print(f"{'ok    ' if kept else 'BROKEN'} {what:{width}}  {figure}  {budget and f'(budget {budget})'}")
    return 0 if all(kept for *_, kept in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
