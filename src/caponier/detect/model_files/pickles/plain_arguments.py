"""What a class that nobody here has read may be created with, without being given anything that it could run.

Numbers, words, prose, arrays of numbers, functions that only compute, and objects of classes that are listed, with
nothing else in them. A class that is created with these is as little known as one that is created with nothing.
"""

import re
from typing import Final

from caponier.detect.model_files.pickles.rules import GlobalRole, Rules
from caponier.detect.model_files.pickles.values import Global, Guess, Made

_WORD: Final = re.compile(r"\w[\w-]{0,63}")
"""No path, no address, no program and no command with anything behind it."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,40}(?:\.\d{0,40}){0,2}(?:[eE][+-]?\d{1,4})?", re.ASCII)
"""Decimals and versions are written so; nothing is opened by one."""
_PROSE: Final = re.compile(r"[^\W_]\w{0,63}(?:['-]\w{1,64})?(?:,? [^\W_]\w{0,63}(?:['-]\w{1,64})?){1,99}\.?")
"""Words with nothing between them that a shell, Python or a template would read: no option, no assignment, no path."""
_PROGRAMS: Final = frozenset({
    "ash", "awk", "bash", "bitsadmin", "certutil", "chmod", "chown", "cmd", "conda", "cscript", "csh", "curl", "dash",
    "docker", "doas", "eval", "exec", "execfile", "fish", "gawk", "git", "import", "java", "ksh", "kubectl", "lua",
    "mshta", "msiexec", "nc", "ncat", "netcat", "netsh", "node", "nohup", "npm", "npx", "perl", "php", "pip", "pip3",
    "pipx", "pkill", "podman", "powershell", "pwsh", "pypy", "pypy3", "python", "python2", "python3", "reg", "regsvr32",
    "rm", "rmdir", "rsync", "ruby", "rundll32", "schtasks", "scp", "setsid", "sftp", "sh", "socat", "ssh", "su",
    "sudo", "systemctl", "tcsh", "telnet", "uv", "uvx", "wget", "wmic", "wscript", "xargs", "xterm", "zsh",
})  # fmt: skip
"""Programs that run, fetch or destroy what words behind them name, and Python's own words for it: in no prose."""
_HEADS: Final = frozenset({
    "alter", "apt", "at", "attach", "batch", "brew", "busybox", "call", "cat", "cp", "crontab", "dd", "del", "delete",
    "drop", "env", "erase", "format", "from", "ftp", "grant", "id", "insert", "install", "kill", "killall", "ln",
    "load", "ls", "make", "mkdir", "mount", "mv", "net", "nice", "open", "poweroff", "print", "reboot", "run", "set",
    "service", "shutdown", "source", "start", "taskkill", "tee", "time", "timeout", "touch", "truncate", "unset",
    "update", "useradd", "watch",
})  # fmt: skip
"""Words of prose that are commands where they come first."""
_COMPUTING: Final = frozenset({
    "numpy", "numpy._core._multiarray_umath", "numpy.core._multiarray_umath", "numpy.linalg", "scipy.special._ufuncs",
    "torch", "torch._C._nn", "torch.nn.functional",
})  # fmt: skip
"""Rooms in which every function that may be named, and not called, computes: none calls or imports an argument."""
_KINDS: Final = frozenset({
    "bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "long", "set", "str", "tuple", "unicode",
})  # fmt: skip
"""Classes of Python's own by which a converter or a type is told."""


def is_harmless_text(text: str) -> bool:
    """Return whether a text is a word, a number, or words in a row that are no command."""
    if isinstance(text, Guess):
        return False
    if _WORD.fullmatch(text) is not None or _NUMBER.fullmatch(text) is not None:
        return True
    if _PROSE.fullmatch(text) is None:
        return False
    words = [word.strip(",.").lower() for word in text.split(" ")]
    return words[0] not in _HEADS and _PROGRAMS.isdisjoint(words)


def only_computes(what: Global, rules: Rules) -> bool:
    """Return whether this is named as a value alone, and does nothing but compute if it is called with anything.

    What may be called, what has a check (it makes, calls, imports or loads an argument) and what a user has added, is
    none of these.
    """
    if what.module == "builtins":
        return what.name in _KINDS
    named = rules.allowed.get(what) == frozenset({GlobalRole.NAME})
    return named and what.module in _COMPUTING and what not in rules.checks and what not in rules.added


def is_listed_object(made: Made, rules: Rules) -> bool:
    """Return whether an object is of a class that ships as allowed, so that what matters is what lies in it.

    One with a check of its own may call, load or open what lies in it; of a user's class only the user knows.
    """
    roles = rules.allowed.get(made.origin, frozenset())
    listed = GlobalRole.NEW in roles or GlobalRole.CALL in roles
    return listed and made.origin not in rules.checks and made.origin not in rules.added
