"""Text beside a model: JSON, YAML, and everything else that is no program."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final
from urllib.parse import unquote

from caponier.detect.model_files.files import configurations, documents, keras, programs, templates
from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.files.texts import (
    commands,
    expressions,
    languages,
    registries,
    relaxed,
    requirements,
    vectors,
    yaml_values,
)
from caponier.detect.model_files.pickles import carried

_SAMPLE: Final = 1 << 16
_MOST_NODES: Final = 1_000_000
_MOST_VALUES: Final = 4_000_000
"""A list takes eighty bytes, a short text sixty: what is read of a JSON document stays below 400 megabytes."""
_HARMLESS_TAGS: Final = frozenset(
    {"bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple", "unicode"}
)
_TAG: Final = re.compile(r"(?:!!|tag:yaml\.org,2002:)python/([\w/]+)(?::([\w.]+))?")
_HANDLE: Final = re.compile("%TAG(?<![^\n\r\x85\u2028\u2029\ufeff]%TAG)[ \t]")
"""A directive that gives tags other names; YAML knows five ways to end the line before it."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BLANK: Final = ord(" ")
WITHOUT_SIGNS: Final = bytes(code if code >= _BLANK or code in b"\t\n\r" else _BLANK for code in range(256))
"""A table by which bytes lose the signs that no text has: a shell passes over them."""
_EVALUATED: Final = re.compile(
    r"\$\{[ \t]{0,9}(?:call|compute|eval|exec|import|lambda|py|python)[ \t]{0,9}:"
    r"|[:\[,=-][ \t]{0,9}[\"']?(?:__import__|eval|exec|execfile|compile|os\.(?:system|popen|exec\w*|spawn\w*)"
    r"|subprocess\.\w{1,20}|pty\.spawn|runpy\.\w{1,20}|builtins\.\w{1,20})[ \t]{0,9}\([^\n]{1,2000}\)"
    r"|^[ \t]*(?:-[ \t]+)?(?:[\"']?[\w.-]{1,80}[\"']?[ \t]{0,9}:[ \t]|\[)(?:[^\n]{0,400}[\[, \t\"'])?"
    r"(?:open|globals|getattr|setattr|os\.\w{1,20}|shutil\.\w{1,20}|importlib\.\w{1,20}|(?:pathlib\.)?Path"
    r"|torch\.(?:load|save|hub\.\w{1,20})|(?:joblib|pickle|dill)\.\w{1,20})\([^\n]{0,2000}\)"
    r"|__(?:class|base|bases|mro|subclasses|globals|builtins|init_subclass|getattribute|loader)__[ \t]{0,9}[.(\[]",
    re.MULTILINE,
)
"""Resolvers of OmegaConf by the names that people give them, and values that are calls: of YOLO's layers, for one."""
_EVALUATES: Final = "holds what some loaders evaluate as code"
_SHELL: Final = re.compile(
    # What goes on to a shell or is evaluated by one; prose shows such lines behind a prompt or between back-quotes.
    r"^(?![ \t]*[$>`|])[^\n`]{1,400}\|[ \t]{0,9}(?:sudo[ \t]{1,9})?(?:/\S{1,40}/)?"
    r"(?:ba|da|z|k|c)?sh(?:[ \t][^\n|]{0,200})?\r?$"
    r"|^[ \t]{0,40}(?:@?echo[ \t]+off\b|eval[ \t]+[\"']?\$\(|exec[ \t]+\d?[<>]|rm[ \t]+-[rf]{1,2}[ \t]|chmod[ \t]+[+\d]"
    r"|(?:ba|da|z|k|c)?sh[ \t]+-i?c[ \t]|set[ \t]+-[eux]{1,3}(?:\s|$)|nohup[ \t]+\S)"
    r"|^[ \t]{0,40}(?:IEX|Invoke-Expression|Start-Process|powershell(?:\.exe)?[ \t]+-)\b"
    r"|\bNew-Object[ \t]+(?:System\.)?Net\.WebClient|\[scriptblock\]::|\|[ \t]{0,9}(?:iex|Invoke-Expression)\b"
    r"|\bCreateObject\([\"']W?Script(?:ing)?\.",
    re.MULTILINE | re.IGNORECASE,
)
_OTHERS: Final = {
    "is R's own form of objects, which R may run": (re.compile(r"\A(?:RD[AX][23]\n)?A\n[23]\n"),),
    "is Torch7's own form of objects, which may be functions": (re.compile(r"\A\d{1,9}\n\d{1,9}\n\d{1,9}\nV \d"),),
    "is a graph of TensorFlow, whose operators may write files": (
        re.compile(r"op(?<!\wop)\s{0,20}:\s{0,20}[\"']"),
        re.compile(r"\b(?:node|node_def|meta_graphs|graph_def)\s{0,20}:?\s{0,20}[{<]"),
    ),
    "has Caffe import a layer of Python": (re.compile(r"python_param(?<!\wpython_param)\s{0,20}:?\s{0,20}[{<]"),),
    "is XML from which Java makes objects": (
        re.compile(
            r"java\.beans\.XMLDecoder|<object\s[^>]{0,200}\bclass\s{0,9}="
            r"|<(?:java|javax|sun|com\.sun)\.[\w.$-]|<dynamic-proxy[\s>/]"
        ),
    ),
    "has Triton run what lies beside it": (
        re.compile(
            r"^[ \t]{0,40}(?:backend|platform)[ \t]{0,9}:?[ \t]{0,9}[\"'](?:python[\"']|[^\"'\n]{0,200}[/\\])",
            re.MULTILINE,
        ),
    ),
    "has pip run what lies beside it": (re.compile(r"^[ \t]{0,40}backend-path[ \t]{0,9}=", re.MULTILINE),),
    "has BentoML import what it names": (
        re.compile(r"^service[ \t]{0,9}:[ \t]{0,9}[\"']?[\w./-]{1,200}:\w", re.MULTILINE),
    ),
    _EVALUATES: (_EVALUATED,),
    "is XML that reads other files": (
        re.compile(
            r"<!ENTITY|w3\.org/2001/XInclude|<\?xml-stylesheet\b"
            r"|<!DOCTYPE\s[^<>\[]{1,400}?(?:SYSTEM\s{1,9}|PUBLIC\s{1,9}[\"'][^\"']{0,400}[\"']\s{1,9})[\"']"
            r"(?!https?://(?:www\.)?(?:w3\.org|apple\.com|dmg\.org)/)[^\"']"
        ),
    ),
    "is XML in letters that are not read here": (
        re.compile(
            r"\A\s{0,99}<\?xml[^>]{0,400}encoding\s{0,9}=\s{0,9}[\"'](?!(?:utf-?8|us-ascii|ascii|iso-8859-1|latin-?1|windows-1252)[\"'])",
            re.IGNORECASE,
        ),
    ),
    "has OpenVINO call a layer of somebody else's": (
        re.compile(r"<net\s"),
        re.compile(r"<layer\s[^<>]{0,400}\bversion\s{0,9}=\s{0,9}[\"'](?!opset\d|experimental[\"'])"),
    ),
    "has jsonpickle make objects": (
        re.compile(r"[\"']py/(?:object|reduce|type|function|repr|newargs|state|initargs)"),
    ),
    "has PMML call a class of Java's": (
        re.compile(r"<PMML\b"),
        re.compile(r"function\s{0,20}=\s{0,20}[\"'][a-zA-Z_]\w{0,99}(?:\.\w{1,100}){1,20}[\"']"),
    ),
    "is a recipe of an image, whose commands are run": (
        re.compile(r"^[ \t]*FROM[ \t]+\S", re.MULTILINE | re.IGNORECASE),
        re.compile(r"^[ \t]*(?:RUN|CMD|ENTRYPOINT)[ \t]+\S", re.MULTILINE | re.IGNORECASE),
    ),
    "is a recipe of make, whose commands are run": (
        # Trees as XGBoost prints them look like it, were their commands not numbers.
        re.compile(
            r"^[\w.%/-]{1,100}[ \t]{0,9}:(?![=:])[^\n]{0,400}\n\t[ \t]*(?!\d+:(?:leaf=|\[))\S"
            r"|^[\w.%/-]{1,100}[ \t]{0,9}::?[ \t]{0,9};[ \t]{0,9}\S"
            rf"|^[\w.%/-]{{1,100}}[ \t]{{0,9}}::?[\w./% \t-]{{0,200}};[ \t]{{0,9}}[@+-]{{0,3}}"
            rf"(?:{languages.SHELLS})[ \t]+{languages.PATH}"
            r"|^\.RECIPEPREFIX[ \t]{0,9}[:?+]{0,3}=",
            re.MULTILINE,
        ),
    ),
    "names containers or services that are run": (
        re.compile(
            r"^[ \t]{0,9}(?:services|jobs|kind"
            r"|\[(?:Service|Socket|Desktop (?:Entry|Action [^\]\n]{1,80})|D-BUS Service)\])"
            r"(?:[ \t]{0,9}:|[ \t]*\r?$)",
            re.MULTILINE,
        ),
        re.compile(
            r"^[ \t-]{1,40}(?:image|build|command|entrypoint|run|containers)[ \t]{0,9}:"
            r"|^[ \t]{0,9}(?:Try)?Exec\w{0,20}[ \t]{0,9}=",
            re.MULTILINE,
        ),
    ),
    "is a program for a web server or a browser": (
        re.compile(
            r"<\?(?:php\b|=)|<script[\s>]|<[a-z][\w:-]{0,40}\s[^<>]{0,400}(?<=\s)on[a-z]{4,20}\s{0,9}=\s{0,9}(?:[\"']|\w+\()"
            r"|\b(?:href|src|action|data)\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:javascript|vbscript):"
            r"|\b(?:href|src|action|data|srcdoc|values|to)\s{0,9}=\s{0,9}[\"']?[^\"'<>\s:/?]{0,40}&(?:#|tab;|newline;|colon;|lt;)"
            r"|<iframe\s[^<>]{0,400}\bsrcdoc\b|<(?:object|embed|applet)\s+[a-z][\w:-]{0,40}\s{0,9}=",
            re.IGNORECASE,
        ),
    ),
    "is a program in Lua, R or the like: it is run, not loaded": (
        re.compile(
            r"\b(?:os\.execute|io\.popen|loadstring)[ \t]{0,9}\(|\b(?:system2?|popen|shell_exec)[ \t]{0,9}\([\"']"
        ),
    ),
    "has conda fetch packages from a place that it names itself": (
        re.compile(r"^(?:build_)?dependencies[ \t]*:", re.MULTILINE),
        re.compile(
            r"^[ \t]*-[ \t]+[\"']?(?:https?|file)://\S{1,400}\.(?:whl|zip|egg|conda|tar\.\w{2,4}|tgz)\b", re.MULTILINE
        ),
    ),
    "is a recipe of commands, which are run": (
        re.compile(r"^(?:stages|entry_points):", re.MULTILINE),
        re.compile(r"^[ \t]{1,40}(?:cmd|command):", re.MULTILINE),
    ),
}
"""Texts of other programs that run code, or write files, for whoever loads them."""
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_SPELLED: Final = 16
"""How many times a text counts that is searched for names once more."""
_VALUE: Final = re.compile(r"\S")
_BREAK: Final = re.compile("[\r\f\x85\u2028\u2029]")
"""What ends a line for some readers and for others does not."""
_AGAIN: Final = 22
"""How many times a text counts that is judged with other ends of its lines."""


