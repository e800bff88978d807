"""The ignore file: findings on files that somebody looked at and accepts, by digest, with a reason and an end.

By digest, never by name, so that another file in the same place is not accepted with it. It is read only where the
user names it: one that lies beside the files under scan may have been put there by whoever made them.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.strict_yaml import YamlDialect, read_value

_KEYS: Final = {"sha256", "reason", "expires"}
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIALECT: Final = YamlDialect(letters=4 << 20)


@dataclass(frozen=True, slots=True)
class Ignored:
    """One accepted file."""

    sha256: str
    reason: str
    expires: date
    """The last day on which it applies."""

    def applies(self, today: date) -> bool:
        """Return whether it still applies."""
        return today <= self.expires


def read_ignored(path: Path) -> dict[str, Ignored]:
    """Read an ignore file: a YAML list `ignore` of `sha256`, `reason` and `expires`.

    Returns:
        The entries by digest, expired ones included.

    Raises:
        InputError: If it cannot be read or an entry is not as it must be; nothing is ignored by accident.
    """
    try:
        with path.open(encoding="utf-8") as file:
            document = read_value(file.read((_DIALECT.letters or 0) + 1), str(path), _DIALECT)
    except OSError as failed:
        raise InputError(f"the file cannot be read: {failed.strerror}", where=str(path)) from failed
    except UnicodeDecodeError as wrong:
        raise InputError("this is no YAML: it is not UTF-8", where=str(path)) from wrong
    if not isinstance(document, dict) or set(document) != {"ignore"} or not isinstance(document["ignore"], list):
        raise InputError("expected one key, 'ignore', with a list of entries", where=str(path))
    entries = [_entry(row, f"{path}: entry {number}") for number, row in enumerate(document["ignore"], 1)]
    return {entry.sha256: entry for entry in entries}


def _entry(row: Any, where: str) -> Ignored:
    if not isinstance(row, dict) or set(row) != _KEYS:
        raise InputError(f"expected the keys {', '.join(sorted(_KEYS))}", where=where)
    digest, reason, expires = str(row["sha256"]).lower(), row["reason"], row["expires"]
    if not _DIGEST.fullmatch(digest):
        raise InputError("sha256 must be 64 hexadecimal digits", where=where)
    if not isinstance(reason, str) or not reason.strip():
        raise InputError("the reason is missing", where=where)
    if type(expires) is not date:
        raise InputError("expires must be a day, such as 2027-01-31", where=where)
    return Ignored(digest, reason.strip(), expires)
