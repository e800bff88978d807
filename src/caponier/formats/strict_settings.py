"""What is wrong with a table of settings, in the words of the file that it stands in."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from caponier.errors import InputError
from caponier.formats.suggest import did_you_mean, nearest

UNKNOWN = "extra_forbidden"
S = TypeVar("S", bound=BaseModel)


def checked(form: type[S], table: Mapping[str, Any], where: str) -> S:
    """Check a table of settings.

    Args:
        form: What it must be like.
        table: As it stands in the file.
        where: File and section, for messages.

    Raises:
        InputError: If a key is unknown, with the nearest known one, or a value cannot be meant.
    """
    try:
        return form.model_validate(table)
    except ValidationError as wrong:
        raise _refusal(wrong, form.model_fields, where) from None


def _refusal(wrong: ValidationError, known: Iterable[str], where: str) -> InputError:
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
