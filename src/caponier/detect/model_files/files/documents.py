"""JSON documents by which a library makes, imports or fetches what they name, before anybody has asked for it.

jsonpickle and json_tricks make objects of any class; Transformers, PEFT, Diffusers, Sentence Transformers and Spark
import the module that a configuration names; LangChain calls constructors. The names are held against the lists for
pickles: what is dangerous there is dangerous here, and what nobody knows is unknown.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from caponier.detect.model_files.files.configurations import KNOWN_LIBRARIES, REDUCED, is_dangerous, is_known
from caponier.detect.model_files.files.hdf5.walk import leaves_folder
from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.files.reaching_operators import REACHING
from caponier.detect.model_files.files.texts import commands
from caponier.detect.model_files.files.texts.expressions import is_code
from caponier.detect.model_files.pickles.carried import SHORTEST, pickled

_DOTTED: Final = re.compile(r"[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){1,20}")
_CLASS: Final = re.compile(r"(?!(?:nn|com\.apple)\.)[a-z_]\w{1,99}(?:\.[a-z_]\w{0,99}){0,20}\.[A-Z]\w{1,99}(?<!RData)")
"""How a class is named by where it is at home: nothing but a loader has a use for that, under whatever key. YOLO writes
`nn` for torch's own, and Apple signs with such a name."""
_PICKLED: Final = "py/"
"""What the keys of jsonpickle begin with that are more than values."""
_MAKES: Final = frozenset({"$type", "@class", "__class_and_type__", "__instance_type__", "__reduce__"})
_REDUCE: Final = "__reduce__"
"""What skops calls so is judged as skops reads it."""
_CODE_BESIDE: Final = frozenset({"auto_map", "custom_pipelines"})
_CLASS_KEYS: Final = frozenset(
    {"activation_function", "cls", "class", "implementation", "module", "parent_library", "pythonClass", "type"}
)
"""Keys under which a library looks for the dotted name of what it imports."""
_SOURCE_KEYS: Final = frozenset({"code", "function_code", "python_code", "source", "source_code"})
_SOURCE: Final = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|import[ \t]+\w|from[ \t]+\S+[ \t]+import\b|lambda\b)", re.MULTILINE
)
_HOME: Final = re.compile(
    r"_{0,2}(?:py_?)?(?:module|package|library|import|from|home)(?:_?(?:name|path))?_{0,2}", re.IGNORECASE
)
_WITHIN: Final = re.compile(
    r"_{0,2}(?:class|cls|function|func|fn|callable|method|attr|attribute|object|qual|type)?_?(?:name)?_{0,2}",
    re.IGNORECASE,
)
"""Keys of the two pieces of a name."""
_FETCHED_CODE: Final = frozenset({"_attn_implementation", "attn_implementation", "experts_implementation"})
"""Keys that name a way to compute, or the repository of one."""
_VOCABULARY: Final = re.compile(r"(?:\w{1,40}_)?(?:bpe|merges|model|sp|spm|tokenizer|vocab|vocabulary)_file")
"""Keys by which a tokenizer's settings name its files; they come before those that lie beside the settings."""
_CACHED: Final = re.compile(r"/(?:[^/.][^/]*/){0,20}\.cache/huggingface/(?:[^/.][^/]*/){0,20}[^/.][^/]*")
"""Where Transformers keeps what it has fetched; old versions wrote that down."""
_PICKLING: Final = ("numcodecs.pickle", "pickle")
"""Codecs by which Zarr reads chunks with pickle."""
_SERIALIZED: Final = ":serialized:"
_ENCODED: Final = re.compile(r"gA[I-Y]")
"""How the base64 of a pickle begins, of the protocols from 2 on."""
_PIPELINE: Final = "_class_name"
_PIPELINE_LIBRARIES: Final = frozenset({*KNOWN_LIBRARIES, "stable_diffusion", "onnxruntime"})
_MOST_NODES: Final = 1_000_000
_MOST: Final = 5
_MOST_WORDS: Final = 1_000
_LONGEST_NAME, _MOST_NAMES = 1_000, 200_000


