"""YAML of a stranger, read as text only: every scalar stays a string, except null.

A version such as 4.10 or 2026.10 stays what was written, and a date is the same whether it was quoted or not. The
parser's events are followed one by one, so that depth, size and aliases are counted before they can do harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from caponier.errors import InputError

MAX_DEPTH: Final = 40
"""ATLAS files nest seven deep."""
MAX_NODES: Final = 1_000_000
"""With what aliases stand for: ATLAS 5.6 has about 10,000."""

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS: Final = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp"))
_KNOWN_TAGS: Final = frozenset({None, "!", *_PLAIN_TAGS, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def parse_yaml(text: str, name: str) -> Any:
    """Parse one YAML document into dicts, lists, strings and None.

    Args:
        text: The file's content.
        name: The file's name, for messages.

    Raises:
        InputError: If it is no YAML, ends within a line, holds more than one document, a key twice, a tag that makes
            objects, aliases of itself, or nests deeper or holds more than the limits.
    """
    builder = _Builder(name)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        mend = "The file may be cut off or edited: download it again."
        raise InputError(f"this is not YAML: {wrong.problem}", where=f"{name}:{line}", mend=mend) from None
    except yaml.YAMLError as wrong:
        raise InputError(f"this is not YAML: {str(wrong).splitlines()[0]}", where=name) from None
    if not text.endswith("\n"):
        line = text.count("\n") + 1
        mend = "Download the file again. If it is whole, end it with a line break."
        raise InputError("the last line has no end: the file may be cut off", where=f"{name}:{line}", mend=mend)
    return builder.document


def _events(text: str) -> Iterator[Any]:
    return yaml.parse(text, Loader=_Loader)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    nodes: int = 1
    key: str | None = None
    awaits_value: bool = False


@dataclass(slots=True)
class _Anchored:
    value: Any
    nodes: int


@dataclass(slots=True)
class _Builder:
    """Puts the events together; `nodes` counts what a reader would see if every alias were written out."""

    name: str
    document: Any = None
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Anchored] = field(default_factory=dict)
    _documents: int = 0
    _nodes: int = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = self._stack.pop()
            self._finish(done.value, done.anchor, done.nodes, event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._wrong("a second document begins here", event, "Keep one release in the file.")

    def _scalar(self, event: Any) -> None:
        self._check_tag(event)
        is_null = not event.style and event.implicit[0] and event.value in _NULLS
        self._finish(None if is_null else event.value, event.anchor, 1, event)

    def _open(self, event: Any) -> None:
        self._check_tag(event)
        if len(self._stack) >= MAX_DEPTH:
            raise self._wrong(f"this nests deeper than {MAX_DEPTH}", event, "Name the file of a real release.")
        if self._stack and isinstance(self._stack[-1].value, dict) and not self._stack[-1].awaits_value:
            raise self._wrong("a key is a list or a mapping", event, "Write the key as text.")
        self._stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            problem = f"the alias *{event.anchor} names nothing that is complete before it"
            raise self._wrong(problem, event, "Write out what it stands for.")
        self._finish(known.value, None, known.nodes, event)

    def _finish(self, value: Any, anchor: str | None, nodes: int, event: Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, nodes)
        if not self._stack:
            self.document = value
            return
        owner = self._stack[-1]
        owner.nodes += nodes
        # Lists and mappings were counted by their content, so only what is new here counts once more.
        self._nodes += nodes if isinstance(event, (yaml.AliasEvent, yaml.ScalarEvent)) else 1
        if max(self._nodes, owner.nodes) > MAX_NODES:
            raise self._wrong(f"this stands for more than {MAX_NODES} values", event, "Write it without aliases.")
        if isinstance(owner.value, list):
            owner.value.append(value)
        else:
            self._put(owner, owner.value, value, event)

    def _put(self, owner: _Open, mapping: dict[str, Any], value: Any, event: Any) -> None:
        if owner.awaits_value:
            mapping[str(owner.key)] = value
            owner.awaits_value = False
            return
        if not isinstance(value, str):
            raise self._wrong("a key is no text", event, "Write the key as text.")
        if value == "<<":
            raise self._wrong("merge keys (<<) are not read", event, "Write out the keys.")
        if value in mapping:
            raise self._wrong(f"the key {value!r} is there twice", event, "Keep the one that is right.")
        owner.key, owner.awaits_value = value, True

    def _check_tag(self, event: Any) -> None:
        if event.tag not in _KNOWN_TAGS:
            raise self._wrong(f"the tag {event.tag!r} is not read", event, "Take the tag away.")

    def _wrong(self, what: str, event: Any, mend: str) -> InputError:
        return InputError(what, where=f"{self.name}:{event.start_mark.line + 1}", mend=mend)
