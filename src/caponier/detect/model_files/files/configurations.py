"""Configurations that name what is to be called: Hydra's and NeMo's targets, tags of HyperPyYAML, skops, MLflow."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, canonical, shipped

# Patterns begin with letters and look behind themselves, because those are found many times faster than a choice.
_TARGET: Final = re.compile(
    r"(?<![\w.])(_target_|_component_|target|class_path)[\"']?\s*:\s*[\"']?([A-Za-z_][\w.]{0,199}+)(?!://)"
)
_TARGET_WORDS: Final = ("target", "_component_", "class_path")
_INSTANTIATES: Final = "_target_"
_INSTANTIATING: Final = (_INSTANTIATES, "_component_")
"""The keys of Hydra and torchtune; a name behind them needs no dot."""
_WHOLE: Final = re.compile(r"_target_(?<!\w_target_)(?!\w)")
_TAG: Final = re.compile(r"!(?<![^\s\[{,:<-]!)(new|apply|applyref|name|module|obj|pkl|include|import):([\w./]{1,200})")
_LOCAL_TAG: Final = re.compile(
    r"!(?<![^\s\[{,:!-]!)((?:clj|java|js|lua|net|perl|php|py|r|R|ruby)[/:][\w:./-]{1,200}"
    r"|(?:call|class|code|eval|exec|expr|func|function|instance|instantiate|lambda|partial|py|python)(?=[\s\[{\"'(]|$))"
)
"""Tags of other languages' readers of YAML, which make objects or run code, and such that people name so."""
_CLASS: Final = re.compile(
    r"(?:^|\n)[ \t]*(?:-[ \t]+)?[\"']?(class|cls|implementation|pythonClass|type)[\"']?[ \t]*[:=][ \t]*[\"']?"
    r"([A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){1,20})[\"']?[ \t]*(?=[#\n]|$)"
)
"""A class by its dotted name in YAML; JSON is read as such."""
KNOWN_LIBRARIES: Final = (
    "diffusers", "jax.Array", "keras", "lightgbm.basic.Booster", "lightgbm.sklearn", "mlserver",
    "mlserver_alibi_explain", "mlserver_catboost",
    "mlserver_huggingface", "mlserver_lightgbm", "mlserver_mlflow", "mlserver_sklearn", "mlserver_xgboost", "numpy",
    "orbax.checkpoint._src.handlers", "orbax.checkpoint.handlers", "org.apache.spark", "peft", "pyspark",
    "sentence_transformers", "sklearn", "spacy", "tensorflow", "timm", "tokenizers", "torch", "transformers",
    "xgboost.core.Booster", "xgboost.sklearn",
)  # fmt: skip
"""Libraries whose own classes a configuration may name."""
_JAVA: Final = re.compile(r"!(?:!(?<![^\s\[{,:-]!!)|<tag:yaml\.org,2002:)(\w+(?:\.\w+)+)")
_LOADER: Final = re.compile(r"loader_module(?<![\w.]loader_module)[\"']?\s*:\s*[\"']?([\w.]{1,200})")
_LOADER_KEY: Final = re.compile(r"loader_module(?<![\w.]loader_module)[\"']?\s*:")
_FLAVORS: Final = re.compile(r"flavors(?<![\w.]flavors)[\"']?\s*:")
_CODE_FOLDER: Final = re.compile(
    r"code(?<![\w.]code)[\"']?[ \t]*:[ \t]*[\"']?(?!(?:null|~|''|\"\")\s*(?:[,}#\n]|$))([^\s,}#\"']+)"
)
"""Where MLflow finds modules before it looks anywhere else: one of them may stand in for any library."""
_OUTSIDE: Final = re.compile(
    r"(?:^|[\n{,])[ \t]*[\"']?(?!artifact_path)"
    r"(\w{0,40}(?:data|file|model|path|weights|checkpoint|pickle)|conda|env|virtualenv)[\"']?"
    r"[ \t]*:[ \t]*[\"']?"
    r"((?:[/\\]|[A-Za-z]:[/\\]|\.\.[/\\]|[^\s\"',}]{1,400}[/\\]\.\.[/\\])[^\n\"',}]{0,400})"
)
"""Where a flavor of MLflow keeps a model, and what is installed before it is loaded.

Where the run kept it stands there, too, and is no place to load from."""
_CODE_BESIDE_WORDS: Final = (
    "model_code_path", "custom_imports", "user_dir", "_base_", "_BASE_", "py_modules", "import_paths", "include_package"
)  # fmt: skip
"""Keys by which MLflow, MMEngine, fairseq, Jina, NeMo Guardrails and AllenNLP run or import Python files."""
_CODE_BESIDE: Final = re.compile(
    rf"(?:^|[\n{{,])[ \t]*[\"']?({'|'.join(_CODE_BESIDE_WORDS)}|include_packages)[\"']?[ \t]*:"
    r"(?!\s*(?:null|~)\s*(?:[,}#]|\n|$))"
)
_CODE_FILE: Final = re.compile(
    r"(?<!\w)((?:\w{0,40}_|[a-z]{0,20})(?:handler|module|delegate|library|plugin|predictor|(?:class|model)_?file(?:name)?))"
    r"[\"']?[ \t]*[:=][ \t]*[\"']?([\w./\\-]{1,200}\.(?:dll|dylib|py|pyc|pyd|so))(?![\w.])",
    re.IGNORECASE,
)
"""A file of code that TorchServe, Truss, Optimum or a delegate's loader runs, by the keys that they look for it by."""
_LAYER: Final = re.compile(
    r"class_name(?<![\w.]class_name)[ \t]*:[ \t]*[\"']?"
    r"(Lambda|TFOpLambda|__lambda__|TorchModuleWrapper|FlaxLayer|JaxLayer|TFSMLayer)\b"
)
_NAMED: Final = re.compile(
    r":(?:[ \t]+[\"']?|[\"'])([A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){1,9})[\"']?[ \t]*(?=[,}\]\n#]|$)"
)
"""A dotted name that is all of a value."""
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_EXPRESSION: Final = re.compile(r'"expr_str"\s*:\s*("(?:[^"\\]|\\.)*")')
"""Sizes that torch's exported programs have sympy read, which reads them as Python."""
_ARITHMETIC: Final = re.compile(r'"[\w\s+*/(),.<>=-]*"')
_CALLED: Final = re.compile(r"([A-Za-z_]\w*)\s*\(|(?:__\w*)")
_FUNCTIONS: Final = frozenset(
    {"CeilToInt", "FloorDiv", "FloorToInt", "Max", "Min", "Mod", "ModularIndexing", "PythonMod"}
)
_COMPUTING: Final = ("torch.ops.aten.", "torch.ops.prims.")
"""Operators, as torch's exported programs name them: each computes, and there is nothing else in there."""
_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\n[ \t]*)")
_NODES: Final = frozenset({
    "BytearrayNode", "BytesNode", "CachedNode", "DTypeNode", "DefaultDictNode", "DictNode", "DtypeNode", "FunctionNode",
    "JsonNode", "KDTreeNode", "ListNode", "MaskedArrayNode", "NdArrayNode", "ObjectNode", "OrderedDictNode",
    "RandomGeneratorNode", "RandomStateNode", "SetNode", "SliceNode", "SparseMatrixNode", "TupleNode", "TypeNode",
})  # fmt: skip
"""What skops makes of its nodes, without calling anything that the file names."""
REDUCED: Final = frozenset({"LossNode", "TreeNode"})
"""Nodes of skops that call a class with arguments of the file's: the class of a loss, or scikit-learn's tree."""
_LOSSES: Final = ("_loss.", "sklearn.")
_BUILDS: Final = "setuptools.build_meta"
"""By this nearly all packages of Python are built; it does nothing before somebody builds one."""
_VALUES: Final = frozenset({"NoneType", "bool", "ellipsis", "function", "method", "type"})
_MOST_NODES: Final = 1_000_000
_MOST: Final = 5


