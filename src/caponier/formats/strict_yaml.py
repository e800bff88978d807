"""YAML of a stranger: read event by event, so that size, depth and aliases are counted before they can do harm.

What stands in a file becomes nodes with their places; from them come plain values (`read_value`), or text alone
(`read_text`) where no version such as 4.10, date or `no` may turn into something else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from importlib.resources import files
from typing import Any, Final, TypeAlias

import yaml

from caponier.errors import InputError

# The C parser is ten times faster, but not every PyYAML build has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_SCALARS: Final = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_NULL: Final = f"{_TAG}null"
_LONGEST_NUMBER: Final = 300
_SHOWN: Final = 80
"""Letters of a key or a tag that a message repeats."""
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR: Final = yaml.constructor.SafeConstructor()
_CONSTRUCTED: Final = {
    f"{_TAG}int": _CONSTRUCTOR.construct_yaml_int,
    f"{_TAG}float": _CONSTRUCTOR.construct_yaml_float,
    f"{_TAG}bool": _CONSTRUCTOR.construct_yaml_bool,
    f"{_TAG}timestamp": _CONSTRUCTOR.construct_yaml_timestamp,
}


class YamlSign(Enum):
    """What stands in a text, one after the other."""

    DOCUMENT = auto()
    MAPPING = auto()
    LIST = auto()
    END = auto()
    """Of a mapping or a list."""
    TEXT = auto()
    EMPTY = auto()
    """A value that is none: `~`, `null`, or nothing."""
    ALIAS = auto()


HAS_QUICK_YAML: Final = hasattr(yaml, "CSafeLoader")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


def yaml_signs(text: str) -> Iterator[tuple[YamlSign, str, str | None]]:
    """Yield what stands in a text that may be no YAML, and stop at the first mistake: kind, value, anchor."""
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent):
                empty = event.implicit[0] and not event.style and event.value in _NULLS
                yield (YamlSign.EMPTY if empty else YamlSign.TEXT), event.value, event.anchor
            elif isinstance(event, yaml.AliasEvent):
                yield YamlSign.ALIAS, "", event.anchor
            elif isinstance(event, yaml.MappingStartEvent):
                yield YamlSign.MAPPING, "", event.anchor
            elif isinstance(event, yaml.SequenceStartEvent):
                yield YamlSign.LIST, "", event.anchor
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                yield YamlSign.END, "", None
            elif isinstance(event, yaml.DocumentStartEvent):
                yield YamlSign.DOCUMENT, "", None
    except (yaml.YAMLError, RecursionError, ValueError):
        return


@dataclass(frozen=True, slots=True)
class YamlDialect:
    """What a kind of file may hold."""

    letters: int | None = None
    """Of the whole file."""
    depth: int = 40
    """Lists and mappings within each other."""
    nodes: int | None = 1_000_000
    """Values, with what aliases stand for; None where nobody writes that out."""
    aliases: int | None = 0
    """None means any number."""
    merges: bool = False
    """Whether `<<` takes the keys of another mapping over."""
    advice: str | None = None
    """What to do about a file that is no YAML at all."""


SHIPPED: Final = YamlDialect(aliases=None, merges=True)
"""Our own files: tests hold them to more than this."""


class YamlError(InputError):
    """A file is no YAML, or not what it may be.

    Args:
        what: What is wrong.
        name: The file.
        line: From 1; None if that cannot be told.
        hint: What to do about it.
    """

    def __init__(self, what: str, name: str, line: int | None, hint: str | None = None) -> None:
        super().__init__(what, where=name if line is None else f"{name}:{line}", hint=hint)
        self.line = line


@dataclass(slots=True)
class _Placed:
    line: int
    """From 1."""
    column: int
    """From 1."""
    start: int
    """The first letter in the text, from 0."""
    end: int
    tag: str | None
    """As written out by the parser; None if none is written."""
    nodes: int = 1
    """With what is in it, aliases written out."""


@dataclass(slots=True)
class YamlScalar(_Placed):
    """A text, number, date or nothing, as it is written."""

    text: str = ""
    plain: bool = False
    """Whether it stands without quotation marks, and so may be more than text."""

    @property
    def kind(self) -> str:
        """The tag that is written or, for a plain one, meant."""
        if self.tag is not None:
            return f"{_TAG}str" if self.tag == "!" else self.tag
        if not self.plain:
            return f"{_TAG}str"
        resolved: str = _RESOLVER.resolve(yaml.ScalarNode, self.text, (True, False))
        return resolved

    @property
    def is_null(self) -> bool:
        """Whether it says that nothing is there."""
        return self.kind == _NULL


@dataclass(slots=True)
class YamlList(_Placed):
    """A list."""

    items: "list[YamlNode]" = field(default_factory=list)


@dataclass(slots=True)
class YamlMapping(_Placed):
    """A mapping as it is written: keys may be there twice, and need not be text."""

    pairs: "list[tuple[YamlNode, YamlNode]]" = field(default_factory=list)


@dataclass(slots=True)
class YamlAlias(_Placed):
    """A name that stands for a node before it."""

    name: str = ""
    target: "YamlScalar | YamlList | YamlMapping | None" = None
    """None if it stands within the node that it names."""


YamlNode: TypeAlias = YamlScalar | YamlList | YamlMapping | YamlAlias


def is_plain(node: YamlNode) -> bool:
    """Tell whether a node has no tag, or one of plain values that fits it."""
    if isinstance(node, YamlScalar):
        return node.tag in (None, "!") or node.tag in _SCALARS
    own = {YamlList: f"{_TAG}seq", YamlMapping: f"{_TAG}map"}.get(type(node))
    return node.tag in (None, "!", own)


def read_nodes(text: str, name: str, dialect: YamlDialect) -> list[YamlNode]:
    """Read the documents of a file, each as the node at its root; an empty one is a scalar without text.

    Args:
        text: The file's content.
        name: What to call it in messages.
        dialect: What it may hold.

    Raises:
        YamlError: If it is no YAML, or larger, deeper or fuller of aliases than it may be.
    """
    if dialect.letters is not None and len(text) > dialect.letters:
        raise YamlError(f"is larger than {_size(dialect.letters)}", name, None)
    builder = _Builder(name, dialect)
    try:
        for event in yaml.parse(text, _Loader):
            builder.take(event)
    except yaml.YAMLError as wrong:
        raise YamlError(f"this is not YAML: {_problem(wrong)}", name, _line(wrong, text), dialect.advice) from None
    except (ValueError, RecursionError) as wrong:
        raise YamlError(f"this is not YAML: {wrong}", name, None, dialect.advice) from None
    return builder.documents


def read_value(text: str, name: str, dialect: YamlDialect) -> Any:
    """Read one document of plain values: text, numbers, booleans, dates, None, lists and dicts.

    Raises:
        YamlError: As `read_nodes`; also if there is a second document, a key twice, a key that is no text, a tag that
            makes objects, an alias of itself, or a value that is not what its tag says.
    """
    documents = read_nodes(text, name, dialect)
    _refuse_second(documents, name)
    return _Values(name, dialect).of(documents[0]) if documents else None


def read_values(text: str, name: str, dialect: YamlDialect) -> list[Any]:
    """Read all documents of plain values; see `read_value`."""
    return [_Values(name, dialect).of(document) for document in read_nodes(text, name, dialect)]


def read_text(text: str, name: str, dialect: YamlDialect) -> Any:
    """Read one document in which every scalar stays the text that was written, but for None; see `read_value`."""
    documents = read_nodes(text, name, dialect)
    _refuse_second(documents, name)
    return _Texts(name, dialect).of(documents[0]) if documents else None


def shipped_yaml(package: str, name: str) -> Any:
    """Read a data file that ships with a package.

    Raises:
        YamlError: If the installation is damaged.
    """
    return read_value(files(package).joinpath(name).read_text("utf-8"), name, SHIPPED)


def _refuse_second(documents: list[YamlNode], name: str) -> None:
    if len(documents) > 1:
        raise YamlError("a second document begins here", name, documents[1].line, "Keep one document in the file.")


def _size(letters: int) -> str:
    return f"{letters >> 20} MiB" if letters >= 1 << 20 else f"{letters >> 10} KiB"


def _problem(wrong: yaml.YAMLError) -> str:
    said = getattr(wrong, "problem", None) or getattr(wrong, "reason", None)
    return str(said or str(wrong).partition("\n")[0] or "it cannot be parsed")


def _line(wrong: yaml.YAMLError, text: str) -> int | None:
    mark = getattr(wrong, "problem_mark", None)
    if mark is not None:
        # Where a file ends within a line, the C parser is a line ahead.
        return min(int(mark.line), text.count("\n")) + 1
    position = getattr(wrong, "position", None)
    # The C parser counts bytes.
    return None if position is None else text.encode("utf-8", "replace").count(b"\n", 0, position) + 1


@dataclass(slots=True)
class _Builder:
    """Puts the parser's events together."""

    name: str
    dialect: YamlDialect
    documents: list[YamlNode] = field(default_factory=list)
    _open: list[YamlList | YamlMapping] = field(default_factory=list)
    _keys: list[YamlNode | None] = field(default_factory=list)
    """Beside each open node: the key whose value comes next."""
    _names: list[str | None] = field(default_factory=list)
    _anchors: dict[str, YamlScalar | YamlList | YamlMapping | None] = field(default_factory=dict)
    """None stands for one that is still open."""
    _aliases: int = 0
    _seen: int = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            node = YamlScalar(*_placed(event), text=event.value, plain=event.implicit[0])
            if event.anchor is not None:
                self._anchors[event.anchor] = node
            self._put(node)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()

    def _begin(self, event: Any) -> None:
        if len(self._open) >= self.dialect.depth:
            raise self._wrong(f"this is nested too deeply, more than {self.dialect.depth} levels", event)
        made = YamlMapping if isinstance(event, yaml.MappingStartEvent) else YamlList
        self._open.append(made(*_placed(event)))
        self._keys.append(None)
        self._names.append(event.anchor)
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _end(self, event: Any) -> None:
        node, anchor = self._open.pop(), self._names.pop()
        self._keys.pop()
        node.end = event.end_mark.index
        if anchor is not None:
            self._anchors[anchor] = node
        self._put(node)

    def _alias(self, event: Any) -> None:
        most = self.dialect.aliases
        self._aliases += 1
        if most is not None and self._aliases > most:
            what = f"there are more than {most} YAML aliases" if most else "YAML aliases are not read here"
            raise self._wrong(what, event, "Write out what they stand for.")
        if event.anchor not in self._anchors:
            raise self._wrong(f"this is not YAML: the alias *{event.anchor[:_SHOWN]} names nothing before it", event)
        target = self._anchors[event.anchor]
        line, column, start, end, _ = _placed(event)
        self._put(YamlAlias(line, column, start, end, None, target.nodes if target else 1, event.anchor, target))

    def _put(self, node: YamlNode) -> None:
        self._seen += 1
        if not self._open:
            self.documents.append(node)
            return
        owner = self._open[-1]
        owner.nodes += node.nodes
        if self.dialect.nodes is not None and max(owner.nodes, self._seen) > self.dialect.nodes:
            what = f"this stands for more than {self.dialect.nodes:,} values"
            raise YamlError(what, self.name, node.line, "Write it without aliases, or in several files.")
        if isinstance(owner, YamlList):
            owner.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            owner.pairs.append((key, node))
            self._keys[-1] = None

    def _wrong(self, what: str, event: Any, hint: str | None = None) -> YamlError:
        return YamlError(what, self.name, event.start_mark.line + 1, hint or self.dialect.advice)


