"""Jinja templates, such as the chat templates of tokenizers: programs for whoever fills them in without a sandbox.

A template climbs from any value to Python's internals by names such as `__class__`. It can spell such a name, or
compute it. The first is harmful, the second cannot be told from the template alone, and so is unknown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.texts.template_names import Names, Token, arguments

_OPENING: Final = re.compile(r"\{[{%#]")
_END_RAW: Final = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN: Final = re.compile(
    r"""\s+|(?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?P<name>[^\W\d]\w*)|(?P<number>\d[\d_.eE]*)"""
    r"""|(?P<end>[-+]?[%}]\})|(?P<sign>//|\*\*|==|!=|<=|>=|[-+*/%~|.,:;()\[\]{}<>=!])""",
    re.DOTALL,
)
_MOST_TOKENS: Final = 100_000
_DUNDER: Final = re.compile(r"__\w+__")
_INSIDE: Final = re.compile(
    r"(?:gi|cr|ag|f|tb|func|im|co)_(?:frame|code|globals|builtins|back|locals|func|closure|self)"
)
_INSIDE_TEXT: Final = re.compile(rf"(?<!\w)(?:{_INSIDE.pattern})(?!\w)")
_FILTERS: Final = frozenset({
    "abs", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "filter", "first",
    "float", "forceescape", "from_json", "groupby", "indent", "int", "items", "join", "last", "length", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
    "selectattr", "slice", "sort", "string", "striptags", "sum", "title", "tojson", "trim", "truncate",
    "unique", "upper", "urlencode", "wordcount", "xmlattr",
})  # fmt: skip
_BY_NAME: Final = frozenset(["groupby", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"])
"""Filters that are told the name of an attribute."""
_PLACES: Final = {"max": 1, "min": 1, "sort": 2, "unique": 1}
"""Which argument of a filter is that name, where it is not the first."""
_UNKNOWN_FILTER: Final = "has a template use the filter {}, which is not known to be harmless"
_OBJECTS: Final = frozenset({
    "caller", "context", "cycler", "environment", "joiner", "lipsum", "request", "self", "url_for",
})  # fmt: skip
"""What Jinja and its hosts put into every template, with functions behind it."""
_OTHERS: Final = frozenset(["extends", "from", "import", "include", "load"])


@dataclass
class Climb:
    """What a template does beyond filling in values."""

    harms: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    calls: bool = False
    """Whether what is doubtful is in an expression that calls or filters something, and so is none by chance."""


def is_template(text: str) -> bool:
    """Return whether a text has a statement of a template."""
    return "{%" in text and "%}" in text


def judge(text: str, part: PartReport, budget: Budget, *, certain: bool = False) -> None:
    """Judge a text that may be a template, or is one for certain; other texts may have such brackets, too."""
    climb = read(text, budget)
    part.unsafe += climb.harms
    part.unknown += climb.doubts if certain or is_template(text) or climb.harms or climb.calls else []


def read(template: str, budget: Budget) -> Climb:
    """Judge a template; nothing of it is ever filled in."""
    climb = Climb()
    blocks = list(_blocks(template, climb, budget))
    names = Names(blocks)
    for block in blocks:
        before = len(climb.doubts)
        _names(block, climb)
        _filters(block, climb)
        _subscripts(block, names, climb)
        climb.calls |= len(climb.doubts) > before and any(token.text in ("(", "|") for token in block)
    climb.harms, climb.doubts = list(dict.fromkeys(climb.harms))[:5], list(dict.fromkeys(climb.doubts))[:5]
    return climb


def _blocks(template: str, climb: Climb, budget: Budget) -> Iterator[list[Token]]:
    """Yield the tokens of each statement and expression, where Jinja's own reader would find them."""
    at, tokens = 0, 0
    while (opening := _OPENING.search(template, at)) is not None:
        at = opening.end()
        if opening[0] == "{#":
            end = template.find("#}", at)
            if end < 0:
                return
            at = end + 2
            continue
        block: list[Token] = []
        depth = 0
        if template[at : at + 1] in ("-", "+"):
            at += 1
        while (match := _TOKEN.match(template, at)) is not None:
            at, kind = match.end(), match.lastgroup or ""
            if kind == "end" and (match[0][-2:] == "%}" or depth == 0):
                break
            if kind == "end":
                # Two brackets of dictionaries.
                at, kind = match.start() + 1, "sign"
            sign = match[0] if kind != "sign" or len(match[0]) < 3 else match[0][:1]
            depth += (sign == "{") - (sign == "}")
            tokens += 1
            budget.tokens_left -= 1
            if tokens > _MOST_TOKENS or budget.tokens_left < 0:
                climb.doubts.append("is a template that is longer than a scan reads")
                return
            if kind:
                block.append(Token(kind, _unescaped(match[0]) if kind == "string" else match[0]))
        else:
            climb.doubts.append("is a template that cannot be read")
            yield block
            continue
        if opening[0] == "{%" and [token.text for token in block] == ["raw"]:
            raw = _END_RAW.search(template, at)
            if raw is None:
                return
            at = raw.end()
        yield block


def _unescaped(literal: str) -> str:
    text = literal[1:-1]
    try:
        return text.encode("ascii", "backslashreplace").decode("unicode-escape") if "\\" in text else text
    except UnicodeDecodeError:
        return text


def _names(block: list[Token], climb: Climb) -> None:
    """Note names, spelled as such or in a text, that lead to Python's internals."""
    if block and block[0].text in _OTHERS:
        climb.doubts.append("has a template read another one")
    for before, token in zip([None, *block], block, strict=False):
        if token.kind in ("name", "string") and (found := _DUNDER.search(token.text)) is not None:
            climb.harms.append(f"has a template climb to {found[0]}")
        if token.kind == "string" and (inside := _INSIDE_TEXT.search(token.text)) is not None:
            climb.harms.append(f"has a template climb to {inside[0]}")
        if token.kind != "name":
            continue
        attribute = before is not None and before.text == "."
        if attribute and _INSIDE.fullmatch(token.text):
            climb.harms.append(f"has a template climb to {token.text}")
        elif attribute and token.text in ("format", "format_map", "mro"):
            climb.doubts.append(f"has a template use {token.text}, which reads attributes by name")
        elif not attribute and token.text in _OBJECTS:
            climb.doubts.append(f"has a template use {token.text}, which has functions behind it")


def _filters(block: list[Token], climb: Climb) -> None:
    """Note filters that are not known, and those that are told the name of an attribute which is computed."""
    for at, token in enumerate(block[:-1]):
        follows = token.text == "|" or (at == 0 and token.text == "filter")
        if not follows or block[at + 1].kind != "name":
            continue
        name = block[at + 1].text
        if name not in _FILTERS:
            climb.doubts.append(_UNKNOWN_FILTER.format(name))
        elif name in _BY_NAME and (given := arguments(block, at + 2)):
            _named(name, given, climb)


def _named(name: str, given: list[list[Token]], climb: Climb) -> None:
    """Note an argument of a filter that may be the computed name of an attribute."""
    places: tuple[int, ...] = (_PLACES.get(name, 0),)
    if name == "map" and len(given[0]) == 1 and given[0][0].kind == "string":
        inner = given[0][0].text
        if inner not in _FILTERS:
            climb.doubts.append(_UNKNOWN_FILTER.format(inner))
        # A filter that is told a filter is told its arguments, too.
        places = (0, 1) if inner in _BY_NAME else places
        if inner == "map":
            climb.doubts.append("has a template use an attribute whose name is computed")
    for at, argument in enumerate(given):
        word = argument[0].text if len(argument) > 1 and argument[1].text == "=" else None
        value = argument[2:] if word is not None else argument
        asked = word == "attribute" if word is not None else at in places
        spread = argument[0].kind == "sign" and argument[0].text in ("*", "**")
        if spread or (asked and not (len(value) == 1 and value[0].kind in ("string", "number"))):
            climb.doubts.append("has a template use an attribute whose name is computed")


def _subscripts(block: list[Token], names: Names, climb: Climb) -> None:
    """Note what is looked up by a name that is computed."""
    opened: list[int | None] = []
    for at, token in enumerate(block):
        if token.text == "[" and token.kind == "sign":
            before = block[at - 1] if at else None
            postfix = before is not None and (before.kind in ("name", "string") or before.text in (")", "]"))
            postfix &= before is None or before.text not in ("in", "is", "if", "else", "and", "or", "not", "return")
            opened.append(at if postfix else None)
        elif token.text == "]" and token.kind == "sign" and opened:
            start = opened.pop()
            if start is not None and not names.is_plain(block[start + 1 : at]):
                climb.doubts.append("has a template look up something by a name that is computed")