def read(text: str, budget: Budget) -> PartReport:
    """Judge the names in a text that a loader of configurations would call or import."""
    part = PartReport("yaml")
    plain = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
    for match in _some(_TARGET, plain, part, budget) if _has(plain, _TARGET_WORDS) else ():
        if is_dangerous(match[2]) and (match[1] in _INSTANTIATING or "." in match[2]):
            _add(part.unsafe, f"has its loader make {match[2]}, which is known to be dangerous")
        elif match[1] in _INSTANTIATING or ("." in match[2].strip(".") and not match[2].startswith(_COMPUTING)):
            _add(part.unknown, f"has its loader make what it names: {match[2]}")
    if not part.unsafe and not part.unknown and _INSTANTIATES in plain and _WHOLE.search(plain):
        part.unknown.append("has its loader make what it names, in a way that is not read here")
    for match in _some(_EXPRESSION, plain, part, budget):
        if not _ARITHMETIC.fullmatch(match[1]) or not set(_CALLED.findall(match[1])) <= _FUNCTIONS:
            _add(part.unknown, "has torch compute what is no arithmetic, and may be code")
    _tags(unquote(plain) if "!" in plain and _PERCENT.search(plain) else plain, part, budget)
    _imports(plain, part, budget)
    return part


def _tags(text: str, part: PartReport, budget: Budget) -> None:
    """Judge tags that make something; their letters may be written as in an address."""
    for match in _some(_TAG, text, part, budget):
        harmful = is_dangerous(match[2])
        _add(part.unsafe if harmful else part.unknown, f"has YAML {match[1]} {match[2]}")
    for match in _some(_LOCAL_TAG, text, part, budget):
        _add(part.unknown, f"has a tag by which a reader of YAML makes objects, or runs code: {match[1]}")
    for match in _some(_JAVA, text, part, budget):
        _add(part.unknown, f"has YAML make an object of a class: {match[1]}")


