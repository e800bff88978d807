"""Whether a meta graph of TensorFlow writes and reads weights only where, and when, whoever loads it says so.

Every saved model has operators that save it again. They are quiet if their place comes from the one name that the
loader fills in, with a known ending, and if nothing that is run to load or to use the model depends on what writes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.wire import WireError, messages

WRITERS: Final = frozenset({"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"})
_READERS: Final = frozenset({"Restore", "RestoreSlice", "RestoreV2"})
_GRAPH, _SAVER, _COLLECTIONS, _SIGNATURES, _ASSETS, _OBJECTS = 2, 3, 4, 5, 6, 7
_NODES, _LIBRARY = 1, 2
_FILE_NAME, _RESTORE = 1, 3
_PASS_ONE, _PASS_ALL, _CHOOSE = ("Identity", "ShardedFilename"), "Pack", ("Select", "SelectV2")
"""Operators that pass on their first input, all of them, or one of two."""
_ENDING: Final = re.compile(rb"(?:_temp(?:_[0-9a-f]{1,64})?)?/?\.?part|/?")
_DEFAULT: Final = b"model"
_MOST_DEFAULTS: Final = 3
"""Places in a row that the next one fills in, if the loader does not."""
_REPLACES: Final = b"api_implements"
_SAVERS: Final = b"savers"
_STRINGS, _TENSOR = 8, 8
_DEEPEST: Final = 40


@dataclass
class _Node:
    operator: str = ""
    inputs: list[str] = field(default_factory=list)
    attributes: list[memoryview] = field(default_factory=list)


@dataclass
class _Scope:
    """The nodes of a graph or of a function, with the names of what the function is given."""

    nodes: dict[str, _Node] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)


class _LoudError(Exception):
    pass


def are_quiet(meta: memoryview, budget: Budget) -> bool:
    """Return whether a meta graph only writes and reads where its loader says, when it is asked to."""
    try:
        _Meta(meta, budget).check()
    except (_LoudError, WireError, UnicodeDecodeError):
        return False
    return True


class _Meta:
    def __init__(self, meta: memoryview, budget: Budget) -> None:
        self.budget = budget
        self.fields: dict[int, list[memoryview]] = {}
        for number, value in messages(meta, budget):
            self.fields.setdefault(number, []).append(value)
        (graph,) = self._one(_GRAPH)
        self.main, self.functions = _Scope(), dict[str, _Scope]()
        for number, value in messages(graph, budget):
            if number == _NODES:
                self._node(self.main, value)
            elif number == _LIBRARY:
                for inner, function in messages(value, budget):
                    # A gradient, or another function for the same purpose, may take the place of one.
                    if inner != 1 or _REPLACES in bytes(function):
                        raise _LoudError
                    self._function(function)
        (saver,) = self._one(_SAVER)
        names = {number: bytes(value).decode() for number, value in messages(saver, budget) if len(value)}
        self.place, self.restore = _plain(names.get(_FILE_NAME, "")), _plain(names.get(_RESTORE, ""))

    def _one(self, number: int) -> list[memoryview]:
        found = self.fields.get(number, [])
        if len(found) != 1:
            raise _LoudError
        return found

    def _function(self, content: memoryview) -> None:
        scope, name = _Scope(), ""
        for number, value in messages(content, self.budget):
            if number == 1:
                for inner, part in messages(value, self.budget):
                    if inner == 1:
                        name = bytes(part).decode()
                    elif inner == 2:
                        scope.given += [bytes(one).decode() for at, one in messages(part, self.budget) if at == 1]
            elif number == 3:
                self._node(scope, value)
        if not name or name in self.functions:
            raise _LoudError
        self.functions[name] = scope

    def _node(self, scope: _Scope, content: memoryview) -> None:
        node, name = _Node(), ""
        for number, value in messages(content, self.budget):
            if number == 1:
                name = bytes(value).decode()
            elif number == 2:
                node.operator = bytes(value).decode()
            elif number == 3:
                node.inputs.append(bytes(value).decode())
            elif number == 5:
                node.attributes.append(value)
        if not name or name in scope.nodes or name in scope.given:
            raise _LoudError
        scope.nodes[name] = node

    def check(self) -> None:
        """Check everything.

        Raises:
            _LoudError: If something is written or read elsewhere, or at another time.
        """
        place = self.main.nodes.get(self.place)
        for _ in range(_MOST_DEFAULTS):
            if place is None or place.operator != "PlaceholderWithDefault":
                break
            place = self.main.nodes.get(_plain(place.inputs[0])) if place.inputs else None
        if place is None or place.operator not in ("Const", "Placeholder"):
            raise _LoudError
        if place.operator == "Const" and self._texts(place) != [_DEFAULT]:
            raise _LoudError
        writing = {name for name, scope in self.functions.items() if self._has(scope, WRITERS)}
        storing = {name for name, scope in self.functions.items() if self._has(scope, WRITERS | _READERS)}
        calls = self._calls(storing)
        for scope, function in ((self.main, ""), *((self.functions[name], name) for name in storing)):
            self._names(scope, [self.main.nodes[name] for name, called in calls.items() if called == function])
        loud = {name for name, called in calls.items() if called in writing}
        loud |= {name for name, node in self.main.nodes.items() if node.operator in WRITERS}
        self._unasked(self._behind(loud), writing)

    @staticmethod
    def _has(scope: _Scope, operators: Iterable[str]) -> bool:
        return any(node.operator in operators for node in scope.nodes.values())

    def _calls(self, storing: set[str]) -> dict[str, str]:
        """Return which nodes of the graph call which function that stores; nothing else may name one of them."""
        calls = dict[str, str]()
        for scope in (self.main, *self.functions.values()):
            for name, node in scope.nodes.items():
                if node.operator in self.functions:
                    # A node may call a function by the name of its operator, even by one of TensorFlow's own.
                    raise _LoudError
                words = b"".join(bytes(value) for value in node.attributes) if storing else b""
                named = [function for function in storing if function.encode() in words]
                if not named:
                    continue
                if scope is not self.main or len(named) > 1 or not node.operator.endswith("PartitionedCall"):
                    raise _LoudError
                calls[name] = named[0]
        return calls

    def _names(self, scope: _Scope, callers: list[_Node]) -> None:
        """Check where every store of a scope has its name from."""
        for node in scope.nodes.values():
            if node.operator in WRITERS | _READERS:
                # The last of the inputs of what merges is where it goes; of the others it is the first.
                for name in node.inputs[: 2 if node.operator == "MergeV2Checkpoints" else 1]:
                    self._name(scope, name, callers, 0)
                if not node.inputs:
                    raise _LoudError

    def _name(self, scope: _Scope, name: str, callers: list[_Node], depth: int) -> None:
        """Check that a name comes from the place that the loader fills in."""
        plain = _plain(name)
        if depth > _DEEPEST or name.startswith("^"):
            raise _LoudError
        self.budget.fields_left -= 1
        if self.budget.fields_left < 0:
            raise _LoudError
        if plain in scope.given:
            at = scope.given.index(plain)
            for caller in callers:
                if at >= len(caller.inputs) or _plain(caller.inputs[at]) != self.place:
                    raise _LoudError
            return
        if scope is self.main and plain == self.place:
            return
        node = scope.nodes.get(plain)
        if node is None:
            raise _LoudError
        if node.operator == "StringJoin" and node.inputs:
            self._name(scope, node.inputs[0], callers, depth + 1)
            for other in node.inputs[1:]:
                self._ending(scope, other, depth + 1)
        elif node.operator in (*_PASS_ONE, _PASS_ALL) and node.inputs:
            for inner in node.inputs if node.operator == _PASS_ALL else node.inputs[:1]:
                if not inner.startswith("^"):
                    self._name(scope, inner, callers, depth + 1)
        else:
            raise _LoudError

    def _ending(self, scope: _Scope, name: str, depth: int) -> None:
        node = scope.nodes.get(_plain(name))
        if name.startswith("^"):
            return
        self.budget.fields_left -= 1
        if self.budget.fields_left < 0 or node is None or depth > _DEEPEST:
            raise _LoudError
        if node.operator in _CHOOSE:
            for inner in node.inputs[1:3]:
                self._ending(scope, inner, depth + 1)
        elif node.operator != "Const" or not all(_ENDING.fullmatch(text) for text in self._texts(node)):
            raise _LoudError

    def _texts(self, node: _Node) -> list[bytes]:
        """Return the texts of a constant that holds nothing else."""
        found = list[bytes]()
        for attribute in node.attributes:
            fields = list(messages(attribute, self.budget))
            if bytes(dict(fields).get(1, b"")) != b"value":
                continue
            # A message that is there twice is one with all that both have.
            held = (part for at, value in fields if at == 2 for part in messages(value, self.budget))
            for number, tensor in held:
                for inner, value in messages(tensor, self.budget):
                    if number != _TENSOR or inner not in (1, 2, _STRINGS):
                        raise _LoudError
                    found += [bytes(value)] if inner == _STRINGS else []
        if not found:
            raise _LoudError
        return found

    def _behind(self, loud: set[str]) -> set[str]:
        """Return what depends on nodes, with them."""
        users = dict[str, list[str]]()
        for name, node in self.main.nodes.items():
            for used in node.inputs:
                users.setdefault(_plain(used.lstrip("^")), []).append(name)
        waiting, found = list(loud), set(loud)
        while waiting:
            fresh = [name for name in users.get(waiting.pop(), ()) if name not in found]
            found |= set(fresh)
            waiting += fresh
        return found

    def _unasked(self, loud: set[str], writing: set[str]) -> None:
        """Check that nothing that writes is run, or offered, but by the saver."""
        words = [*self.fields.get(_SIGNATURES, []), *self.fields.get(_OBJECTS, [])]
        for collection in self.fields.get(_COLLECTIONS, []):
            # Of a key that is there twice the last one counts.
            key = dict(messages(collection, self.budget)).get(1, b"")
            words += [] if bytes(key) == _SAVERS else [collection]
        text = b"\n".join(bytes(word) for word in words)
        self.budget.look(len(text) * (len(loud) + len(writing) + 1))
        if b"../" in text or self.restore in loud or any(name.encode() in text for name in loud | writing):
            raise _LoudError
        for asset in self.fields.get(_ASSETS, []):
            for number, value in messages(asset, self.budget):
                if number == 2 and (b"/" in bytes(value) or b"\\" in bytes(value) or b".." in bytes(value)):
                    raise _LoudError


def _plain(name: str) -> str:
    """Return the node that a name is of, without which of its results is meant."""
    return name.partition(":")[0]
