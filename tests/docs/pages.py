"""The pages that people read, and the commands in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = tuple(
    sorted(
        page
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        if page.parent.name != "techniques" and page.name != "CHANGELOG.md"
    )
)
"""All but what is generated for each technique."""
_CONSOLE: Final = re.compile(r"^```(?:console|sh|shell|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_REST: Final = re.compile(r"\s&&\s|\s\|\s")
_FROM_FILE: Final = re.compile(r"\s+<\s+(\S+)$")


@dataclass(frozen=True)
class Command:
    """One command of a page, as its words."""

    page: Path
    text: str
    """As it stands there, in one line and without a comment."""

    @property
    def words(self) -> list[str]:
        """Program and arguments; what a shell makes of quotes is made."""
        return shlex.split(_FROM_FILE.sub("", self.text))

    @property
    def stdin(self) -> str | None:
        """The file that is its standard input."""
        found = _FROM_FILE.search(self.text)
        return found[1] if found else None

    @property
    def parts(self) -> "list[Command]":
        """The commands that `&&` and `|` join."""
        return [Command(self.page, part) for part in _REST.split(self.text)]

    @property
    def is_ours(self) -> bool:
        """Whether it calls the program."""
        return self.words[:1] == ["caponier"]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text}"


def commands(page: Path) -> list[Command]:
    """Return what a page has its readers type, line by line; a line that ends in a backslash goes on."""
    found = []
    for block in _CONSOLE.findall(page.read_text(encoding="utf-8")):
        whole = re.sub(r"\\\n>?\s*", " ", block)
        for line in re.findall(r"^\$ (.+)$", whole, re.MULTILINE):
            text = re.sub(r"\s+#\s.*$", "", line).strip()
            found.append(Command(page, text))
    return found


def ours(page: Path) -> list[Command]:
    """Return the commands of a page that call the program, those behind `&&`, too."""
    return [part for one in commands(page) if "<<" not in one.text for part in one.parts if part.is_ours]