def read(document: Any) -> PartReport:
    """Judge what a document names."""
    part, waiting, nodes, names = PartReport("json"), [document], 0, 0
    classes: list[str] = []
    if isinstance(document, dict) and _PIPELINE in document:
        _pipeline(part, document)
    while waiting and nodes < _MOST_NODES:
        node = waiting.pop()
        nodes += 1
        if isinstance(node, dict):
            _node(part, node)
            if not classes and (named := _class(node)) is not None:
                classes.append(named)
            waiting += node.values()
        elif isinstance(node, list):
            if not classes and (made := _made_of(node)) is not None:
                classes.append(made)
            waiting += node
        elif isinstance(node, str) and is_code(node):
            _add(part.unknown, "holds what some loaders evaluate as code")
        elif isinstance(node, str) and len(node) < _LONGEST_NAME and "." in node and names < _MOST_NAMES:
            names += 1
            if _DOTTED.fullmatch(node) and is_dangerous(node):
                _add(part.unknown, f"names {node}, which is known to be dangerous")
    if waiting or names >= _MOST_NAMES:
        part.unknown.append("has more values than a scan looks at")
    if classes and not part.unknown:
        part.unknown.append(f"names a class that a loader imports, and that is not known here: {classes[0][:100]}")
    return part


def _class(node: dict[str, Any]) -> str | None:
    """Return the first class of a module nobody knows; Keras looks up what it calls so among its own."""
    for key, value in node.items():
        for word in value[:_MOST_WORDS] if isinstance(value, list) else (value,):
            if key != "class_name" and isinstance(word, str) and _CLASS.fullmatch(word) and not is_known(word):
                return word
    return None


def _made_of(node: list[Any]) -> str | None:
    """Return the class by which Jackson makes an object of what stands behind its name in a list."""
    pair = len(node) == 2 and isinstance(node[0], str) and isinstance(node[1], dict | list)
    return node[0] if pair and _CLASS.fullmatch(node[0]) and not is_known(node[0]) else None


