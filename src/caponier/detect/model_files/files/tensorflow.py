"""Graphs of TensorFlow as protocol buffers: saved models, meta graphs and frozen graphs, by the operators in them.

An operator may write a file, read one, or call Python; which ones those are is known. What all others do is not.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from caponier.detect.model_files.files.part import Budget, Part
from caponier.detect.model_files.files.wire import WireError, messages

_HARMFUL: Final = frozenset({
    "DebugIdentity", "DebugIdentityV2", "EagerPyFunc", "LookupTableExport", "LookupTableExportV2", "MatchingFiles",
    "MergeV2Checkpoints", "PyFunc", "PyFuncStateless", "ReadFile", "Save", "SaveSlices", "SaveV2", "WriteFile",
})  # fmt: skip
_USUAL: Final = frozenset({"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"})
"""What every saved model has, to be saved again: it writes only if it is asked to."""
_NAME: Final = re.compile(rb"_?[A-Z][A-Za-z0-9_>]{0,99}")
_META_GRAPHS, _GRAPH = 2, 2
STARTS: Final = frozenset({0x08, 0x0A, 0x12, 0x1A, 0x22})
"""The first bytes of a field that a graph, or what holds one, has."""
_NODES, _LIBRARY, _FUNCTIONS, _FUNCTION_NODES = 1, 2, 1, 3
_NODE_NAME, _NODE_OPERATOR = 1, 2


def read(content: memoryview, budget: Budget, *, hidden: bool = False) -> Part | None:
    """Read a graph; None if this is none. For `hidden` see `onnx.read`."""
    if len(content) < 8 or not (hidden or content[0] in STARTS):
        return None
    operators = set[str]()
    for reading in (_of_saved_model, _of_meta_graph, _operators):
        # Fields may stand in any order, and so a graph may begin like what holds one.
        with suppress(WireError):
            operators |= reading(content, budget)
    if not operators:
        return None
    part = Part("tensorflow graph")
    harmful = sorted(operators & (_HARMFUL - _USUAL))
    part.unsafe += [f"has an operator that reaches files, or calls Python: {name}" for name in harmful[:5]]
    part.unknown.append(
        f"is a graph of TensorFlow with {len(operators):,} kinds of operators, of which not all are known here; "
        "weights alone, as safetensors, would be"
    )
    return part


def _of_saved_model(content: memoryview, budget: Budget) -> set[str]:
    metas = [value for number, value in messages(content, budget) if number == _META_GRAPHS and len(value)]
    return {name for meta in metas for name in _of_meta_graph(meta, budget)}


def _of_meta_graph(content: memoryview, budget: Budget) -> set[str]:
    graphs = [value for number, value in messages(content, budget) if number == _GRAPH and len(value)]
    return {name for graph in graphs for name in _operators(graph, budget)}


def _operators(graph: memoryview, budget: Budget) -> set[str]:
    return {name for node in _all_nodes(graph, budget) if (name := _operator(node, budget)) is not None}


def _all_nodes(graph: memoryview, budget: Budget) -> Iterator[memoryview]:
    for number, value in messages(graph, budget):
        if number == _NODES:
            yield value
        elif number == _LIBRARY:
            for inner, function in messages(value, budget):
                if inner == _FUNCTIONS:
                    yield from (node for at, node in messages(function, budget) if at == _FUNCTION_NODES)


def _operator(node: memoryview, budget: Budget) -> str | None:
    """Return the name of a node's operator; of a field that is there twice the last one counts."""
    found = {number: value for number, value in messages(node, budget) if number in (_NODE_NAME, _NODE_OPERATOR)}
    name = bytes(found.get(_NODE_OPERATOR, b"")[:200])
    return name.decode() if _NODE_NAME in found and _NAME.fullmatch(name) else None
