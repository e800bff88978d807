"""TorchScript: a program in a language of torch's own, with operators and nothing else to call.

Its interpreter knows no files, processes or modules; what reaches out of the program is an operator. Which of torch's
own only compute is listed, by what each takes; two that take the name of a file are known. Operators and classes that
other libraries register are not known here. The code looks like Python, so it must be none that does something when
imported.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.formats.strict_yaml import shipped_yaml

_REACHING: Final = re.compile(r"\b(save|from_file)\b")
"""Operators that write a file, or map one; the words have no other use in a program that torch wrote."""
_CALLED: Final = re.compile(r"(?:torch|ops\s*\.\s*aten|aten\s*::)\s*\.?\s*(save|from_file)\b")
_OPERATOR: Final = re.compile(r"(?<![\w.])ops\s*\.\s*(\w+)\s*\.\s*(\w+)")
_ANY_OPERATOR: Final = re.compile(r"(?<![\w.])ops\b")
_IN_BYTECODE: Final = re.compile(rb"(.{4})([A-Za-z_]\w{0,99}::\w{1,100})", re.DOTALL)
_CLASSES: Final = re.compile(r"torch\s*\.\s*classes\s*\.\s*(\w+)")
_VISION: Final = "torchvision"
"""The home of operators of torch's vision library, which all compute; those that read pictures have another one."""
_OF_TORCH: Final = re.compile(r"(?<![\w.])torch\s*\.\s*(\w+)")
_TORCH_ROOMS: Final = frozenset({"classes", "jit"})
"""What a program names in torch beside operators: classes are judged by themselves."""
_TAKEN: Final = re.compile(r"(?<!\w)getattr\s*\(\s*([^()\"]*?)\s*,\s*\"((?:[^\"\\\n]|\\.)*)\"\s*\)")
_ANY_TAKEN: Final = re.compile(r"(?<!\w)getattr\b")
_BARE: Final = re.compile(
    r"(?<!\w)(?:torch|__torch__)\b(?!\s*\.\s*\w)(?!\s*,\s*\"\")|torch\s*\.\s*classes\b(?!\s*\.\s*\w)"
)
"""Names of a room without what is in there: whatever they are given to may be asked for anything."""
_METHOD: Final = re.compile(r"(?<=[\w)\]\"])\s*\.\s*(\w+)\s*\(")
_DEFINED: Final = re.compile(r"(?:^|\n)\s*(?:def|class) (\w+)")
_OBJECT_METHODS: Final = frozenset({"__call__", "__init__", "__new__", "forward"})
_ESCAPED: Final = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_PRIM: Final = re.compile(
    r"is_\w+|(?:Autograd|Broadcast)\w+|unchecked_\w+|NumToTensor|RaiseException|ModuleContainerIndex|StringIndex"
    r"|TupleIndex|TupleUnpack|EnumName|EnumValue|Uninitialized|Print|ConstantChunk|IfThenElse|VarConcat|VarStack"
    r"|abs|data|device|dtype|grad|id|index|itemsize|layout|max|min|name|nbytes|rangelist|requires_grad|shape|tolist|type"
)
_KNOWN_CLASSES: Final = frozenset({"quantized", "xnnpack", "sparse", "rnn", "mkldnn"})
_TEXT: Final = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_TYPE: Final = r"[\w.,\[\] ]+"
_OUTER: Final = re.compile(
    r"(?:class \w+\((?:Module|NamedTuple|Enum|Interface|ModuleInterface|Object|)\):|class \w+:|op_version_set = \d+"
    r"|import __torch__[\w.]*)"
)
_INNER: Final = re.compile(
    rf"(?:__\w+__ = \[[\w\", ]*\]|__annotations__(?:\[\"\"\])? = {_TYPE}|[\w]+ ?: {_TYPE}(?: = [\w.\[\]()\", +-]+)?"
    r"|[\w]+ = [\w.\[\]()\", +-]+|pass)"
)
_LETTERS: Final = re.compile(r"[ -\[\]-~\n]*")
"""No tabs, and no ends of lines but one kind: Python knows several."""
_CALL: Final = re.compile(r"[\w\])\"]\s*\(")
_STEP: Final = 2
_LONGEST: Final = 200


