"""Names of models, as servers may take them: another way of writing one is no other model."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from caponier.telemetry.body_keys import folded

MOST_DECODED: Final = 3
"""Times that a name is decoded once more: there are not many proxies one behind another."""
_BEHIND: Final = re.compile("[;:]")
_SLASH: Final = re.compile(r"[/\\]")


class ModelNames:
    """Tells which model a name means: one that is known by just that name, or else by another way of writing it.

    Servers on file systems and databases without case, behind proxies that decode once more, or that strip names,
    answer to all of them; a caller must not become unseen by it. Where the server knows no such name, it says so: 404.

    Args:
        known: Names of the models that are known.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._folded: dict[str, str] = {}
        for name in sorted(self._known):
            self._folded.setdefault(_plain(name), name)

    def __call__(self, name: str) -> str:
        """Return the name of the model that is meant; the name itself if it is like none that is known."""
        if name in self._known:
            return name
        return next((self._folded[way] for way in _ways(name) if way in self._folded), name)


def _ways(name: str) -> Iterator[str]:
    """Yield what a name may be to a server, as it is written and decoded once more, and again."""
    for _ in range(1 + MOST_DECODED):
        yield _plain(name)
        # A path may carry parameters behind a semicolon (RFC 3986, section 3.3), which some servers leave out, and
        # TorchServe takes what stands before the first colon.
        yield _plain(_BEHIND.split(name, 1)[0])
        if _SLASH.search(name):
            yield from _segments(name)
        decoded = unquote(name)
        if decoded == name:
            return
        name = decoded


def _segments(name: str) -> Iterator[str]:
    """Yield what a name leads to, where it is a part of a path itself once it is decoded: `other/../name`."""
    parts = [_BEHIND.split(part, 1)[0] for part in _SLASH.split(name)]
    for part in posixpath.normpath("/".join(["", *parts])).split("/"):
        yield _plain(part)


def _plain(name: str) -> str:
    return folded("".join(letter for letter in name if letter.isprintable()).strip(" ./"))
