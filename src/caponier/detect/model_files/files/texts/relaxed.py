"""Documents of TOML, and of JSON with comments, which most readers of JSON refuse and some programs write.

Editors, TypeScript, Babel and many tools read JSON with comments and commas that end nothing, some with bare keys and
other quotes. What is left without the comments is JSON, or YAML in its flow form.
"""

import json
import re
import tomllib
from contextlib import suppress
from typing import Any, Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.texts import yaml_values

_OUTSIDE: Final = re.compile(
    r"(?P<kept>\"(?:[^\"\\\n]|\\[^\n])*\"?|'(?:[^'\\\n]|\\[^\n])*'?)"
    r"|//[^\n]*|/\*.*?(?:\*/|\Z)|(?P<comma>,)(?=\s*[}\]])",
    re.DOTALL,
)
"""Comments, and commas that end nothing; what is open goes on to the end, so that no letter is looked at twice."""
_TABLE: Final = re.compile(
    r"^[ \t]*(?:\[{1,2}[^\]\n]{1,200}\]|[\w.\"'-]{1,200}[ \t]*=[ \t]*[\"'\[{\dtf+-])", re.MULTILINE
)
_LONGEST: Final = 1 << 18
_READING: Final = 100
"""How many times a text counts that is read as TOML."""


def read(text: str, budget: Budget) -> list[Any]:
    """Return the documents that a text is for looser readers of JSON, or for readers of TOML.

    Raises:
        TooMuchError: If there is more in it than a scan reads.
    """
    return [*_toml(text, budget), *_json(text, budget)]


def _toml(text: str, budget: Budget) -> list[Any]:
    if len(text) > _LONGEST or _TABLE.search(text) is None:
        return []
    budget.look(_READING * len(text))
    with suppress(ValueError, RecursionError):
        return [tomllib.loads(text)]
    return []


def _json(text: str, budget: Budget) -> list[Any]:
    """Read what is a document without its comments, and was none before."""
    if "{" not in text and "[" not in text:
        return []
    plain = _OUTSIDE.sub(_kept, text)
    if plain == text or plain.lstrip()[:1] not in ("{", "["):
        return []
    with suppress(ValueError, RecursionError):
        return [json.loads(plain)]
    return yaml_values.read(plain, budget)


def _kept(match: re.Match[str]) -> str:
    return match["kept"] or " "
