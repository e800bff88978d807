"""Names of models, as servers may take them: another way of writing one is no other model."""

from collections.abc import Iterable

from caponier.telemetry.body_keys import folded


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
        return self._folded.get(_plain(name), name)


def _plain(name: str) -> str:
    # A path may carry parameters behind a semicolon (RFC 3986, section 3.3), which some servers leave out.
    return folded("".join(letter for letter in name.partition(";")[0] if letter.isprintable()).strip(" ./"))
