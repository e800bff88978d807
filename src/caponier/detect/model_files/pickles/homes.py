"""Whose a class is: Python's own, or that of some other library or project.

What Python itself brings is known, and what of it a model needs is listed. A class of anybody else's may be harmless or
not: only who has read it can tell.
"""

import re
import sys
from _compat_pickle import IMPORT_MAPPING
from collections.abc import Iterator
from typing import Any, Final

from caponier.detect.model_files.pickles.values import Global

_GONE: Final = frozenset({
    "_bootlocale", "_dummy_thread", "aifc", "asynchat", "asyncore", "audioop", "binhex", "bsddb", "cgi", "cgitb",
    "chunk", "commands", "compiler", "crypt", "distutils", "dummy_threading", "exceptions", "formatter", "ihooks",
    "imghdr", "imp", "imputil", "lib2to3", "macpath", "mailcap", "msilib", "new", "nis", "nntplib", "ossaudiodev",
    "parser", "pipes", "popen2", "rexec", "smtpd", "sndhdr", "spwd", "sunau", "symbol", "telnetlib", "uu", "xdrlib",
})  # fmt: skip
"""Modules that Python had and the one that scans may have no longer; the one that loads may be older."""
_OWN: Final = sys.stdlib_module_names | _GONE | {old.partition(".")[0] for old in IMPORT_MAPPING}
_MODULE: Final = re.compile(r"[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){0,20}", re.ASCII)
"""How modules are named; with a full stop in front, Python finds its own under another name."""
_CLASS: Final = re.compile(r"_*[A-Z]\w{0,99}(?:\._*[A-Z]\w{0,99}){0,5}", re.ASCII)
"""How classes are named. By a name with full stops a module in a module could be reached, and its classes."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")
_ACTING: Final = frozenset({
    "Browser", "Cmd", "Command", "Connection", "Console", "DB", "DLL", "Database", "Dispatch", "Driver", "File",
    "Gateway", "Interpreter", "Client", "Popen", "Reader", "Server", "Shell", "Socket", "Store",
    "Subprocess", "Terminal", "Writer",
})  # fmt: skip
"""What a class is called, by its last word, that runs, opens, fetches or reaches what a single word names.

Modules hand on what they import, so `Popen` and `CDLL` may be found in any of them.
"""
_DLL: Final = "DLL"
_OPENING: Final = frozenset({
    ("catboost", "Pool"), ("lightgbm", "Booster"), ("lightgbm", "Dataset"), ("lightgbm", "Sequence"),
    ("sentencepiece", "SentencePieceProcessor"), ("torch", "UntypedStorage"), ("xgboost", "Booster"),
    ("xgboost", "DMatrix"), ("xgboost", "DataIter"), ("xgboost", "ExtMemQuantileDMatrix"),
    ("xgboost", "QuantileDMatrix"),
})  # fmt: skip
"""Classes of libraries, wherever in them, that open or map the file whose name they are called with."""
_CARRIES: Final = frozenset(
    {"_externals", "_vendor", "_vendored", "extern", "externals", "third_party", "vendor", "vendored"}
)
"""Packages in which a library carries others along."""
_MOST_PARTS: Final = 20
_RESTORER: Final = re.compile(r"__pyx_unpickle_\w{1,100}", re.ASCII)
"""What Cython writes beside each of its classes: it creates an object of the class that it is given."""


def is_foreign_class(what: Global) -> bool:
    """Return whether this is, by its name, a class that Python does not bring itself."""
    return _is_foreign(what.module) and _CLASS.fullmatch(what.name) is not None


def restores_foreign_class(what: Global) -> bool:
    """Return whether this is, by its name, the function by which Cython creates objects of such a class."""
    return _is_foreign(what.module) and _RESTORER.fullmatch(what.name) is not None


def acts_on(what: Global, given: tuple[Any, ...]) -> bool:
    """Return whether this is, by its name, a class that does what a word tells it, and whether it is told one.

    Members of an enumeration are looked up by a call as well, most of them by a number, which names nothing to open.
    """
    return (
        bool(given) and acts_when_called(what) and not all(one is None or isinstance(one, int | float) for one in given)
    )


def acts_when_called(what: Global) -> bool:
    """Return whether this is, by its name, a class that does what a word tells it as soon as it is called."""
    words = _WORDS.findall(what.name)
    named = bool(words) and (words[-1] in _ACTING or words[-1].endswith(_DLL))
    return named or (what.module.partition(".")[0], what.name.rpartition(".")[2]) in _OPENING


def carried_along(module: str) -> Iterator[str]:
    """Yield the names that a module has where it is at home, if some library carries it along."""
    parts = module.split(".", _MOST_PARTS)
    for at, part in enumerate(parts[1:-1], 1):
        if part in _CARRIES:
            yield ".".join(parts[at + 1 :])


def _is_foreign(module: str) -> bool:
    return _MODULE.fullmatch(module) is not None and module.partition(".")[0] not in _OWN
