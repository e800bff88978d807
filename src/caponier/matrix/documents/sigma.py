"""Sigma rules: tags and references, by their places in the text, so that comments and layout stay as they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from caponier.errors import InputError
from caponier.formats.strict_yaml import YamlDialect, YamlList, YamlMapping, YamlScalar, read_nodes
from caponier.matrix.documents import ids
from caponier.matrix.documents.mention import Document, DocumentKind, Mention, Piece

SIZE: Final = 4 * 1024 * 1024
"""Characters of a file; the largest rule sets in one file have a tenth of it."""
_MARK: Final = "\ufeff"
_DIALECT: Final = YamlDialect(letters=SIZE, depth=64, nodes=None, aliases=None)
_NAMESPACES: Final = {"attack": ids.ATTACK, "atlas": ids.ATLAS, "amltm": ids.FOUNDING}
_ADDRESS: Final = re.compile(r"/(AML\.TA?\d{4}(?:\.\d{3})?|TA?\d{4}(?:/\d{3})?)/?$")
_RULE_KEYS: Final = ("detection", "correlation", "filter", "logsource")


_Scalars = list[tuple[str, int, int]]
"""Texts with their places."""


@dataclass(slots=True)
class _Rule:
    """What one YAML document holds, as far as it is of use here."""

    keys: set[str] = field(default_factory=set)
    tags: _Scalars = field(default_factory=list)
    references: _Scalars = field(default_factory=list)


def read(text: str, where: str) -> Document | None:
    """Return the tags and the referenced techniques of each rule; None if no document of the file is a rule.

    Raises:
        InputError: If it is too large, no YAML, nested deeper than 64, or names a key of a rule twice.
    """
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
    for document in read_nodes(text.removeprefix(_MARK), where, _DIALECT):
        rule = _Rule()
        for key, value in document.pairs if isinstance(document, YamlMapping) else ():
            if not isinstance(key, YamlScalar):
                continue
            if key.text in rule.keys:
                place = f"{where}:{key.line}:{key.column}"
                raise InputError(f"the key {key.text[:80]!r} is there twice", where=place)
            rule.keys.add(key.text)
            if isinstance(value, YamlList) and key.text in ("tags", "references"):
                (rule.tags if key.text == "tags" else rule.references).extend(_listed(value, text))
        yield rule


def _listed(node: YamlList, text: str) -> Iterator[tuple[str, int, int]]:
    before = len(text) - len(text.removeprefix(_MARK))
    for item in node.items:
        if isinstance(item, YamlScalar) and item.text:
            # What is quoted or escaped stands inside; what is not found as it reads (a folded text) is left alone.
            place = text.find(item.text, item.start + before, item.end + before)
            if place >= 0:
                yield item.text, place, place + len(item.text)


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