def read(text: str, budget: Budget, defined: Iterable[str] = ()) -> PartReport:
    """Judge the source of a program: what it reaches, and whether Python would run anything of it.

    Args:
        text: The source.
        budget: What is left of the file's limits.
        defined: The names that other sources of the same program define.
    """
    budget.look(6 * len(text))
    part = PartReport("torchscript")
    plain = _TEXT.sub('""', text)
    spelled = _ESCAPED.sub(_unescaped, text) if "\\" in text else text
    if called := _CALLED.search(plain):
        part.unsafe.append(f"is a TorchScript program that reads or writes files: {called[1]}")
    elif word := _REACHING.search(spelled):
        part.unknown.append(f"is a TorchScript program that may read or write files: {word[1]}")
    operators = _OPERATOR.findall(plain)
    if len(operators) < len(_ANY_OPERATOR.findall(plain)):
        part.unknown.append("is a TorchScript program that names operators in a way that is not read here")
    taken = _TAKEN.findall(text)
    if _BARE.search(plain):
        part.unknown.append("is a TorchScript program that names torch in a way that is not read here")
    if len(taken) < len(_ANY_TAKEN.findall(plain)) or any("torch" in of and of != "torch" for of, _ in taken):
        part.unknown.append("is a TorchScript program that takes attributes in a way that is not read here")
    named = {*_OF_TORCH.findall(plain), *(_ESCAPED.sub(_unescaped, name) for of, name in taken if of == "torch")}
    foreign = {f"{home}.{name}" for home, name in operators if not computes(home, name)}
    foreign |= {f"torch.{name}" for name in named - _TORCH_ROOMS if not computes("aten", name)}
    foreign |= {f"torch.classes.{home}" for home in _CLASSES.findall(text) if home not in _KNOWN_CLASSES}
    known = {*defined, *definitions(text)}
    foreign |= {
        f"a method {name}" for name in set(_METHOD.findall(_OPERATOR.sub("", plain))) if not _is_method(name, known)
    }
    # Of those two it has been said what they do.
    foreign = {name for name in foreign if _REACHING.fullmatch(re.split(r"[. ]", name)[-1]) is None}
    part.unknown += [f"is a TorchScript program that needs {name[:_LONGEST]}" for name in sorted(foreign)[:5]]
    if not _only_defines(plain):
        part.unknown.append("is no TorchScript as torch writes it: Python would run it")
    return part


def definitions(text: str) -> set[str]:
    """Return the names of the classes and functions that a source defines."""
    return set(_DEFINED.findall(text))


def _is_method(name: str, known: set[str]) -> bool:
    return name in known or name in _OBJECT_METHODS or computes("aten", name) or computes("prim", name)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 8) & 255) if match[1] else chr(int(match[2], 16)) if match[2] else match[3]


def read_bytecode(content: memoryview, budget: Budget) -> PartReport:
    """Judge the operators that a program for mobile devices names beside its source."""
    budget.look(len(content))
    part, names = PartReport("torchscript"), set[tuple[str, str]]()
    for match in _IN_BYTECODE.finditer(content):
        # The instruction before a text says how long it is; behind it another one follows, which may be a letter.
        length = int.from_bytes(match[1], "little")
        home, _, name = match[2][: length if length < len(match[2]) else None].decode().partition("::")
        names.add((home, name))
    for home, name in sorted(names):
        if home == "aten" and _REACHING.fullmatch(name):
            part.unsafe.append(f"is a TorchScript program that reads or writes files: {name}")
        elif not computes(home, name) and len(part.unknown) < 5:
            part.unknown.append(f"is a TorchScript program that needs {home}.{name}")
    return part


def computes(home: str, name: str) -> bool:
    """Return whether an operator is known to compute and to do nothing else."""
    if home == "prim":
        return _PRIM.fullmatch(name) is not None
    return home == _VISION or name in _listed().get(home, ())


@cache
def _listed() -> dict[str, frozenset[str]]:
    listed = shipped_yaml("caponier.detect.model_files.files", "torch_operators.yaml")
    return {home: frozenset(names) for home, names in listed.items()}


def _only_defines(plain: str) -> bool:
    """Return whether Python would only define classes and functions, whose heads call nothing."""
    if not _LETTERS.fullmatch(plain) or any(sign in plain for sign in ('"""', "'", ";")):
        return False
    in_head, in_body = False, 1 << 20
    for line in plain.split("\n"):
        bare = line.partition("#")[0].rstrip()
        indent, bare = len(bare) - len(bare.lstrip()), bare.strip()
        if in_head or (indent < in_body and bare.startswith("def ")):
            # A head's defaults and types are read where the function is defined.
            if bare.count("(") != (not in_head) or "lambda" in bare:
                return False
            in_body = in_body if in_head else indent + 1
            in_head = not bare.endswith(":")
        elif bare and indent < in_body:
            in_body = 1 << 20
            known = _OUTER if indent == 0 else _INNER if indent == _STEP else None
            if known is None or not known.fullmatch(bare) or (known is _INNER and not _is_quiet(bare)):
                return False
    return not in_head


def _is_quiet(line: str) -> bool:
    """Return whether a line of a class calls nothing, and ends where it seems to end."""
    return _CALL.search(line) is None and all(line.count(left) == line.count(right) for left, right in ("[]", "()"))


def is_source(name: str) -> bool:
    """Return whether a part of a program is source by its place: under `code`, and in `__torch__` there."""
    return re.search(r"(?:^|/)code/__torch__(?:/\w[\w/]*)?\.py\Z", name) is not None
