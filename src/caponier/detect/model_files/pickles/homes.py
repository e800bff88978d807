"""Whose a class is: Python's own, or that of some other library or project.

What Python itself brings is known, and what of it a model needs is listed. A class of anybody else's may be harmless or
not: only who has read it can tell.
"""

import re
import sys
from _compat_pickle import IMPORT_MAPPING
from typing import Final

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


def is_foreign_class(what: Global) -> bool:
    """Return whether this is, by its name, a class that Python does not bring itself."""
    home = _MODULE.fullmatch(what.module)
    return home is not None and what.module.partition(".")[0] not in _OWN and _CLASS.fullmatch(what.name) is not None
