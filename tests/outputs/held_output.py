"""Whole outputs, held in files: whoever rewords a message renews a file and touches no test.

What differs from run to run or from machine to machine is masked, so that the files hold words: moments of today, ids,
fractions, and the folder that the commands ran in.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "held"
_IDS: Final = re.compile(r"\b(f|i|a|e|s)-[0-9a-f]{12,24}\b")
_FRACTION: Final = re.compile(r"(?<![\w./-])\d+\.\d+(?![\w.]\d|\w)")
_MOMENT: Final = re.compile(r"\b(\d{4})-\d\d-\d\d \d\d:\d\d:\d\dZ")
_DIGEST: Final = re.compile(r"\b[0-9a-f]{40,64}\b")
_SOURCE: Final = 2026, 1
"""Year and month of what the stage's logs hold: such moments stay."""


@dataclass(frozen=True)
class HeldOutputs:
    """The files, and whether they are written anew instead of compared."""

    renew: bool

    def check(self, name: str, text: str, home: Path | None = None) -> None:
        """Compare an output with the file that holds it, or renew the file.

        Args:
            name: Of the file, without its ending.
            text: The output.
            home: The folder that the command ran in.

        Raises:
            AssertionError: If the output is another than the one held.
        """
        path, said = FOLDER / f"{name}.txt", masked(text, home)
        if self.renew:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(said, encoding="utf-8")
        held = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert said == held, (
            f"{path.name} holds another output; if this one is meant: scripts/test tests/outputs --renew"
        )


def masked(text: str, home: Path | None = None) -> str:
    """Return an output without what differs from run to run."""
    text = text.replace(str(home), "HOME") if home else text
    text = _MOMENT.sub(_moment, text)
    text = _DIGEST.sub("DIGEST", _IDS.sub(r"\1-ID", text))
    text = _FRACTION.sub("N.N", text)
    # Columns are as wide as what was masked: their blanks say nothing.
    lines = (re.sub(r"(?<=\S) {2,}(?=\S)|^ {5,}(?=\S)", "  ", line.rstrip()) for line in text.splitlines())
    return "\n".join(lines) + "\n"


def _moment(found: re.Match[str]) -> str:
    now = datetime.now(UTC)
    return found[0] if int(found[1]) < now.year or found[0].startswith("{}-{:02}".format(*_SOURCE)) else "NOW"