def _imports(text: str, part: PartReport, budget: Budget) -> None:
    """Judge keys by which a loader imports a module or runs a file, and names that only a program has a use for."""
    loaders = [match[1] for match in _some(_LOADER, text, part, budget)]
    for loader in loaders:
        if not loader.startswith("mlflow."):
            _add(part.unsafe if is_dangerous(loader) else part.unknown, f"has MLflow import {loader}")
    if not loaders and _LOADER_KEY.search(text):
        _add(part.unknown, "has MLflow import what it names, in a way that is not read here")
    if _FLAVORS.search(text) and (code := _CODE_FOLDER.search(text)):
        _add(part.unknown, f"has MLflow import what lies in {code[1][:100]} before anything else (code)")
    if _FLAVORS.search(text):
        for match in _some(_OUTSIDE, text, part, budget):
            _add(part.unsafe, f"has MLflow load {match[2][:200]!r}, outside of its own folder ({match[1]})")
    for match in _some(_CODE_BESIDE, text, part, budget) if _has(text, _CODE_BESIDE_WORDS) else ():
        _add(part.unknown, f"has its loader run or import what lies beside it ({match[1]})")
    for match in _some(_CODE_FILE, text, part, budget):
        _add(part.unknown, f"has its loader run {match[2][:100]} ({match[1]})")
    for match in _some(_CLASS, text, part, budget):
        if not is_known(match[2]):
            _add(part.unknown, f"has its loader import {match[2]}, which is not known here ({match[1]})")
    for match in _some(_LAYER, text, part, budget):
        _add(part.unknown, f"has a layer that carries code: {match[1]}")
    for match in _some(_NAMED, text, part, budget):
        if is_dangerous(match[1]):
            _add(part.unknown, f"names {match[1]}, which is known to be dangerous")


def read_skops(document: Any) -> PartReport | None:
    """Judge the description of a skops file; None if this is none."""
    if not (isinstance(document, dict) and "__loader__" in document and "__module__" in document):
        return None
    part, waiting, nodes = PartReport("skops"), [document], 0
    while waiting and nodes < _MOST_NODES:
        node = waiting.pop()
        nodes += 1
        if isinstance(node, dict):
            if "__loader__" in node:
                _node(part, node)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    if waiting:
        part.unknown.append("has a description that is longer than a scan reads")
    return part


def _node(part: PartReport, node: dict[str, Any]) -> None:
    kind = str(node.get("__loader__"))
    if kind not in _NODES | REDUCED:
        _add(part.unknown, f"has skops use {kind[:100]}, which may call what the file names")
    for module, name in _named(node):
        what = canonical(module, name)
        standing = shipped().standing(what, GlobalRole.NAME)
        if standing is AllowLevel.DANGEROUS:
            _add(part.unsafe, f"names {module}.{name}, which is known to be dangerous")
        elif what in shipped().functions or (kind == "LossNode" and not str(what).startswith(_LOSSES)):
            _add(part.unknown, f"has skops call {module}.{name} with what the file holds")
        elif standing is not AllowLevel.ALLOWED and not (module == "builtins" and name in _VALUES):
            _add(part.unknown, f"names {module}.{name}, which is not on the allow list")


def _named(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    content = node.get("content")
    function = node.get("__loader__") == "FunctionNode"
    pairs = [] if function else [(node.get("__module__"), node.get("__class__"))]
    if isinstance(content, dict):
        pairs += [(content.get("module_path"), content.get("function"))] if "module_path" in content else []
        if node.get("__loader__") == "TypeNode":
            pairs.append((content.get("__module__"), content.get("__class__")))
    for module, name in pairs:
        if module is not None or name is not None:
            yield str(module)[:200], str(name)[:200]


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _some(pattern: re.Pattern[str], text: str, part: PartReport, budget: Budget) -> Iterator[re.Match[str]]:
    """Yield the first matches, and doubt a file that has many more than any configurations."""
    for match in pattern.finditer(text):
        budget.names_left -= 1
        if budget.names_left < 0:
            _add(part.unknown, "names more to be called than a scan looks at")
            return
        yield match


def is_known(dotted: str) -> bool:
    """Return whether a dotted name is of a library whose classes a configuration may name."""
    return any(dotted == known or dotted.startswith(f"{known}.") for known in KNOWN_LIBRARIES)


def is_dangerous(dotted: str) -> bool:
    """Return whether a dotted name is one of what is known to be dangerous."""
    module, _, name = dotted.rpartition(".")
    standing = shipped().standing
    return dotted != _BUILDS and any(
        standing(canonical(*pair), GlobalRole.CALL) is AllowLevel.DANGEROUS for pair in ((module, name), (dotted, ""))
    )


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    code = int(digits, 16) if digits else 0
    return chr(code) if digits and code < 0x110000 else ""


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences and len(sentences) < _MOST:
        sentences.append(sentence)
