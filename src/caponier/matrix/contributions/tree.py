"""A contribution's YAML as text with line numbers, read strictly and within limits.

No value is ever turned into anything but text, so that no date, number or `no` of somebody's file is misread.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.formats.strict_yaml import (
    YamlAlias,
    YamlDialect,
    YamlError,
    YamlList,
    YamlMapping,
    YamlNode,
    YamlScalar,
    is_plain,
    read_nodes,
)
from caponier.matrix.contributions.review_issue import ReviewIssue

STDIN: Final = Path("-")
BYTES: Final = 256 * 1024
DEPTH: Final = 8
_LONGEST_KEY: Final = 60

_DIALECT: Final = YamlDialect(
    depth=DEPTH, nodes=None, aliases=None, advice="Correct the line, or start from a template."
)
"""Aliases are objected to one by one."""


@dataclass(frozen=True, slots=True)
class FormNode:
    """A value: a text, a list or a mapping, and where it stands."""

    line: int
    """From 1."""
    value: "str | tuple[FormNode, ...] | dict[str, FormNode]"


class UnreadableError(InputError):
    """The file is no tree at all.

    Args:
        issue: Why.
    """

    def __init__(self, issue: ReviewIssue) -> None:
        super().__init__(issue.what, where=f"{issue.file}:{issue.line}", hint=issue.hint)
        self.issue = issue


def parse(path: Path) -> tuple[FormNode, list[ReviewIssue]]:
    """Read a file; `-` is standard input.

    Returns:
        The tree, and issues to single branches, which are left out of it.

    Raises:
        UnreadableError: If there is no tree.
    """
    name = shown(path)
    text = _text(path, name)
    try:
        documents = read_nodes(text, name, _DIALECT)
    except YamlError as wrong:
        hint = wrong.hint or "No field holds more than a list of rows."
        raise _unreadable(name, wrong.what, hint, wrong.line) from None
    if not documents:
        raise _unreadable(name, "the file is empty", "Start from: caponier matrix propose --help")
    root, *others = documents
    if others:
        raise _unreadable(name, "a second document begins here", "Contribute one thing in a file.", others[0].line)
    issues: list[ReviewIssue] = []
    tree = _Parser(name, issues).branch(root, "", 1)
    if tree is None or not isinstance(tree.value, dict):
        raise _unreadable(name, "the file holds no fields", "Start from: caponier matrix propose --help")
    return tree, issues


def shown(path: Path) -> str:
    """Return a file's name as text that can be printed: a name need not be UTF-8."""
    return str(path).encode("utf-8", "replace").decode()


def _text(path: Path, name: str) -> str:
    try:
        data = sys.stdin.buffer.read(BYTES + 1) if path == STDIN else _start(path, name)
    except (OSError, ValueError) as failed:
        reason = getattr(failed, "strerror", None) or str(failed)
        raise _unreadable(name, f"the file cannot be read: {reason}", "Name a file that can be read.") from None
    if len(data) > BYTES:
        raise _unreadable(name, f"the file is larger than {BYTES // 1024} KiB", "Contribute one thing in a file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise _unreadable(name, "the file is not UTF-8", "Save it as UTF-8.", line) from None


def _start(path: Path, name: str) -> bytes:
    """Return the file, or one byte more than is read of any."""
    if not path.is_file():
        raise _unreadable(name, "there is no such file", "Name a contribution file, or a folder of them.")
    with path.open("rb") as file:
        return file.read(BYTES + 1)


def _unreadable(name: str, what: str, hint: str, line: int | None = 1) -> UnreadableError:
    return UnreadableError(ReviewIssue(name, line or 1, "file", what, hint))


class _Parser:
    """Turns YAML nodes into branches, and leaves out what is no plain tree."""

    def __init__(self, name: str, issues: list[ReviewIssue]) -> None:
        self.name = name
        self.issues = issues

    def branch(self, node: YamlNode, field: str, above: int) -> FormNode | None:
        if isinstance(node, YamlAlias):
            self._refuse(above, field, "YAML aliases are not read here", "Write the value out.")
            return None
        if not is_plain(node):
            self._refuse(node.line, field, "YAML tags are not read here", "Write plain text.")
            return None
        if isinstance(node, YamlScalar):
            return FormNode(node.line, "" if node.is_null else node.text.strip())
        if isinstance(node, YamlList):
            grown = (self.branch(part, f"{field}[{number}]", above) for number, part in enumerate(node.items, 1))
            return FormNode(node.line, tuple(part for part in grown if part))
        return FormNode(node.line, dict(self._pairs(node, field)))

    def _pairs(self, node: YamlMapping, field: str) -> Iterator[tuple[str, FormNode]]:
        said: set[str] = set()
        for key_node, value_node in node.pairs:
            line = key_node.line
            if not isinstance(key_node, YamlScalar):
                self._refuse(line, field, "a key is not text", "Write 'key: value'.")
                continue
            key = key_node.text[:_LONGEST_KEY] or "(empty)"
            path = f"{field}.{key}" if field else key
            if key in said:
                self._refuse(line, path, "the key is there twice", "Keep one of the two.")
                continue
            said.add(key)
            value = self.branch(value_node, path, line)
            if value is not None:
                yield key, FormNode(line, value.value)

    def _refuse(self, line: int, field: str, what: str, hint: str) -> None:
        self.issues.append(ReviewIssue(self.name, line, field or "file", what, hint))
