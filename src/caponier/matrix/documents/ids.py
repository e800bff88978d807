"""What ids of techniques and tactics look like, well formed and otherwise."""

import re
from enum import StrEnum
from typing import Final

ATLAS, ATTACK, FOUNDING, FIRST = "atlas", "attack", "amltm-2020", "2021"
"""The kinds of matrix; `2021` stands for the ids of MITRE's first data release (MLT0043, MLTA0000)."""

_TECHNIQUES: Final = {
    ATLAS: re.compile(r"AML\.T\d{4}(?:\.\d{3})?"),
    ATTACK: re.compile(r"T\d{4}(?:\.\d{3})?"),
    FOUNDING: re.compile(r"AMLTM\.[A-Z]+\.\d\d(?:\.(?:\d\d|V\d))?"),
    FIRST: re.compile(r"MLT\d{4}"),
}
_TACTICS: Final = {
    ATLAS: re.compile(r"AML\.TA\d{4}"),
    ATTACK: re.compile(r"TA\d{4}"),
    FOUNDING: re.compile(r"AMLTM\.[A-Z]+"),
    FIRST: re.compile(r"MLTA\d{4}"),
}
_OTHERS: Final = re.compile(r"AML\.(?:M|CS)\d{4}|[MSGC]\d{4}|DS\d{4}|DC\d{4}|DET\d{4}|AN\d{4}", re.IGNORECASE)

IN_TEXT: Final = re.compile(
    r"""(?<![\w.\-/])(?:
        (?i:AML[._ -]?TA?\d+)(?:[./]\d+)* | AMLTM\.[A-Z]+(?:\.(?:\d+|V\d+))* | MLTA?\d{4} | TA?\d{4}(?:\.\d+)?
    )(?!\w|\.\d)""",
    re.VERBOSE,
)
"""An id in running text, also one that is nearly right."""


class Role(StrEnum):
    """What an id stands for."""

    TECHNIQUE = "technique"
    TACTIC = "tactic"


class Spelling(StrEnum):
    """How a format writes an id."""

    PLAIN = "plain"
    SIGMA = "sigma"
    """A tag in small letters with its namespace: `attack.t1078`, `atlas.aml.t0012`, `amltm.exfil.03`."""
    PATH = "path"
    """The end of an ATT&CK address: `T1566/001`."""

    def write(self, id_: str) -> str:
        """Return the id as the format writes it."""
        if self is Spelling.SIGMA:
            namespace = {ATLAS: "atlas.", ATTACK: "attack."}.get(kind_of(id_) or "", "")
            return namespace + id_.lower()
        if self is Spelling.PATH and kind_of(id_) == ATTACK:
            return id_.replace(".", "/")
        return id_


def kind_of(id_: str) -> str | None:
    """Return which kind of matrix a well-formed id belongs to, or None if it is none."""
    for patterns in (_TECHNIQUES, _TACTICS):
        for kind, pattern in patterns.items():
            if pattern.fullmatch(id_):
                return kind
    return None


def kind_within(said: str, id_: str) -> str | None:
    """Return which matrix an id belongs to that stands where one of a matrix is due; None if it is malformed there.

    `T0043` in a layer or a tag of ATLAS has lost its `AML.`: it is no id of ATT&CK, whatever it looks like.
    """
    kind = kind_of(id_)
    return None if said == ATLAS and kind == ATTACK else kind


def role_of(id_: str) -> Role:
    """Tell a tactic's id from a technique's; what is malformed counts as a technique's."""
    return Role.TACTIC if any(pattern.fullmatch(id_) for pattern in _TACTICS.values()) else Role.TECHNIQUE


def is_other(id_: str) -> bool:
    """Tell whether it is the id of something else: a mitigation, a case study, software, a group."""
    return _OTHERS.fullmatch(id_) is not None


def canonical(written: str) -> str:
    """Return an id as the matrix writes it, as far as letters and separators go: `aml.t0043` is `AML.T0043`."""
    return written.strip().upper().replace("/", ".")


def looks_like_one(written: str) -> bool:
    """Tell whether a text is an id or nearly one."""
    return _NEARLY.fullmatch(written.strip()) is not None


def corrected(id_: str) -> str | None:
    """Return the well-formed id that was probably meant: AML.T43 is AML.T0043, T86 is T0086, T0043.2 is T0043.002."""
    match = _PARTS.fullmatch(id_.strip().upper())
    if match is None:
        return None
    prefix = "AML." if match[1] else ""
    number, below = match[3].lstrip("0") or "0", match[4]
    if len(number) > 4 or (below and len(below.lstrip("0")) > 3):
        return None
    return f"{prefix}{match[2]}{number.zfill(4)}" + (f".{(below.lstrip('0') or '0').zfill(3)}" if below else "")


def parent_of(id_: str) -> str | None:
    """Return the id above, by the id alone."""
    depth = {ATLAS: 2, ATTACK: 1, FOUNDING: 3}.get(kind_of(id_) or "", 0)
    parts = id_.split(".")
    return ".".join(parts[:-1]) if depth and len(parts) > depth else None


_PARTS: Final = re.compile(r"(AML[._ -]?)?(TA?)(\d{1,8})(?:[./](\d{1,8}))?")
_NEARLY: Final = re.compile(
    r"(?:AML[._ -]?)?TA?\d+(?:[./]\d+)*|AMLTM(?:\.[A-Z]+)?(?:\.(?:\d+|V\d+))*|MLTA?\d+", re.IGNORECASE
)