def pickles(document: Any, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield what a document holds as the base64 of a pickle, as Stable Baselines keeps its objects.

    Raises:
        TooMuchError: If there are too many.
    """
    waiting = [("", document)]
    while waiting:
        key, node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.items()
        elif isinstance(node, list):
            waiting += [(key, item) for item in node]
        elif isinstance(node, str) and (key == _SERIALIZED or _ENCODED.match(node)):
            budget.member()
            with suppress(ValueError):
                if len(content := base64.b64decode(node.encode("ascii"))):
                    yield ArchiveMember(f"{key[:100]} as base64", memoryview(content))


def held(document: Any) -> list[memoryview]:
    """Return what a document holds as texts that are pickles, in whatever digits; for base64 see `pickles`."""
    found, waiting = list[memoryview](), [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif (
            isinstance(node, str)
            and len(node) >= SHORTEST
            and not _ENCODED.match(node)
            and (inner := pickled(memoryview(node.encode("utf-8", "replace")))) is not None
        ):
            found.append(inner)
    return found


def _node(part: PartReport, node: dict[str, Any]) -> None:
    for key, value in node.items():
        if key.startswith(_PICKLED):
            harmful = isinstance(value, str) and is_dangerous(value)
            _add(part.unsafe if harmful else part.unknown, f"has jsonpickle make an object: {key} {str(value)[:100]}")
        elif key in _MAKES and not (key == _REDUCE and str(node.get("__loader__")) in REDUCED):
            _add(part.unknown, f"has its loader make an object: {key} {str(value)[:100]}")
        elif key in _CODE_BESIDE:
            _add(part.unknown, f"has its loader run Python files that lie beside it ({key})")
        elif key in _CLASS_KEYS and isinstance(value, str) and not _is_known(value, key):
            _add(part.unknown, f"has its loader import {value[:100]}, which is not known here ({key})")
    if (command := commands.in_node(node)) is not None:
        _add(part.unknown, command)
    if (name := _in_two_pieces(node)) is not None:
        _add(part.unknown, f"names {name}, which is known to be dangerous, in two pieces")
    if isinstance(home := node.get("module_name"), str) and "class_name" in node and not is_known(home):
        _add(part.unknown, f"has its loader import {home[:100]}, which is not known here (module_name)")
    if any(isinstance(node.get(key), str) and _SOURCE.search(node[key]) for key in _SOURCE_KEYS & node.keys()):
        _add(part.unknown, "holds source text that its loader runs")
    if node.get("type") == "code" and isinstance(path := node.get("path"), str):
        _add(part.unknown, f"has a flow run what lies in {path[:100]}")
    if isinstance(items := node.get("itemInfoEntries"), dict):
        _package(part, items)
    if isinstance(types := node.get("types"), dict):
        # The kinds of the parts of a router of Sentence Transformers, by names of its own choice.
        for name in types.values():
            if isinstance(name, str) and not _is_known(name, "type"):
                _add(part.unknown, f"has its loader import {name[:100]}, which is not known here (types)")
    if "type" in node and isinstance(path := node.get("path"), str) and leaves_folder(path):
        _add(part.unsafe, f"has its loader read {path[:200]!r}, outside its own folder")
    if str(node.get("class")).endswith(".SQLTransformer"):
        _add(part.unknown, "has Spark carry out SQL, which may call any method of Java's")
    for key in _FETCHED_CODE & node.keys():
        if any("/" in value for value in _texts(node[key])):
            _add(part.unknown, f"has Transformers fetch code from a repository, and run it ({key})")
    if isinstance(weights := node.get("weight_map"), dict):
        for place in sorted({value for value in weights.values() if isinstance(value, str) and leaves_folder(value)}):
            _add(part.unsafe, f"reads its weights from {place[:200]!r}, outside its own folder")
    if "weights" in node and isinstance(places := node.get("paths"), list):
        for place in [one for one in places if isinstance(one, str) and leaves_folder(one)]:
            _add(part.unsafe, f"reads its weights from {place[:200]!r}, outside its own folder")
    _graph_or_tokenizer(part, node)
    if any(node.get(key) in _PICKLING for key in ("id", "name")):
        _add(part.unknown, "has Zarr read its chunks with pickle")
    if node.get("op") == "Custom" and "attrs" in node:
        _add(part.unknown, "has MXNet call an operator of somebody else's (Custom)")
    if "lc" in node and "id" in node and "type" in node:
        _add(part.unknown, "has LangChain make an object of a class that it names")


def _graph_or_tokenizer(part: PartReport, node: dict[str, Any]) -> None:
    """Judge a node of a graph as TensorFlow.js keeps it, and where Transformers looks for code and for vocabularies."""
    if isinstance(operator := node.get("op"), str) and operator in REACHING and "name" in node:
        _add(part.unsafe, f"has an operator that reaches files, or calls Python: {operator}")
    if isinstance(code := node.get("custom_generate"), str):
        _add(part.unknown, f"has Transformers fetch the code by which it generates, and run it: {code[:100]}")
    for key, place in node.items():
        if (
            isinstance(place, str)
            and _VOCABULARY.fullmatch(key)
            and leaves_folder(place)
            and not _CACHED.fullmatch(place)
        ):
            _add(part.unknown, f"has its tokenizer read {place[:200]!r}, outside its own folder ({key})")


def _package(part: PartReport, items: dict[str, Any]) -> None:
    """Judge where Apple's packages say that their parts lie."""
    for item in items.values():
        if isinstance(item, dict) and isinstance(path := item.get("path"), str) and leaves_folder(path):
            _add(part.unsafe, f"has its loader read {path[:200]!r}, outside its own folder")


def _texts(value: Any) -> list[str]:
    values = value.values() if isinstance(value, dict) else (value,)
    return [text for text in values if isinstance(text, str)]


def _in_two_pieces(node: dict[str, Any]) -> str | None:
    """Return what is dangerous that an object names in two values, the module and the rest, as Fiddle does."""
    homes = [value for key, value in node.items() if isinstance(value, str) and _HOME.fullmatch(key)]
    names = [value for key, value in node.items() if isinstance(value, str) and _WITHIN.fullmatch(key)]
    pairs = (f"{home}.{name}" for home in homes for name in names if len(home) + len(name) < _LONGEST_NAME)
    return next((pair[:100] for pair in pairs if _DOTTED.fullmatch(pair) and is_dangerous(pair)), None)


def _is_known(name: str, key: str) -> bool:
    """Return whether a value is no dotted name, or one of a library whose classes may be named."""
    if key != "parent_library" and _DOTTED.fullmatch(name) is None:
        return True
    return is_known(name)


def _pipeline(part: PartReport, document: dict[str, Any]) -> None:
    """Judge the parts of a pipeline of Diffusers: the library of each, and its class."""
    if not isinstance(document[_PIPELINE], str):
        _add(part.unknown, "has its loader run a Python file that lies beside it (_class_name)")
    whole = str(document[_PIPELINE]).endswith("Pipeline")
    for name, value in document.items():
        pair = isinstance(value, list) and len(value) == 2 and all(isinstance(word, str) for word in value)
        if (
            pair
            and value[0][:1].islower()
            and (value[1][:1].isupper() or (whole and value[1].isidentifier()))
            and value[0].partition(".")[0] not in _PIPELINE_LIBRARIES
        ):
            _add(part.unknown, f"has its loader import {value[0][:100]}, which is not known here ({name[:100]})")


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences and len(sentences) < _MOST:
        sentences.append(sentence)
