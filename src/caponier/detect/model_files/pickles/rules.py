"""Which uses of which globals are allowed, by library and role; everything else is not."""

import re
from _compat_pickle import NAME_MAPPING
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any, Final

from caponier.detect.model_files.pickles import homes
from caponier.detect.model_files.pickles.values import Global
from caponier.formats.strict_yaml import shipped_yaml


class GlobalRole(StrEnum):
    """What a pickle does with a global."""

    NAME = "name"
    """Holds it as a value."""
    CALL = "call"
    NEW = "new"
    """Creates an object of a class without calling its constructor."""
    BUILD = "build"
    """Gives an object its state."""
    ITEMS = "items"
    """Adds to an object that is no plain list, set or dictionary."""


class AllowLevel(IntEnum):
    """What the rules say of one use."""

    ALLOWED = 0
    UNCLEAR = 1
    """Ordinary, and yet a way to run code for whoever chooses the contents."""
    FOREIGN = 2
    """A class of another library, or of somebody's own, is created or filled: what it then does only it knows."""
    UNLISTED = 3
    DANGEROUS = 4


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold for the arguments of an allowed call; numbers are positions of arguments."""

    makes: tuple[int, ...] = ()
    """Classes whose code runs to make an object, which is one of the first."""
    or_text: bool = False
    """Whether the class may be a text instead, which the function itself looks up."""
    plain: bool = False
    """An object of this class is never created with arguments."""
    keeps: bool = False
    """A tuple with names: what it is created with is kept, and nothing of that is called."""
    within: str | None = None
    """Where the class must be at home: it is called, or has its attributes set through code of its own."""
    base: int | None = None
    """A class whose own `__init__` is called with the object."""
    state: int | None = None
    """What the result has its attributes set to."""
    calls_argument: tuple[int, int] | None = None
    """A function that it calls, if there is such an argument, and the one argument that this function gets."""
    calls: tuple[int, int] | None = None
    """A function that it calls, and that function's arguments."""
    loads: int | None = None
    """Bytes that it loads: another artifact."""
    gives: int | None = None
    """The argument that it hands back as it is."""
    only: tuple[int, tuple[str, ...]] | None = None
    """An argument, and the texts that it may be."""
    dtype: bool = False
    """The first argument is the name of a numpy type."""
    module: str | None = None
    """What it gives is the class of this module that its first argument names."""
    fills: bool = False
    """It gives what it has called, with the state that is its third argument."""
    values: tuple[int, int] | None = None
    """The least and the most arguments, each of them a text, bytes, a number or None: no code of theirs runs."""
    absent: int | None = None
    """An argument that has to be None, if it is there."""
    formula: bool = False
    """Setting its state may evaluate a formula that lies in there."""
    runs: tuple[str, ...] = ()
    """Attributes that it calls, or of which it calls a method, while its state is set."""
    slots: tuple[str, ...] = ()
    """Attributes that lie in a place of their own, and are set by nobody's code."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a user allows beyond the list that ships, until a day."""

    what: Global
    roles: frozenset[GlobalRole]
    reason: str
    expires: date
    """The last day on which it applies."""

    def applies(self, today: date) -> bool:
        """Return whether it still applies."""
        return today <= self.expires


@dataclass(frozen=True, slots=True)
class Rules:
    """The allow list, the list of what is known to be dangerous, and the checks of arguments."""

    allowed: Mapping[Global, frozenset[GlobalRole]]
    unclear: Mapping[Global, str]
    """Why each of these is left open."""
    unclear_modules: Mapping[str, str]
    """The same for everything in a module."""
    attributes: Mapping[Global, frozenset[str]]
    """What may be taken of a class by name."""
    checks: Mapping[Global, Check]
    functions: frozenset[Global]
    """Allowed functions; handing one of these to another call is not allowed."""
    dangerous_modules: frozenset[str]
    dangerous_names: frozenset[str]
    state_code: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By package: attributes that all its classes call, or change, while a state is set."""
    uncalled: frozenset[Global] = frozenset()
    """Which of what is left open must not be called."""
    added: Mapping[Global, str] = field(default_factory=dict)
    """What a user has allowed, with the reason."""

    def extended(self, allowances: Iterable[Allowance]) -> "Rules":
        """Return these rules with what a user allows as well; what is dangerous stays so."""
        wanted = [one for one in allowances if not self._is_dangerous(one.what)]
        allowed = dict(self.allowed)
        for one in wanted:
            allowed[one.what] = allowed.get(one.what, frozenset()) | one.roles
        functions = {one.what for one in wanted if GlobalRole.CALL in one.roles and not _is_class(one.what.name)}
        added = {one.what: one.reason for one in wanted}
        return replace(self, allowed=allowed, functions=self.functions | functions, added=added)

    def standing(self, what: Global, role: GlobalRole) -> AllowLevel:
        """Say what is known of a use."""
        roles = self.allowed.get(what)
        if roles is not None and (role is GlobalRole.NAME or role in roles):
            return AllowLevel.ALLOWED
        if self.why_unclear(what) is not None and not (role is GlobalRole.CALL and self._is_uncalled(what)):
            return AllowLevel.UNCLEAR
        if self._is_dangerous(what):
            return AllowLevel.DANGEROUS
        if roles is None and role in _CREATION and homes.is_foreign_class(what):
            return AllowLevel.FOREIGN
        return AllowLevel.UNLISTED

    def run_by(self, what: Global) -> tuple[str, ...]:
        """Return the attributes that every class of a package calls, or changes, while its state is set."""
        homes_of = (what.module.rsplit(".", up)[0] for up in range(_DEEPEST))
        return next((self.state_code[home] for home in homes_of if home in self.state_code), ())

    def why_unclear(self, what: Global) -> str | None:
        """Say why a use is left open, if it is."""
        for home in (what.module, *homes.carried_along(what.module)):
            if (why := self.unclear.get(Global(home, what.name)) or self.unclear_modules.get(home)) is not None:
                return why
        return None

    def _is_uncalled(self, what: Global) -> bool:
        return any(
            Global(home, what.name) in self.uncalled for home in (what.module, *homes.carried_along(what.module))
        )

    def _is_dangerous(self, what: Global) -> bool:
        # No listed module lies deeper, and a hostile name may have a million dots.
        places = (what.module, *homes.carried_along(what.module))
        return any(self._is_dangerous_in(Global(home, what.name)) for home in places)

    def _is_dangerous_in(self, what: Global) -> bool:
        parts = what.module.split(".", _DEEPEST)
        prefixes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return str(what) in self.dangerous_names or any(prefix in self.dangerous_modules for prefix in prefixes)


_DEEPEST: Final = 4

_CREATION: Final = frozenset({GlobalRole.NEW, GlobalRole.BUILD, GlobalRole.ITEMS})
"""What is done to an object without its constructor, or anything else that the file could choose, being called."""

_PYTHON_2: Final = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules under their old names, which unpicklers translate for protocols below 3."""

