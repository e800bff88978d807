"""Keys that have no place in a contribution, and why: the matrix ranks no risks and advises no defence."""

import re
from typing import Final

_REASONS: Final = (
    (
        r"severit|scor|cvss|epss|risk|priorit|rank|rating|criticality|likelihood|probabilit|weight|danger|urgen"
        r"|exploitab|threatlevel",
        "the matrix ranks no risks: how bad something is depends on the system that it happens to",
        "Take it out; 'caponier coverage' weighs techniques for your own systems.",
    ),
    (
        r"mitigat|counter|remed|defen[cs]|protect|harden|detect|respon[sd]|control|recommend|advice|fix|patch|workaround"
        r"|prevent|safeguard|d3fend",
        "the matrix holds knowledge about attackers and advises no defence",
        "Take it out; defences live in 'caponier coverage', 'caponier respond' and 'caponier remediate'.",
    ),
    (
        r"grade|founding|seen|v1|maturity",
        "an entry's grade follows from its evidence, and the founding mark belongs to the list of October 2020 alone",
        "Take it out, and name a source under evidence.",
    ),
)


def refusal(key: str) -> tuple[str, str] | None:
    """Say why a key has no place and what to do instead, or return None if it is just unknown."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", " ", key).casefold().split()
    for stems, what, hint in _REASONS:
        if any(re.match(stems, word) for word in (*words, "".join(words))):
            return what, hint
    return None
