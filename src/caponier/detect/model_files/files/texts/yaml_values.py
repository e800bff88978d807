"""YAML as its readers take it: the values, in whatever spelling they are written.

A value may stand on the next line, behind a tag, an anchor or a comment, in quotes with escapes, in a block, as an
alias or by way of a merge, and five signs end a line. Patterns over letters see some of the spellings; so a text that
is YAML is also judged by its values, as JSON is, and by the same values written down plainly. Nothing is made of a tag.
"""

import re
from typing import Any, Final

from caponier.detect.model_files.files.part import Budget, TooMuchError
from caponier.formats.strict_yaml import HAS_QUICK_YAML, YamlSign, yaml_signs

_MOST_EVENTS: Final = 300_000 if HAS_QUICK_YAML else 30_000
_MOST_MERGED: Final = 50_000
_EVENT: Final = 4
"""How many bytes of a text a value counts as."""
_STRUCTURED: Final = re.compile(
    r"^[ \t]*(?:[-?:][ \t\r\n]|[\[{*&!\"'|>%]|[^\n#]{1,400}?:[ \t\r\n\x85\u2028\u2029])", re.MULTILINE
)
_KEY: Final = object()
_MERGE: Final = "<<"
_LONGEST_KEY, _WIDEST = 400, 20


def read(text: str, budget: Budget) -> list[Any]:
    """Return the mappings and lists of a text, as far as it is YAML: what stands behind a mistake was read before it.

    Raises:
        TooMuchError: If there is more in it than a scan reads.
    """
    if _STRUCTURED.search(text) is None:
        return []
    builder = _Builder(budget)
    for kind, value, anchor in yaml_signs(text):
        builder.take(kind, value, anchor)
    builder.close()
    return builder.documents


def spelled(documents: list[Any]) -> str:
    """Write values down, a line each, with nothing of how they were written."""
    lines: list[str] = []
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", document) for document in reversed(documents)]
    while waiting:
        head, value = waiting.pop()
        if not isinstance(value, dict | list):
            lines.append(head + ("null" if value is None else str(value).strip().replace("\n", "\n ")))
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if head:
            lines.append(head.rstrip())
        room = " " * min(len(head) - len(head.lstrip()) + 1, _WIDEST) if head else ""
        if isinstance(value, dict):
            waiting += [(f"{room}{key}: ", item) for key, item in reversed(value.items())]
        else:
            waiting += [(f"{room}- ", item) for item in reversed(value)]
    return "\n".join(lines)


class _Builder:
    """Puts values together, event by event, and without going deeper for what lies deeper."""

    def __init__(self, budget: Budget) -> None:
        self.documents: list[Any] = []
        self._budget = budget
        self._open: list[tuple[Any, str | None, int]] = []
        """Containers, their anchors, and how many events came before them."""
        self._keys: list[Any] = []
        self._anchored: dict[str, tuple[Any, int]] = {}
        """Values, and how many events they are."""
        self._events = self._merged = 0

    def take(self, kind: YamlSign, value: str, anchor: str | None) -> None:
        stood_for, events = self._anchored.get(anchor or "", (None, 1)) if kind is YamlSign.ALIAS else (None, 1)
        # An alias is looked at as often as what it stands for: nine of nine of nine are few letters and many values.
        self._events += events
        if self._events > _MOST_EVENTS or self._merged > _MOST_MERGED:
            raise TooMuchError("has more values than a scan reads")
        self._budget.look(_EVENT * events)
        if kind in (YamlSign.TEXT, YamlSign.EMPTY):
            scalar = value if kind is YamlSign.TEXT else None
            self._anchor(anchor, scalar, 1)
            self._put(scalar)
        elif kind is YamlSign.ALIAS:
            self._put(stood_for)
        elif kind in (YamlSign.MAPPING, YamlSign.LIST):
            self._open.append(({} if kind is YamlSign.MAPPING else [], anchor, self._events - 1))
            self._keys.append(_KEY)
        elif kind is YamlSign.END:
            self._end()
        else:
            self._anchored.clear()

    def close(self) -> None:
        """End what a mistake has left open; a list of words may be a heading of settings, and has no key."""
        while self._open:
            self._end()
        self.documents = [one for one in self.documents if isinstance(one, dict) or any(map(_is_deep, one))]

    def _end(self) -> None:
        value, anchor, before = self._open.pop()
        self._keys.pop()
        self._anchor(anchor, value, self._events - before)
        self._put(value)

    def _anchor(self, anchor: str | None, value: Any, events: int) -> None:
        if anchor is not None:
            self._anchored[anchor] = value, events

    def _put(self, value: Any) -> None:
        if not self._open:
            if isinstance(value, dict | list):
                self.documents.append(value)
            return
        home = self._open[-1][0]
        if isinstance(home, list):
            home.append(value)
        elif self._keys[-1] is _KEY:
            self._keys[-1] = value if isinstance(value, str) else ""
            if isinstance(value, dict | list):
                self.documents.append(value)
        else:
            key, self._keys[-1] = self._keys[-1][:_LONGEST_KEY], _KEY
            if key == _MERGE:
                self._merge(home, value)
            elif key in home:
                if not isinstance(value, str) or home[key] != value:
                    # Readers differ in which one counts.
                    self.documents.append({key: value})
            else:
                home[key] = value

    def _merge(self, home: dict[str, Any], value: Any) -> None:
        for source in value if isinstance(value, list) else [value]:
            if isinstance(source, dict):
                self._merged += len(source)
                for key, item in source.items():
                    home.setdefault(key, item)


def _is_deep(value: Any) -> bool:
    return isinstance(value, dict | list)
