"""`allowed-names.yaml` in the workspace: what pickles here may use beyond the list that ships, each with an end.

It is read from the workspace alone, never from beside the files under scan. What is known to be dangerous cannot be
allowed: accept the single file instead, by its digest (`--ignore`).
"""

import re
from datetime import date
from pathlib import Path
from typing import Any, Final

from caponier.detect.model_files.pickles.rules import Allowance, AllowLevel, GlobalRole, canonical, shipped
from caponier.errors import InputError
from caponier.formats.strict_yaml import YamlDialect, read_value
from caponier.formats.suggest import did_you_mean, nearest

FILE_NAME: Final = "allowed-names.yaml"

_KEYS: Final = {"module", "name", "roles", "reason", "expires"}
_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_DIALECT: Final = YamlDialect(letters=1 << 20)


def read_allowed(root: Path) -> tuple[Allowance, ...]:
    """Read the entries of a workspace, expired ones included; none where there is no such file.

    Raises:
        InputError: If it cannot be read or an entry is not as it must be; nothing is allowed by accident.
    """
    path = root / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except OSError as failed:
        raise InputError(f"the file cannot be read: {failed.strerror}", where=str(path)) from failed
    except UnicodeDecodeError as wrong:
        raise InputError("this is no YAML: it is not UTF-8", where=str(path)) from wrong
    document = read_value(text, str(path), _DIALECT)
    if not isinstance(document, dict) or set(document) != {"allow"} or not isinstance(document["allow"], list):
        raise InputError("expected one key, 'allow', with a list of entries", where=str(path))
    entries = tuple(_entry(row, f"{path}: entry {number}") for number, row in enumerate(document["allow"], 1))
    twice = next((entry.what for at, entry in enumerate(entries) if entry.what in [e.what for e in entries[:at]]), None)
    if twice is not None:
        raise InputError(f"{twice} is there twice", where=str(path), hint="Give all its roles in one entry.")
    return entries


def _entry(row: Any, where: str) -> Allowance:
    if not isinstance(row, dict) or set(row) != _KEYS:
        raise InputError(f"expected the keys {', '.join(sorted(_KEYS))}", where=where)
    module, name, reason, expires = row["module"], row["name"], row["reason"], row["expires"]
    for key, value in (("module", module), ("name", name)):
        if not isinstance(value, str) or _DOTTED.fullmatch(value) is None:
            raise InputError(f"{key} must be a name as Python has it, such as mylibrary.models", where=where)
    what = canonical(module, name)
    if shipped().standing(what, GlobalRole.CALL) is AllowLevel.DANGEROUS:
        hint = "Accept the single file by its digest instead: caponier scan artifact --ignore FILE."
        raise InputError(f"{what} is known to be dangerous and cannot be allowed", where=where, hint=hint)
    if not isinstance(reason, str) or not reason.strip():
        raise InputError("the reason is missing", where=where)
    if type(expires) is not date:
        raise InputError("expires must be a day, such as 2027-01-31", where=where)
    return Allowance(what, _roles(row["roles"], where), reason.strip(), expires)


def _roles(given: Any, where: str) -> frozenset[GlobalRole]:
    known = [role.value for role in GlobalRole]
    if not isinstance(given, list) or not given:
        raise InputError(f"roles must be a list of {', '.join(known)}", where=where)
    for role in given:
        if role not in known:
            hint = did_you_mean(nearest(str(role), known))
            raise InputError(f"there is no role {role!r}; the roles are {', '.join(known)}", where=where, hint=hint)
    return frozenset(GlobalRole(role) for role in given)
