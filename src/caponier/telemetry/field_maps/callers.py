"""Which field of a log says who asked, where its name is none of the usual ones: by its words, and by what it holds."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import Nodes, Place, keys_of
from caponier.telemetry.readers.field_names import normal

WHO: Final = frozenset(
    (
        *("user", "client", "caller", "customer", "account", "tenant", "consumer", "requestor", "requester"),
        *("subscriber", "member", "principal", "actor", "login", "operator", "partner", "merchant", "apikey"),
        *("who", "party", "organization", "organisation"),
        *("kunde", "kunden", "nutzer", "benutzer", "utilisateur", "usuario", "cliente", "utente", "identity"),
    )
)
"""Words for somebody who asks."""
NAMES: Final = frozenset(
    (
        *("id", "ids", "no", "nr", "number", "num", "ref", "reference", "hash", "name", "code", "key", "arn", "uuid"),
        *("guid", "email", "login", "handle", "token", "hashed", "identifiant", "identifier", "kennung"),
        *("ident", "authenticated"),
    )
)
"""Words for what somebody is known by; any other beside a word of `WHO` is about him, such as his age or his city."""
LEAST: Final = 3
"""Callers; what has fewer values is a kind of them."""
SINGLE: Final = 0.9
"""Share of different values beyond which each is of a call, and of nobody."""


def caller_place(nodes: Nodes, is_taken: Callable[[Place], bool]) -> Place | None:
    """Return the field that says who asked; None where none does.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    found = [
        (len(keys_of(place)), at, place)
        for at, (place, values) in enumerate(nodes.items())
        if _is_called_so(keys_of(place)) and not is_taken(place) and _are_callers(values)
    ]
    return min(found)[-1] if found else None


def _is_called_so(keys: Place) -> bool:
    words = normal(keys[-1]).split("_") if keys else []
    if len(keys) > 1 and set(words) <= NAMES and normal(keys[-2]) in WHO:
        # `client.name`
        return True
    rest = [word for word in words if word not in WHO]
    return len(rest) < len(words) and (words[-1] in WHO or all(word in NAMES for word in rest))


def _are_callers(values: Sequence[Any]) -> bool:
    held = [value for value in values if not is_missing(value)]
    if not held or not all(isinstance(value, str | int) and not isinstance(value, bool) for value in held):
        return False
    different = len(set(held))
    return LEAST <= different <= SINGLE * len(held)
