"""Write what installed libraries have that the allow list for pickles lacks, by version, to be read line by line.

    python scripts/allow_list_candidates.py sklearn torch > candidates.yaml
    python scripts/allow_list_candidates.py --gone sklearn
    python scripts/allow_list_candidates.py --plain lifelines > plain.yaml

Every module of a library is imported, in this very process. A candidate is a class of the library; beside it stand the
methods of its own that run while a pickle is loaded, with file and line. Nothing here says that one is harmless.

With `--plain` it writes what is read quickly, because none of its code runs while a pickle creates it and gives it its
state: classes that leave all of that to `object`, and enumerations that only look a member up.
"""

import abc
import argparse
import contextlib
import enum
import importlib
import importlib.metadata
import inspect
import pkgutil
import sys
import typing
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, Rules, shipped
from caponier.detect.model_files.pickles.values import Global

_HOOKS: Final = ("__new__", "__setstate__", "__reduce__", "__reduce_ex__", "__setattr__", "__getattr__", "__del__")
"""What runs while an object is made from a pickle, or soon after."""
_SKIPPED: Final = frozenset(
    {"tests", "conftest", "__main__", "setup", "_testing", "testing", "externals", "experimental"}
)
_RUNNING: Final = ("__new__", "__setstate__", "__setattr__", "__getattribute__", "__del__", "__class__")
"""What runs while an unpickler creates an object, gives it its state, and drops it again."""
_LOOKING: Final = ("__new__", "__init__", "_missing_", "_generate_next_value_", "__eq__", "__hash__", "__del__")
"""What an enumeration may run of its own when a member is looked up, or kept as a key."""
_READ: Final = frozenset(
    {
        "dataclasses._dataclass_setstate",
        "optuna.study.study.Study.__setstate__",
        "sklearn.base.BaseEstimator.__setstate__",
        "statsmodels.base.wrapper.ResultsWrapper.__setstate__",
        "torch.nn.modules.module.Module.__setattr__",
        "torch.nn.modules.module.Module.__setstate__",
    }
)
"""Methods that were read, and that do no more than to set attributes: no method of the object is called."""
_ENUMS: Final = frozenset(
    {
        "enum.Enum",
        "enum.StrEnum",
        "enum.IntEnum",
        "enum.Flag",
        "enum.IntFlag",
        "enum.ReprEnum",
        "builtins.str",
        "builtins.int",
        "transformers.utils.generic.ExplicitEnum",
    }
)
"""Bases of enumerations whose own code was read."""
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
    for what, kind in found_classes(library):
        if what not in rules.allowed and not rules.dangerous_modules & {library, what.module}:
            yield Candidate(what, _roles(kind), tuple(_hooks(kind, library)))


def is_plain(kind: type) -> bool:
    """Return whether creating an object and giving it its state runs no code of the class, nor of its bases.

    What a class does when it is asked for `__setstate__` and has none is tried out, on an object without attributes:
    the file has no part in it. Equality counts only together with a hash, as without one nothing of Python compares.
    """
    if not issubclass(type(kind), type) or any("__getattribute__" in vars(base) for base in _own(type(kind))):
        return False
    if any(name in vars(base) and not _is_read(base, name) for base in _own(kind) for name in _RUNNING):
        return False
    if any(isinstance(vars(base).get("__dict__"), property) for base in _own(kind)):
        return False
    if any(_is_written(base, "__hash__") for base in _own(kind)):
        return False
    return _takes_no_state(kind)


def is_lookup(kind: type) -> bool:
    """Return whether calling an enumeration with one value looks a member up, and does no more."""
    if not issubclass(kind, enum.Enum) or type(kind) is not enum.EnumType or not len(kind):
        return False
    return all(_dotted(base) in _ENUMS or not any(_is_written(base, name) for name in _LOOKING) for base in _own(kind))


def _own(kind: type) -> list[type]:
    return [
        base
        for base in kind.__mro__
        if base not in (object, type, abc.ABC, abc.ABCMeta, typing.Generic, typing.Protocol)
    ]


def _dotted(what: Any) -> str:
    return f"{getattr(what, '__module__', '?')}.{getattr(what, '__qualname__', '?')}"


def _is_read(base: type, name: str) -> bool:
    method = vars(base)[name]
    if name == "__setattr__" and not _is_written(base, name):
        return True
    return f"{_dotted(base)}.{name}" in _READ or _dotted(method) in _READ


def _is_written(base: type, name: str) -> bool:
    """Return whether a class brings a method that somebody wrote, and `dataclasses` or `attrs` did not."""
    method = vars(base).get(name)
    code = getattr(inspect.unwrap(getattr(method, "__func__", method)), "__code__", None) if method else None
    if getattr(method, "__module__", None) == "enum":
        return False
    return method is not None and (code is None or not code.co_filename.startswith(("<string>", "<attrs generated")))


def _takes_no_state(kind: type) -> bool:
    if any("__setstate__" in vars(base) for base in _own(kind)):
        return True
    try:
        return getattr(object.__new__(kind), "__setstate__", None) is None
    except Exception:  # noqa: BLE001 - whatever it raises, an unpickler stops there
        return False


def plain_rows(library: str, rules: Rules) -> Iterator[str]:
    """Yield the lines of YAML that list what of a library is plain and not on the list yet, a module each.

    Raises:
        ImportError: If the library is not installed.
    """
    found = dict[str, tuple[list[str], list[str]]]()
    for one, kind in found_classes(library):
        if one in rules.allowed or rules.standing(one, GlobalRole.NEW) is AllowLevel.DANGEROUS:
            continue
        classes, lookups = found.setdefault(one.module, ([], []))
        if is_lookup(kind):
            lookups.append(one.name)
        elif not issubclass(kind, BaseException | enum.Enum) and is_plain(kind):
            classes.append(one.name)
    yield f"# {library} {version(library)}\n"
    for module, (classes, lookups) in sorted(found.items()):
        if classes or lookups:
            yield f"- {{module: {module}, new: [{', '.join(classes)}], lookup: [{', '.join(lookups)}]}}\n"


def found_classes(library: str) -> Iterator[tuple[Global, type]]:
    """Yield the classes that the modules of a library define, each at its home."""
    for module in _modules(library):
        for name, value in sorted(vars(module).items()):
            if inspect.isclass(value) and value.__module__ == module.__name__ and value.__qualname__ == name:
                yield Global(module.__name__, name), value


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
    parser.add_argument("--plain", action="store_true", help="write what runs no code of its own")
    parser.add_argument("--gone", action="store_true", help="write what the list has and the library has not")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    for library in asked.library:
        if asked.plain:
            sys.stdout.writelines(plain_rows(library, shipped()))
            continue
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
