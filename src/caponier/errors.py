"""One root error, which says what is wrong, where, and how to correct it.

The command line prints the three parts and ends with `exit_code`; nothing else in Caponier chooses exit codes.
"""


class CaponierError(Exception):
    """The root of every error that Caponier raises on purpose.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: The file, line, key or id at fault, if there is one.
        hint: What the user can do about it.
    """

    exit_code = 4

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what if self.where is None else f"{self.where}: {self.what}"]
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)


class InputError(CaponierError):
    """The request or its input is wrong; nothing was changed."""

    exit_code = 2


class MissingExtraError(CaponierError):
    """A part of Caponier needs an optional dependency that is not installed."""

    exit_code = 2
