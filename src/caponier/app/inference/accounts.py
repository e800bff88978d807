"""Several keys of one account are one caller, in scans and in a guard: keys rotate, and an attacker may have many."""

from collections.abc import Mapping

from caponier.records.inventory import Workspace
from caponier.respond.actors import Actors


def keys_joined(workspace: Workspace | None) -> Mapping[str, str]:
    """Return, for each key of an account that has several, the one that stands for all of them.

    Addresses join nobody here: many callers may be behind one.
    """
    if workspace is None:
        return {}
    identities = [identity.model_copy(update={"addresses": ()}) for identity in workspace.identities]
    actors = Actors(identities)
    joined: dict[str, str] = {}
    for key in dict.fromkeys(identity.key_hash for identity in identities if identity.key_hash):
        keys = [name for name in actors.members(f"principal:{key}") if name.startswith("principal:")]
        if len(keys) > 1:
            joined[key] = min(keys).removeprefix("principal:")
    return joined
