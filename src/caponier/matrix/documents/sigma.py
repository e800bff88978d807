"""Sigma rules: tags and references, by their places in the text, so that comments and layout stay as they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from caponier.errors import InputError
from caponier.matrix.documents import ids
from caponier.matrix.documents.mention import Document, DocumentKind, Mention, Piece

DEPTH: Final = 64
SIZE: Final = 4 * 1024 * 1024
"""Characters of a file; the largest rule sets in one file have a tenth of it."""
_MARK: Final = "\ufeff"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAMESPACES: Final = {"attack": ids.ATTACK, "atlas": ids.ATLAS, "amltm": ids.FOUNDING}
_ADDRESS: Final = re.compile(r"/(AML\.TA?\d{4}(?:\.\d{3})?|TA?\d{4}(?:/\d{3})?)/?$")
_RULE_KEYS: Final = ("detection", "correlation", "filter", "logsource")


@dataclass(slots=True)
class _Rule:
    """What one YAML document holds, as far as it is of use here."""

    keys: set[str] = field(default_factory=set)
    tags: list[tuple[str, int, int]] = field(default_factory=list)
    references: list[tuple[str, int, int]] = field(default_factory=list)


def read(text: str, where: str) -> Document | None:
    """Return the tags and the referenced techniques of each rule; None if no document of the file is a rule.

    Raises:
        InputError: If it is too large, no YAML, nested deeper than 64, or names a key of a rule twice.
    """
    if len(text) > SIZE:
        raise InputError(f"is larger than {SIZE // 1024 // 1024} MiB, too large for rules", where=where)
    rules = list(_rules(text, where))
    if not any(_is_rule(rule) for rule in rules):
        return None
    mentions: list[Mention] = []
    for number, rule in enumerate(rules):
        if _is_rule(rule):
            group = f"[{number}]." if len(rules) > 1 else ""
            mentions += _tags(rule, group)
            mentions += _references(rule, group)
    return Document(DocumentKind.SIGMA, text, tuple(sorted(mentions, key=lambda mention: mention.written.start)))


def _is_rule(rule: _Rule) -> bool:
    return "title" in rule.keys and any(key in rule.keys for key in _RULE_KEYS)


def _rules(text: str, where: str) -> Iterator[_Rule]:
    """Read event by event: nothing is built, so that aliases cannot blow up, and every scalar has its place."""
    rule, key = _Rule(), ""
    path: list[bool] = []
    try:
        for event in yaml.parse(text.removeprefix(_MARK), _Loader):
            if isinstance(event, yaml.DocumentStartEvent):
                rule, path, key = _Rule(), [], ""
            elif isinstance(event, yaml.DocumentEndEvent):
                yield rule
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                path.append(isinstance(event, yaml.MappingStartEvent))
                if len(path) > DEPTH:
                    raise InputError(f"this YAML is nested deeper than {DEPTH}", where=_place(event, where))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                path.pop()
                key = "" if path == [True] else key
            elif path == [True]:
                key = _root_entry(rule, key, event, where)
            elif path == [True, False] and isinstance(event, yaml.ScalarEvent):
                _listed(rule, key, event, text)
    except yaml.YAMLError as wrong:
        raise InputError(f"this is not YAML: {_first_line(wrong)}", where=where) from wrong
    except (RecursionError, ValueError) as wrong:
        raise InputError(f"this is not YAML: {wrong}", where=where) from wrong


def _root_entry(rule: _Rule, key: str, event: Any, where: str) -> str:
    """Take a key, or the value of the key before; return the key whose value comes next."""
    if key or not isinstance(event, yaml.ScalarEvent):
        return ""
    if event.value in rule.keys:
        raise InputError(f"the key {event.value[:80]!r} is there twice", where=_place(event, where))
    rule.keys.add(event.value)
    return str(event.value)


def _listed(rule: _Rule, key: str, event: Any, text: str) -> None:
    target = {"tags": rule.tags, "references": rule.references}.get(key)
    if target is None:
        return
    before = len(text) - len(text.removeprefix(_MARK))
    start, end = event.start_mark.index + before, event.end_mark.index + before
    # What is quoted or escaped stands inside; a scalar that is not found as it reads (a folded one) is left alone.
    place = text.find(event.value, start, end) if event.value else -1
    if place >= 0:
        target.append((event.value, place, place + len(event.value)))


def _place(event: Any, where: str) -> str:
    return f"{where}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"


def _first_line(wrong: yaml.YAMLError) -> str:
    mark = getattr(wrong, "problem_mark", None)
    problem = getattr(wrong, "problem", None) or str(wrong).splitlines()[0]
    return f"{problem} (line {mark.line + 1})" if mark else str(problem)


def _tags(rule: _Rule, group: str) -> Iterator[Mention]:
    for number, (tag, start, end) in enumerate(rule.tags):
        namespace, _, rest = tag.partition(".")
        kind = _NAMESPACES.get(namespace.lower())
        if namespace.lower() == "aml" and ids.looks_like_one(tag):
            # The id stands there, but not its namespace.
            kind, rest = ids.ATLAS, tag
        if kind is None or not rest:
            continue
        mention = _tag(kind, rest, Piece(tag, start, end), f"{group}tags[{number}]", group)
        if mention:
            yield mention


def _tag(kind: str, rest: str, piece: Piece, where: str, group: str) -> Mention | None:
    id_ = f"AMLTM.{rest.upper()}" if kind == ids.FOUNDING else ids.canonical(rest)
    if ids.is_other(id_):
        return None
    if kind == ids.FOUNDING or ids.looks_like_one(id_):
        found = ids.kind_within(kind, id_)
        return Mention(id_, found, ids.role_of(id_), piece, where, ids.Spelling.SIGMA, group=group)
    short = rest.lower().replace("_", "-")
    return Mention(short, kind, ids.Role.TACTIC, piece, where, ids.Spelling.SIGMA, group=group)


def _references(rule: _Rule, group: str) -> Iterator[Mention]:
    for number, (address, start, _) in enumerate(rule.references):
        match = _ADDRESS.search(address)
        if match is None or not address.startswith(("http://", "https://")):
            continue
        id_ = ids.canonical(match[1])
        spelling = ids.Spelling.PATH if ids.kind_of(id_) == ids.ATTACK else ids.Spelling.PLAIN
        piece = Piece(match[1], start + match.start(1), start + match.end(1))
        where = f"{group}references[{number}]"
        kind = ids.kind_of(id_)
        certain = kind == ids.ATLAS
        yield Mention(id_, kind, ids.role_of(id_), piece, where, spelling, group=group, certain=certain, echo=True)
