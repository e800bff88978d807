"""Functions that a configuration has called by the name under which a library registered them, as spaCy and thinc do.

`@architectures = "spacy.Tagger.v2"` calls that function with what else stands in its section, while a pipeline is
loaded, wherever the section is. What is spaCy's and thinc's own only builds, except for two kinds: a logger opens the
file that it is given, and a callback may load another pipeline. Any other name is a function of somebody else's.
"""

import re
from typing import Final

from caponier.formats.strict_yaml import shipped_yaml

_VALUE: Final = r"\"[^\"\n]*\"|'[^'\n]*'|[^\s,}]+"
_ENTRY: Final = re.compile(
    r"^[ \t]*\[(?P<section>[^\n]+)\]"
    rf"|(?:^[ \t]*@|(?P<quote>\")@)(?P<kind>[A-Za-z]\w{{1,40}})(?(quote)\")[ \t]*[:=]\s*(?P<name>{_VALUE})"
    rf"|^[ \t]*(?P<key>factory|output_file)[ \t]*[:=]\s*(?P<value>{_VALUE})"
    rf"|[\"'](?P<inner>factory|output_file)[\"'][ \t]*:\s*(?P<held>{_VALUE})",
    re.MULTILINE,
)
_HEADING: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_NOTHING: Final = "null"
_LOGGERS, _CALLBACKS, _LOGS = "loggers", "callbacks", "training.logger"
_KNOWN_LOGGERS: Final = re.compile(r"spacy(?:-legacy)?\.\w{1,40}\.v\d{1,2}")
_KNOWN_CALLBACKS: Final = frozenset({"spacy.models_and_pipes_with_nvtx_range.v1", "spacy.models_with_nvtx_range.v1"})
_SPACY: Final = re.compile(
    r"(?:spacy(?:-legacy|-transformers|-curated-transformers)?(?:\.[A-Za-z]\w{0,60}){1,2}(?:\.v\d{1,2})?"
    r"|srsly\.read_\w{1,20}\.v\d)"
)
_OF_THINC: Final = re.compile(r"(\w{1,60})\.v\d{1,2}")
_NAMES: Final = shipped_yaml("caponier.detect.model_files.files.texts", "registered_names.yaml")
_THINC: Final = frozenset(_NAMES["thinc"])
_COMPONENTS: Final = frozenset(_NAMES["components"])
_MOST: Final = 5


def in_text(text: str) -> list[str]:
    """Return what a configuration of spaCy's would have called that is not known only to build."""
    found: dict[str, None] = {}
    section = ""
    for entry in _ENTRY.finditer(text) if _HEADING.search(text) else ():
        if (heading := entry["section"]) is not None:
            section = heading.strip()
            continue
        if not section:
            continue
        if entry["kind"] is not None:
            reason = _called(entry["kind"], _plain(entry["name"]), section)
        else:
            key, value = entry["key"] or entry["inner"], _plain(entry["value"] or entry["held"])
            reason = _set(key, value, section, logs=_LOGGERS in text)
        if reason is not None:
            found[reason] = None
    return list(found)[:_MOST]


def _plain(value: str) -> str:
    return value.strip("\"'")


def _called(kind: str, name: str, section: str) -> str | None:
    """Return what is wrong with a function that is called by its registered name."""
    if kind == _LOGGERS:
        known = _KNOWN_LOGGERS.fullmatch(name) is not None
        return None if known and section == _LOGS else "has spaCy make a logger, which may write files, as it loads"
    if kind == _CALLBACKS:
        known = name in _KNOWN_CALLBACKS
    else:
        thinc = _OF_THINC.fullmatch(name)
        known = _SPACY.fullmatch(name) is not None or (thinc is not None and thinc[1] in _THINC)
    return None if known else f"has spaCy call {name[:100]}, which is registered by nobody known here ({kind})"


def _set(key: str, value: str, section: str, *, logs: bool) -> str | None:
    """Return what is wrong with a component's factory, or the file of a logger."""
    if key == "output_file":
        return "has spaCy write a log to a file that it names" if logs and value != _NOTHING else None
    if not section.startswith("components.") or value in _COMPONENTS:
        return None
    return f"has spaCy make a component of somebody else's: {value[:100]}"