def _placed(event: Any) -> tuple[int, int, int, int, str | None]:
    start = event.start_mark
    return start.line + 1, start.column + 1, start.index, event.end_mark.index, getattr(event, "tag", None)


class _Texts:
    """Makes values of nodes, every scalar as the text that was written."""

    def __init__(self, name: str, dialect: YamlDialect) -> None:
        self.name = name
        self.dialect = dialect
        self._made: dict[int, Any] = {}
        """Values by their nodes: what an alias stands for is made once, so that a bomb stays as small as it is."""

    def of(self, node: YamlNode) -> Any:
        if isinstance(node, YamlAlias):
            target = self._target(node)
            return self.scalar(target) if isinstance(target, YamlScalar) else self._made[id(target)]
        if not is_plain(node):
            raise self._wrong(f"the tag {(node.tag or '')[:_SHOWN]!r} is not read", node, "Take the tag away.")
        if isinstance(node, YamlScalar):
            return self.scalar(node)
        made = [self.of(item) for item in node.items] if isinstance(node, YamlList) else self._mapping(node)
        self._made[id(node)] = made
        return made

    def scalar(self, node: YamlScalar) -> Any:
        return None if node.is_null else node.text

    def key(self, node: YamlScalar) -> Any:
        return node.text

    def _mapping(self, node: YamlMapping) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        said: set[str] = set()
        for key, value in node.pairs:
            scalar = self._target(key) if isinstance(key, YamlAlias) else key
            if not isinstance(scalar, YamlScalar) or not is_plain(scalar) or scalar.is_null:
                raise self._wrong("a key is not text", key, "Write the key as text.")
            if scalar.text in said:
                what = f"the key {scalar.text[:_SHOWN]!r} is there twice"
                raise self._wrong(what, key, "Keep the one that is right.")
            said.add(scalar.text)
            if scalar.text == "<<":
                merged = self._merged(key, value)
            else:
                made[self.key(scalar)] = self.of(value)
        return merged | made

    def _merged(self, key: YamlNode, value: YamlNode) -> dict[Any, Any]:
        if not self.dialect.merges:
            raise self._wrong("merge keys (<<) are not read", key, "Write out the keys.")
        found = self.of(value)
        merged: dict[Any, Any] = {}
        # Of several, the first has its way.
        for part in reversed(found if isinstance(found, list) else [found]):
            if not isinstance(part, dict):
                raise self._wrong("a merge key (<<) stands for no mapping", key, "Write out the keys.")
            merged |= part
        return merged

    def _target(self, alias: YamlAlias) -> YamlScalar | YamlList | YamlMapping:
        if alias.target is None:
            what = f"the alias *{alias.name[:_SHOWN]} names nothing that is complete before it"
            raise self._wrong(what, alias, "Write out what it stands for.")
        return alias.target

    def _wrong(self, what: str, node: YamlNode, hint: str | None = None) -> YamlError:
        return YamlError(what, self.name, node.line, hint)


class _Values(_Texts):
    """Makes values of nodes as YAML 1.1 means them."""

    def scalar(self, node: YamlScalar) -> Any:
        kind = node.kind
        if kind == _NULL:
            return None
        if (construct := _CONSTRUCTED.get(kind)) is None:
            return node.text
        if len(node.text) > _LONGEST_NUMBER:
            raise self._wrong(f"a number has {len(node.text)} digits", node)
        try:
            return construct(yaml.ScalarNode(kind, node.text))
        except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError):
            # PyYAML does not expect a value that is not of the tag that it is said to be: `!!bool x`, `!!timestamp x`.
            what = f"{node.text[:_SHOWN]!r} is no {kind.removeprefix(_TAG)}"
            raise self._wrong(what, node, "Put it into quotation marks.") from None

    def key(self, node: YamlScalar) -> Any:
        return self.scalar(node)
