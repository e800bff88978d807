"""What a Windows event says to people: lines of `Label: value` below headings, read back into the event's fields."""

import re
from collections.abc import Iterator
from typing import Final

LINES: Final = 400
_LINE: Final = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9 /\-]{0,63}):[ \t]*(.*)")
_EMPTY: Final = ("", "-", "NULL SID")
_TARGETS: Final = (
    *("new logon", "account for which logon failed", "account whose credentials were used", "target account"),
    *("new account", "group", "target subject", "account that was locked out"),
)
_FIELDS: Final = {
    ("subject", "account name"): "subjectusername",
    ("subject", "account domain"): "subjectdomainname",
    ("subject", "security id"): "subjectusersid",
    ("member", "account name"): "membername",
    ("member", "security id"): "membersid",
    ("creator subject", "account name"): "subjectusername",
    ("network information", "source network address"): "ipaddress",
    ("network information", "client address"): "ipaddress",
    ("network information", "source port"): "ipport",
    ("network information", "workstation name"): "workstationname",
    ("process information", "new process name"): "newprocessname",
    ("process information", "creator process name"): "parentprocessname",
    ("process information", "process command line"): "commandline",
    ("service information", "service file name"): "servicefilename",
    **{(target, "account name"): "targetusername" for target in _TARGETS},
    **{(target, "group name"): "targetusername" for target in _TARGETS},
    **{(target, "account domain"): "targetdomainname" for target in _TARGETS},
    **{(target, "security id"): "targetusersid" for target in _TARGETS},
}
"""Heading and label to the field whose value Windows prints there, as in Microsoft's pages on each event."""


_NAMES: Final = frozenset(_FIELDS.values())
_LAST: Final = ("process information", "process command line")
"""What was started with which words is told last; it may go on over several lines."""


def spoken(message: str) -> Iterator[tuple[str, str]]:
    """Yield fields, in lower case, and their values; a label below no heading is the field's own name, as of Sysmon.

    A value may hold lines that look like labels: one that stands twice below a heading with two values has none.
    """
    heading, said = "", dict[tuple[str, str], str | None]()
    for line in message.splitlines()[:LINES]:
        found = _LINE.fullmatch(line.rstrip())
        if found is None:
            continue
        label, value = found[1].lower(), found[2].strip()
        if not value and not line[:1].isspace():
            heading = label
        elif value not in _EMPTY:
            place = heading, label
            said[place] = value if said.get(place, value) == value else None
            if place == _LAST:
                break
    for (heading, label), kept in said.items():
        name = _FIELDS.get((heading, label), label.replace(" ", ""))
        # Below a heading Windows calls nothing by the names of fields that it has labels for.
        if kept is not None and (not heading or (heading, label) in _FIELDS or name not in _NAMES):
            yield name, kept
