"""Names by which a column of names or of tactics is told from others, whatever version it is of."""

import html
import re
from functools import cache
from typing import Final

from caponier.matrix import attack
from caponier.matrix.versions import catalogue

_MARKUP: Final = re.compile(r"[*`_\\]")


def folded(name: str) -> str:
    """Return a name as it is compared: without case, markup and doubled spaces."""
    return " ".join(_MARKUP.sub(" ", html.unescape(name)).split()).casefold()


def short(tactic: str) -> str:
    """Return the short name of a tactic, as layers and Sigma tags write it: `Initial Access` is `initial-access`."""
    return "-".join(folded(tactic).replace("-", " ").split())


@cache
def technique_names() -> frozenset[str]:
    """Return the folded names of all techniques of all versions that ship."""
    shipped = {t.name for version in catalogue.versions() for t in catalogue.load(version).techniques}
    return frozenset(map(folded, shipped | set(attack.names().values())))


@cache
def tactic_words() -> frozenset[str]:
    """Return the short names and the folded ids of all tactics of all versions that ship."""
    tactics = [tactic for version in catalogue.versions() for tactic in catalogue.load(version).tactics]
    return frozenset(word for tactic in tactics for word in (short(tactic.name), tactic.id.casefold()))


def is_technique_name(text: str) -> bool:
    """Tell whether a text is the name of a technique; names that said ML before 2025 count too."""
    name = folded(text)
    return name in technique_names() or name.replace("ml ", "ai ") in technique_names()


def is_tactic(text: str) -> bool:
    """Tell whether a text is a tactic: its id, its name or its short name."""
    return short(text) in tactic_words() or text.strip().casefold() in tactic_words()