def decode(content: memoryview, longest: int) -> str | None:
    """Return content as text; None if it is no text, or longer than a scan reads."""
    if len(content) > longest or b"\0" in bytes(content[:_SAMPLE]):
        return None
    try:
        text = bytes(content).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    # What holds other control characters is bytes of a format that is not known here, however readable it is.
    return None if _CONTROL.search(text) else text


def read(text: str, budget: Budget) -> PartReport:
    """Judge a text."""
    if vectors.are_vectors(text):
        return PartReport("word vectors")
    if text.lstrip()[:1] in ("{", "["):
        if text.count("[") + text.count("{") > _MOST_NODES or text.count(",") > _MOST_VALUES:
            return PartReport("json", unknown=["has more values than a scan reads"])
        try:
            twice: list[str] = []
            part = _json(json.loads(text, object_pairs_hook=lambda pairs: once(pairs, twice)), text, budget)
            part.unknown += [f"has a key twice, and readers differ in which one counts: {key[:100]!r}" for key in twice]
            return part
        except RecursionError:
            # Another reader may go deeper than this one.
            return PartReport("json", unknown=["is nested more deeply than a scan reads"])
        except ValueError:
            # Readers that stop behind the first value, or go line by line, take what stands behind for nothing.
            part = _plain(text, budget)
            for document in _values(text):
                _join(part, _document(document, budget))
            part.unsafe, part.unknown = list(dict.fromkeys(part.unsafe)), list(dict.fromkeys(part.unknown))
            return part
    return _plain(text, budget)


