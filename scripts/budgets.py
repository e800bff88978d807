"""Print the architecture's budgets beside the figures of this tree; exit with 1 when one is broken."""

import ast
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
FILE_MEDIAN, FILE_MAX = 150, 600
FUNCTION_MEDIAN, FUNCTION_MAX = 10, 60
ATTIC = re.compile(r"(^|/)(utils?|helpers?|common|misc)(/|\.py$)")
BROAD_BORDERS = {
    "src/caponier/cli/__init__.py",
    "src/caponier/guard/middleware.py",
    "src/caponier/app/guard/alerting.py",
    "src/caponier/app/guard/response.py",
    "src/caponier/app/guard/work.py",
    "src/caponier/plugins.py",
    "src/caponier/app/scan/judge_file.py",
    "src/caponier/telemetry/recorder.py",
}
"""Files that may catch everything: where the command line ends, where a request is served, the guard's worker, where a
detector judges a hostile file, where calls of a user's model are recorded, which must answer whatever it is asked, and
where somebody else's code is imported, which may raise whatever it likes and must end as one message that names it."""


FOLDER_MAX = 25
DOCUMENT: Final = "caponier.findings/1"
PLUG_INS: Final = re.compile(
    r"src/caponier/(detect/(events|datasets|artifacts|models|enrichments)"
    r"|emulate/(evasion|campaigns|poisoning|model_files|discovery|feedback|disguises|scenarios|controls))/"
)
"""Folders of plug-ins: a detector is called like the attack that it sees."""
READERS: Final = re.compile(r"(safe_|full_|unsafe_)?load(_all)?|compose(_all)?|parse|scan|C?(Safe|Base|Full)?Loader")
RENAMES: Final = {"replace", "rename", "renames", "link"}

Trees = Mapping[Path, ast.Module]


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
    # Cleaning up and raising again hides nothing.
    return sum(
        _wide(handler.type) and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))
        for handler in handlers
    )


def crowded() -> list[tuple[int, str]]:
    """Return the code files of every folder, the fullest first."""
    files = (path for folder in ("src", "tests", "bench") for path in sources(folder) if path.name != "__init__.py")
    return [
        (count, folder.relative_to(ROOT).as_posix()) for folder, count in Counter(p.parent for p in files).most_common()
    ]


def twice(trees: Trees) -> dict[str, list[str]]:
    """Return the public class names that stand for two things, with the files."""
    found: dict[str, list[str]] = {}
    for path, tree in trees.items():
        name = path.relative_to(ROOT).as_posix()
        if PLUG_INS.match(name):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name)
    return {name: files for name, files in sorted(found.items()) if len(files) > 1}


def findings_made(trees: Trees) -> list[str]:
    """Return the places that make a finding, beside the record itself."""
    return [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path, tree in trees.items()
        if path.name != "finding.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    ]


def documents_made(trees: Trees) -> list[str]:
    """Return the places that write the document of findings: a dict whose `schema` is its name."""
    named = {(path, name) for path, tree in trees.items() for name in _names_of_document(tree)}
    modules = {(".".join(path.relative_to(ROOT / "src").with_suffix("").parts), name) for path, name in named}
    found = []
    for path, tree in trees.items():
        own = {name for file, name in named if file == path} | {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (node.module, alias.name) in modules
        }
        for node in ast.walk(tree):
            pairs = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
            if any(isinstance(key, ast.Constant) and key.value == "schema" and _is(value, own) for key, value in pairs):
                found.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}")
    return found


def _names_of_document(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Constant) and value.value == DOCUMENT:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _is(value: ast.expr, names: set[str]) -> bool:
    if isinstance(value, ast.Constant):
        return bool(value.value == DOCUMENT)
    return isinstance(value, ast.Name) and value.id in names


def users(trees: Trees, module: str, names: re.Pattern[str]) -> list[str]:
    """Return the files that use a name of a module: as its attribute, imported from it, or through `getattr`."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, tree in trees.items()
        if any(names.fullmatch(name) for node in ast.walk(tree) for name in _names_of(node, module))
    ]


def _names_of(node: ast.AST, module: str) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module == module:
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module:
        yield node.attr
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        owner, name, *_ = node.args
        if isinstance(owner, ast.Name) and owner.id == module and isinstance(name, ast.Constant):
            yield str(name.value)


def one_of_everything(code: list[Path]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what must be there once."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in code}
    most, folder = crowded()[0]
    yield "code files a folder, most", f"{most} ({folder})", f"<= {FOLDER_MAX}", most <= FOLDER_MAX
    double = twice(trees)
    shown = f"{len(double)}{': ' + ', '.join(double) if double else ''}"
    yield "class names used twice", shown, "0", not double
    for what, places in (
        ("places that make findings", findings_made(trees)),
        ("places that make their document", documents_made(trees)),
        ("YAML readers", users(trees, "yaml", READERS)),
        ("atomic writers", users(trees, "os", re.compile("|".join(RENAMES)))),
        ("plug-in registries", users(trees, "pkgutil", re.compile("iter_modules|walk_packages"))),
    ):
        figure = f"{len(places)}{': ' + ', '.join(places) if len(places) > 1 else ''}"
        yield what, figure, "1", len(places) == 1


def _wide(caught: ast.expr | None) -> bool:
    """Tell whether a handler of these exceptions catches everything, alone or among others."""
    if isinstance(caught, ast.Tuple):
        return any(_wide(one) for one in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


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
    yield from one_of_everything(code)
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
