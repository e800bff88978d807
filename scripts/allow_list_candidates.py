"""Write what installed libraries have that the allow list for pickles lacks, by version, to be read line by line.

    python scripts/allow_list_candidates.py sklearn torch > candidates.yaml
    python scripts/allow_list_candidates.py --gone sklearn

Every module of a library is imported, in this very process. A candidate is a class of the library; beside it stand the
methods of its own that run while a pickle is loaded, with file and line. Nothing here says that one is harmless.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caponier.detect.model_files.pickles.rules import Rules, shipped
from caponier.detect.model_files.pickles.values import Global

_HOOKS: Final = ("__new__", "__setstate__", "__reduce__", "__reduce_ex__", "__setattr__", "__getattr__", "__del__")
"""What runs while an object is made from a pickle, or soon after."""
_SKIPPED: Final = frozenset(
    {"tests", "conftest", "__main__", "setup", "_testing", "testing", "externals", "experimental"}
)
_DISTRIBUTIONS: Final = {"sklearn": "scikit-learn"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A class that the list lacks."""

    what: Global
    roles: str
    hooks: tuple[str, ...]
    """Its own methods that run, with the file and the line where they begin."""


def candidates(library: str, rules: Rules) -> Iterator[Candidate]:
    """Yield the classes of an installed library that are not on the list.

    Raises:
        ImportError: If the library is not installed.
    """
    for module in _modules(library):
        for name, value in sorted(vars(module).items()):
            what = Global(module.__name__, name)
            own = inspect.isclass(value) and value.__module__ == module.__name__ and value.__qualname__ == name
            if own and what not in rules.allowed and not rules.dangerous_modules & {library, module.__name__}:
                yield Candidate(what, _roles(value), tuple(_hooks(value, library)))


def gone(library: str, rules: Rules) -> Iterator[Global]:
    """Yield what the list has of a library and the installed version has not."""
    for what in sorted(rules.allowed, key=str):
        if what.module != library and not what.module.startswith(f"{library}."):
            continue
        try:
            found: Any = importlib.import_module(what.module)
            for part in what.name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            yield what


def version(library: str) -> str:
    """Return the installed version."""
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(library, library))
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _modules(library: str) -> Iterator[Any]:
    package = _imported(library)
    yield package
    for found in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{library}.", onerror=lambda _: None):
        if _SKIPPED & set(found.name.split(".")):
            continue
        try:
            yield _imported(found.name)
        except Exception as failed:  # noqa: BLE001 - modules of a library may need what is not installed
            sys.stderr.write(f"{found.name} cannot be imported: {type(failed).__name__}\n")


def _imported(name: str) -> Any:
    # Some modules tell their version when they are imported, and what is told here is YAML.
    with contextlib.redirect_stdout(sys.stderr):
        return importlib.import_module(name)


def _roles(kind: type) -> str:
    fills = issubclass(kind, dict | list | set)
    return "new, build, items" if fills else "new, build"


def _hooks(kind: type, library: str) -> Iterator[str]:
    for name in _HOOKS:
        method = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
        owner = next((base for base in kind.__mro__ if name in vars(base)), object)
        if method is None or owner is object or not owner.__module__.startswith(library):
            continue
        function = inspect.unwrap(getattr(method, "__func__", method))
        code = getattr(function, "__code__", None)
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code else "compiled"
        yield f"{name} of {owner.__name__} ({place})"


def main(words: list[str] | None = None) -> int:
    """Write the candidates of each library as YAML with comments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="+")
    parser.add_argument("--gone", action="store_true", help="write what the list has and the library has not")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    for library in asked.library:
        sys.stdout.write(f"{library}:  # {version(library)}\n")
        if asked.gone:
            sys.stdout.writelines(f"- {what}\n" for what in gone(library, shipped()))
            continue
        for one in candidates(library, shipped()):
            hooks = "; ".join(one.hooks) or "nothing of its own runs"
            sys.stdout.write(
                f"- {{module: {one.what.module}, name: {one.what.name}, roles: [{one.roles}]}}  # {hooks}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