def _values(text: str) -> Iterator[Any]:
    """Yield the values of JSON that a text begins with."""
    at, decoder = 0, json.JSONDecoder()
    with suppress(ValueError, RecursionError):
        while (start := _VALUE.search(text, at)) is not None:
            document, at = decoder.raw_decode(text, start.start())
            yield document


def once(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """Return a dictionary, and keep the first key that is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs) and not twice:
        seen = set[str]()
        twice += [key for key, _ in pairs if key in seen or seen.add(key)][:1]  # type: ignore[func-returns-value]
    return found


def _json(document: Any, text: str, budget: Budget) -> PartReport:
    """Judge a text that is one document."""
    part = _document(document, budget)
    _join(part, configurations.read(text, budget))
    if _EVALUATED.search(text):
        part.unknown.append(_EVALUATES)
    part.unknown += commands.in_text(text, budget, json=True)
    part.unsafe, part.unknown = list(dict.fromkeys(part.unsafe)), list(dict.fromkeys(part.unknown))
    return part


def _document(document: Any, budget: Budget) -> PartReport:
    """Judge a document, in whatever form it was written, in every way that some loader reads it.

    What is a layer for one may be a call for another.
    """
    first = keras.read_config(document) or configurations.read_skops(document)
    part = first or PartReport("json")
    if first is not None and (skops := configurations.read_skops(document)) is not None and skops is not first:
        _join(part, skops)
    if isinstance(document, dict) and "nbformat" in document and ("cells" in document or "worksheets" in document):
        part.unknown.append("is a notebook: it is run, not loaded")
    for template in _templates(document):
        templates.judge(template, part, budget)
    _join(part, documents.read(document))
    carries(documents.held(document), budget, part)
    part.members = documents.pickles(document, budget)
    return part


def _join(part: PartReport, other: PartReport) -> None:
    part.unsafe += other.unsafe
    part.unknown += other.unknown
    if other.members is not None:
        part.members = chain(part.members or (), other.members)


def _templates(document: Any) -> Iterator[str]:
    """Yield every text in a document that may be a template: of chats, of prompts, of processors."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            template = node.get("chat_template")
            if isinstance(template, str) and "{%" not in template and "{{" in template:
                # Known to be one, even if it has no statement.
                yield template + "{% if true %}{% endif %}"
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, str) and ("{{" in node or "{%" in node):
            yield node


