"""Which names of a Jinja template hold what it is given, and not what the template has put together itself.

A template that looks something up by a text of its own making climbs to any attribute. One that runs over the keys of
what it is given does not. So every place that binds a name is followed: loops, settings, parameters, and what is added
to a list. A name is trusted if all of them bind it to something that is given, or to a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NUMBERS: Final = frozenset({"loop", "index", "index0", "revindex", "revindex0", "length"})
"""Jinja's own counts of a loop; each is one only as long as the template binds no such name itself."""
_COUNTING: Final = frozenset({"abs", "count", "int", "length", "round"})
"""Filters that give a number, whatever they are given."""
_KEEPING: Final = _COUNTING | {
    "d",
    "default",
    "dictsort",
    "first",
    "items",
    "last",
    "list",
    "reverse",
    "sort",
    "unique",
}
"""Filters that put no text together."""
_READING: Final = frozenset({"get", "items", "keys", "values"})
"""Methods that give what is there."""
_CHANGING: Final = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
"""Methods by which a template puts something of its own into what it was given."""
_WORDS: Final = frozenset({
    "and", "defined", "else", "false", "False", "if", "in", "is", "not", "none", "None", "or", "true", "True",
    "undefined",
})  # fmt: skip
_JOINING: Final = "~+*%{="
"""Signs that put texts together, and those by which a dictionary takes a name for a text."""
_COMPUTING: Final = frozenset({"(", ")", "+", "-", "*", "/", "//", "|", ".", "%"})
_BINDING: Final = frozenset({"call", "trans", "with"})
_OF_MACROS: Final = ("caller", "kwargs", "varargs")
"""Names that a macro has without naming them: whatever it was called with."""


