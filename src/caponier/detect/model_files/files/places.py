"""Where the parts of an archive land when somebody unpacks it, and which parts are programs by their name."""

import re
from collections.abc import Iterator
from typing import Final

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_CODE: Final = (
    ".py", ".pyc", ".pyo", ".pyw", ".pyd", ".pth", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".cmd", ".ps1",
)  # fmt: skip


class Places:
    """The names of an archive's parts, one after the other."""

    def __init__(self) -> None:
        self._links: set[str] = set()

    def part(self, name: str) -> tuple[str | None, str | None]:
        """Take the name of a part, and say what is harmful about it and what is doubtful."""
        plain = name.replace("\\", "/")
        if _leaves(plain):
            return f"is unpacked to {name!r}, outside of its folder", None
        if any(prefix in self._links for prefix in _prefixes(plain)):
            return None, "is unpacked by way of a link, to a place that is not certain"
        return None, None

    def link(self, name: str, target: str, *, hard: bool = False) -> tuple[str | None, str | None]:
        """Take a link, and say what is harmful about it and what is doubtful."""
        harm, doubt = self.part(name)
        plain, aim = name.replace("\\", "/"), target.replace("\\", "/")
        way = aim if hard or aim.startswith("/") else f"{plain.rpartition('/')[0]}/{aim}".lstrip("/")
        if harm is None and _leaves(way):
            harm = f"is a link to {target!r}, outside of its folder"
        if ".." in aim.split("/") and any(prefix in self._links for prefix in (*_prefixes(way), _plain(way))):
            # What lies above a link is above the place that it leads to.
            doubt = doubt or "is a link by way of another link, to a place that is not certain"
        self._links.add(_plain(plain))
        return harm, doubt


def is_code(name: str) -> bool:
    """Return whether a part is code by its name: an archive that holds one may be run, or imported from."""
    last = name.rpartition("/")[2].lower()
    return last.endswith(_CODE) or last.partition(".")[0] == "__main__"


def _leaves(path: str) -> bool:
    if path.startswith("/") or _DRIVE.match(path):
        return True
    depth = 0
    for room in path.split("/"):
        depth += (room not in ("", ".")) - 2 * (room == "..")
        if depth < 0:
            return True
    return False


def _plain(path: str) -> str:
    rooms: list[str] = []
    for room in path.split("/"):
        if room == "..":
            del rooms[-1:]
        elif room not in ("", "."):
            rooms.append(room)
    return "/".join(rooms)


def _prefixes(path: str) -> Iterator[str]:
    """Yield every folder on the way to a path; of absurdly deep ones the first hundred."""
    rooms = path.split("/", _DEEPEST)
    for end in range(1, len(rooms)):
        yield _plain("/".join(rooms[:end]))


_DEEPEST: Final = 100