def _other_programs(text: str, budget: Budget) -> list[str]:
    """Say what a text is that is no Python, if something else than a loader would run it."""
    found = [reason for reason, signs in _OTHERS.items() if all(sign.search(text) for sign in signs)]
    plain = languages.unfenced(text)
    if _SHELL.search(plain):
        found.append("is a program of a shell: it is run, not loaded")
    found += commands.in_text(text, budget)
    found += requirements.in_text(text, budget)
    found += registries.in_text(plain)
    if expressions.in_text(plain, budget):
        found.append(_EVALUATES)
    if not found and (language := languages.language(text, budget)) is not None:
        found.append(f"reads like a program, in {language} or the like: it is run, not loaded")
    return found


def _plain(text: str, budget: Budget) -> PartReport:
    part = PartReport("text")
    carries(carried.in_text(text), budget, part)
    even = text.replace("\r\n", "\n")
    _lines(even, part, budget)
    if _BREAK.search(even):
        budget.look(_AGAIN * len(even))
        _lines(_BREAK.sub("\n", even), part, budget)
    if "{{" in text or "{%" in text:
        templates.judge(text, part, budget)
    _yaml(text, part, budget)
    part.unsafe, part.unknown = list(dict.fromkeys(part.unsafe))[:5], list(dict.fromkeys(part.unknown))
    return part


def _lines(text: str, part: PartReport, budget: Budget) -> None:
    """Judge a text by its lines."""
    # The letters of a tag may be written as in an address, %70 for p.
    for match in _TAG.finditer(unquote(text) if "!" in text and _ESCAPED.search(text) else text):
        kind, target = match[1], match[2]
        if kind not in _HARMLESS_TAGS:
            part.kind = "yaml"
            part.unsafe.append(f"has YAML make a Python object: {kind}{f' {target}' if target else ''}")
    if _HANDLE.search(text):
        part.kind = "yaml"
        part.unknown.append("gives YAML tags other names, so what they make is not known")
    named = configurations.read(text, budget)
    if named.unsafe or named.unknown:
        part.kind = "yaml"
        part.unsafe += named.unsafe
        part.unknown += named.unknown
    if (program := programs.problem(text, budget)) is not None:
        # What else it looks like is beside the point, and would hide it among other reasons.
        part.unknown.insert(0, program)
    else:
        part.unknown += _other_programs(text, budget)


def _yaml(text: str, part: PartReport, budget: Budget) -> None:
    """Judge a text by its values, and by its values spelled plainly, if it is YAML, TOML, or JSON of a looser form."""
    found = [*yaml_values.read(text, budget), *relaxed.read(text, budget)]
    if not found:
        return
    for document in found:
        _join(part, _document(document, budget))
    plain = yaml_values.spelled(found)
    budget.look(_SPELLED * len(plain))
    _join(part, configurations.read(plain, budget))
    part.unknown += commands.in_text(plain, budget)