ANYTHING: Final = "*"
"""No name, and so perhaps every one."""
_LONGEST_CHAIN: Final = 200
_LONGEST_CALL: Final = 400
"""Words and signs of what a filter or a macro is told; what is behind them is not known."""
_ROUNDS: Final = 20
"""How many names may be bound to each other in a row."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a sign of a template."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Binding:
    """What a name is bound to; None if that is not followed."""

    name: str
    value: list[Token] | None


class Names:
    """The names of a template that are trusted."""

    def __init__(self, blocks: list[list[Token]]) -> None:
        bound = [binding for block in blocks for binding in _bindings(block)]
        bound += [_Binding(name, None) for name in _OF_MACROS]
        bound += _parameters(blocks)
        self._open = any(binding.name == ANYTHING for binding in bound)
        self._made = {binding.name for binding in bound if binding.value is None}
        names = {binding.name for binding in bound}
        self.numbers = NUMBERS - names
        """Names that are numbers for certain."""
        self._settle(bound)
        self.trusted = (names - self._made) | self.numbers

    def _settle(self, bound: list[_Binding]) -> None:
        """Follow what is bound to what until nothing changes: first numbers, which need trust in no other name."""
        values = [binding for binding in bound if binding.value is not None]
        more = {binding.name for binding in values} - self._made
        for _ in range(_ROUNDS):
            numbers = self.numbers | more
            wrong = {one.name for one in values if one.name in more and not _is_number(one.value or [], numbers)}
            more -= wrong
            if not wrong:
                self.numbers = numbers
                break
        for _ in range(_ROUNDS):
            known = self._made | self.numbers
            wrong = {one.name for one in values if one.name not in known and not self._is_given(one.value or [])}
            if not wrong:
                return
            self._made |= wrong
        # No template that people write has so long a chain.
        self._made |= {one.name for one in values}

    def _is_given(self, value: list[Token]) -> bool:
        """Return whether an expression gives a part of what the template is given."""
        for at, token in enumerate(value):
            before, after = _text(value, at - 1), _text(value, at + 1)
            if token.kind == "string" and _is_looked_up(value, at):
                continue
            if token.kind == "string" or token.text in _JOINING:
                return False
            if token.kind != "name":
                continue
            if before == "|":
                known = token.text in _KEEPING
            elif before == ".":
                known = after != "(" or token.text in _READING
            elif after == "(":
                known = token.text == "range"
            else:
                # The tokens that begin and end a text come from the same file as the template.
                known = token.text in _WORDS or not (token.text in self._made or token.text.endswith("token"))
                known &= token.text in _WORDS or not self._open
            if not known or token.text == "recursive":
                return False
        return True

    def is_plain(self, inside: list[Token]) -> bool:
        """Return whether what stands between square brackets is a text that can be read, a number, or trusted."""
        if len(inside) == 1 and inside[0].kind == "string":
            return True
        signs = {token.text for token in inside if token.kind == "sign"}
        roots = [token.text for at, token in enumerate(inside) if token.kind == "name" and _text(inside, at - 1) != "."]
        names = [token.text for token in inside if token.kind == "name"]
        if "+" in signs and not all(root in self.numbers for root in roots):
            # What runs over texts gives letters, and letters that are added give any name.
            return False
        known = all(name in self.trusted or name in NUMBERS for name in names)
        known &= all(root in self.trusted for root in roots)
        return known and signs <= {"-", "+", ":", "."} and not any(token.kind == "string" for token in inside)


def _iterated(over: list[Token]) -> list[Token] | None:
    """Return what a loop runs over, without the condition behind it; None if it may be called with something else."""
    if over and over[-1].text == "recursive":
        return None
    depth = 0
    for at, token in enumerate(over):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if depth == 0 and token.kind == "name" and token.text == "if":
            return over[:at]
    return over


def _parameters(blocks: list[list[Token]]) -> list[_Binding]:
    """Return what the parameters of macros are bound to, wherever these are called."""
    macros = {
        block[1].text: [argument for argument in arguments(block, 2) if argument[0].kind == "name"]
        for block in blocks
        if len(block) > 2 and block[0].text == "macro"
    }
    bound = [
        _Binding(argument[0].text, argument[2:]) for given in macros.values() for argument in given if argument[2:]
    ]
    for block in blocks if macros else ():
        head = block[:1] and block[0].text == "macro"
        for at, token in enumerate(block):
            if token.text in macros and token.kind == "name" and not (head and at == 1) and _text(block, at - 1) != ".":
                names = [argument[0].text for argument in macros[token.text]]
                bound += _passed(names, arguments(block, at + 1) if _text(block, at + 1) == "(" else None)
    return bound


def _passed(names: list[str], given: list[list[Token]] | None) -> list[_Binding]:
    """Return what a call binds the parameters of a macro to; nothing that is known if it is no plain call."""
    if given is None or any(argument[0].text in ("*", "**") for argument in given):
        return [_Binding(name, None) for name in names]
    named = [(one[0].text, one[2:]) for one in given if len(one) > 1 and one[1].text == "="]
    plain = [one for one in given if len(one) < 2 or one[1].text != "="]
    return [_Binding(name, value) for name, value in [*named, *zip(names, plain, strict=False)]]


def arguments(block: list[Token], at: int) -> list[list[Token]]:
    """Return the arguments of a call whose bracket opens at a place; none if there is none."""
    if at >= len(block) or block[at].text != "(":
        return []
    given: list[list[Token]] = [[]]
    depth = 0
    for token in block[at : at + _LONGEST_CALL]:
        sign = token.kind == "sign"
        depth += sign and token.text in ("(", "[", "{")
        depth -= sign and token.text in (")", "]", "}")
        if depth == 0:
            break
        if depth == 1 and sign and token.text == ",":
            given.append([])
        elif depth > 1 or token.text != "(" or given[-1]:
            given[-1].append(token)
    else:
        given.append([Token("sign", "*")])
    return [argument for argument in given if argument]


def _is_looked_up(value: list[Token], at: int) -> bool:
    """Return whether a text is all that stands between the brackets behind a value."""
    held = value[at - 2] if at >= 2 else None
    behind = held is not None and (held.text in (")", "]") or (held.kind == "name" and held.text not in _WORDS))
    return behind and _text(value, at - 1) == "[" and _text(value, at + 1) == "]"


def _bindings(block: list[Token]) -> Iterator[_Binding]:
    """Yield the names that a statement binds, or to whose values it adds."""
    words = [token.text for token in block]
    if words[:1] == ["for"] and "in" in words:
        split = words.index("in")
        for token in block[1:split]:
            if token.kind == "name":
                yield _Binding(token.text, _iterated(block[split + 1 :]))
    elif words[:1] == ["set"]:
        split = words.index("=") if "=" in words else len(words)
        single = split == 2 and split < len(words)
        for token in block[1:split]:
            if token.kind == "name":
                yield _Binding(token.text, block[split + 1 :] if single else None)
    elif words[:1] and words[0] in _BINDING:
        for token in block[1:]:
            if token.kind == "name":
                yield _Binding(token.text, None)
    for at, token in enumerate(block):
        if token.text in _CHANGING and _text(block, at - 1) == "." and _text(block, at + 1) == "(":
            yield _Binding(_root(block, at - 1), None)


def _root(block: list[Token], at: int) -> str:
    """Return the name at which a chain of attributes, subscripts and calls begins that ends before a place."""
    depth, last = 0, at - 1
    for place in range(last, max(-1, last - _LONGEST_CHAIN), -1):
        token = block[place]
        closes, opens = token.text in (")", "]"), token.text in ("(", "[")
        depth += closes - opens
        if depth:
            continue
        before = _text(block, place - 1)
        if token.kind == "name" and before != ".":
            return token.text
        if not closes and (opens or token.kind == "name" or token.text == "."):
            # What is called, or looked up in, stands before its bracket; a group of its own has nothing there.
            follows = place > 0 and (block[place - 1].kind in ("name", "string") or before in (")", "]", "."))
            if not opens or follows:
                continue
        return ANYTHING
    return ANYTHING


def _is_number(value: list[Token], numbers: frozenset[str] | set[str]) -> bool:
    """Return whether an expression can give nothing but a number."""
    for at, token in enumerate(value):
        before, after = _text(value, at - 1), _text(value, at + 1)
        if token.kind == "name":
            counted = after == "|" and _text(value, at + 2) in _COUNTING
            known = token.text in _COUNTING if before == "|" else token.text in numbers or counted
            if before == ".":
                known = token.text in NUMBERS and _text(value, at - 2) == "loop" and "loop" in numbers
            if not known:
                return False
        elif token.kind != "number" and token.text not in _COMPUTING:
            return False
    return bool(value)


def _text(tokens: list[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""
