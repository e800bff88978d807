"""What is wrong with a table of settings, in the words of the file that it stands in."""

from collections.abc import Iterable

from pydantic import ValidationError

from caponier.errors import InputError
from caponier.formats.suggest import did_you_mean, nearest

UNKNOWN = "extra_forbidden"


def refusal(wrong: ValidationError, known: Iterable[str], where: str) -> InputError:
    """Return the error for a table that pydantic refused.

    Unknown keys come before all else: a misspelt key is often why another one is missing.

    Args:
        wrong: What pydantic found.
        known: The keys that the table may have.
        where: File and section.
    """
    errors, known = wrong.errors(include_url=False), list(known)
    first = next((error for error in errors if error["type"] == UNKNOWN), errors[0])
    steps = [str(step) for step in first["loc"]]
    where = ".".join([where, *steps])
    if first["type"] != UNKNOWN:
        return InputError(first["msg"].removeprefix("Value error, "), where=where)
    hint = did_you_mean(nearest(steps[-1], known, 0.5), otherwise=f"Known here: {', '.join(known)}.")
    return InputError("unknown key", where=where, hint=hint)