_GONE: Final = frozenset({"UserDict", "UserList", "UserString", "exceptions"})
"""Modules of Python 2 of which unpicklers translate some names, for the same protocols."""

_EXTERNALS, _CARRIED_JOBLIB = "sklearn.externals.", "sklearn.externals.joblib"
"""Where scikit-learn had joblib before version 0.23, from which all the pickles of that time name it."""

TYPE_NAME: Final = re.compile(r"[<>=|]?(?P<kind>[biufcmMSUVO?])(?P<size>\d{0,9})(\[\w{1,8}\])?")
"""The names of numpy types that a pickle may ask for; numpy itself would take much more."""


def canonical(module: str, name: str, *, translated: bool = True) -> Global:
    """Return a global under the name that Python 3 gives it, if that is asked for, and joblib's own under joblib's."""
    if module == _CARRIED_JOBLIB or module.startswith(f"{_CARRIED_JOBLIB}."):
        module = module.removeprefix(_EXTERNALS)
    if translated and module in _GONE:
        # Only what Python had there; anything else under this name would be a module of somebody's.
        module, name = NAME_MAPPING.get((module, name), (module, name))
    return Global(_PYTHON_2.get(module, module) if translated else module, name)


@cache
def shipped() -> Rules:
    """Return the rules that ship with Caponier."""
    listed = shipped_yaml("caponier.detect.model_files.pickles", "allow_list.yaml")
    dangerous = shipped_yaml("caponier.detect.model_files.pickles", "dangerous.yaml")
    checks = {_global(name): _check(row) for name, row in listed["checks"].items()}
    allowed: dict[Global, frozenset[GlobalRole]] = {}
    for library in listed["allowed"].values():
        for module, rows in library.items():
            for roles, names in rows.items():
                for name in names:
                    what = Global(module, name)
                    allowed[what] = allowed.get(what, frozenset()) | {GlobalRole(role) for role in roles.split()}
    functions = {what for what, roles in allowed.items() if GlobalRole.CALL in roles and not _is_class(what.name)}
    functions.add(Global("builtins", "getattr"))
    functions.remove(Global("array", "array"))  # a class, in spite of its name
    return Rules(
        allowed,
        {_global(name): why for name, why in (listed["unclear"] | listed["unclear_objects"]).items()},
        listed["unclear_modules"],
        {_global(name): frozenset(names) for name, names in listed["attributes"].items()},
        checks,
        frozenset(functions),
        frozenset(dangerous["modules"]),
        frozenset(dangerous["names"]),
        {room: tuple(names) for room, names in listed["state_code"].items()},
        frozenset(map(_global, listed["unclear_objects"])),
    )


def _is_class(name: str) -> bool:
    return name.lstrip("_")[:1].isupper() or name in _SMALL_CLASSES


_SMALL_CLASSES: Final = frozenset(
    {"bytearray", "bytes", "complex", "date", "datetime", "defaultdict", "deque", "dict", "dtype", "float", "frozenset"}
    | {"int", "list", "ndarray", "object", "range", "set", "slice", "time", "timedelta", "timezone", "tuple", "xrange"}
    | {"device"}
)


def _global(dotted: str) -> Global:
    module, _, name = dotted.rpartition(".")
    return Global(module, name)


def _check(row: dict[str, Any]) -> Check:
    calls, only, called, values = row.get("calls"), row.get("only"), row.get("calls_argument"), row.get("values")
    return Check(
        makes=tuple(row.get("makes", ())),
        or_text=row.get("or_text", False),
        plain=row.get("plain", False),
        keeps=row.get("keeps", False),
        within=row.get("within"),
        base=row.get("base"),
        state=row.get("state"),
        calls_argument=(called[0], called[1]) if called else None,
        calls=(calls[0], calls[1]) if calls else None,
        loads=row.get("loads"),
        gives=row.get("gives"),
        only=(only[0], tuple(only[1])) if only else None,
        dtype=row.get("dtype", False),
        module=row.get("module"),
        fills=row.get("fills", False),
        values=(values[0], values[1]) if values else None,
        absent=row.get("absent"),
        formula=row.get("formula", False),
        runs=tuple(row.get("runs", ())),
        slots=tuple(row.get("slots", ())),
    )
