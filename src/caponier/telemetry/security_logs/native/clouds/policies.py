"""Whom a policy of AWS lets in, told by each of its statements: one that forbids takes nothing back from another.

What counts as public is as in "Blocking public access to your Amazon S3 storage", section "The meaning of public": a
statement that allows everybody, unless a condition leaves only callers of fixed networks, accounts or organisations.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_LIMITS: Final = frozenset(
    f"aws:{name}"
    for name in (
        *("sourceip", "vpcsourceip", "sourcevpc", "sourcevpce", "principalorgid", "principalorgpaths"),
        *("principalaccount", "principalarn", "sourcearn", "sourceaccount", "sourceowner", "sourceorgid", "userid"),
        *("resourceorgid", "viaawsservice"),
    )
) | {"s3:dataaccesspointarn", "s3:dataaccesspointaccount"}
_ANYWHERE: Final = frozenset(["*", "0.0.0.0/0", "::/0", "false"])


def policy_of(text: str) -> Any:
    """Read a policy that a call carries as text; None if it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def opens(policy: Any) -> bool:
    """Tell whether a policy lets everybody in."""
    statements = _inside(policy, "statement")
    return any(_allows_everybody(statement) for statement in _listed(statements))


def stays_inside(policy: Any, account: str) -> bool:
    """Tell whether a policy lets in nobody but one's own account, services of the cloud, and who a condition leaves.

    Args:
        policy: What is set.
        account: Number of one's own account.
    """
    statements = _listed(_inside(policy, "statement"))
    return isinstance(policy, Mapping) and all(_keeps_inside(one, account) for one in statements)


def _keeps_inside(statement: Any, account: str) -> bool:
    effect = _said(_inside(statement, "effect")).lower()
    if effect != "allow":
        return effect == "deny"
    if any(_limits(one) for one in _conditions(_inside(statement, "condition"))):
        return True
    principal = _inside(statement, "principal")
    if not isinstance(principal, Mapping) or not principal:
        return False
    return all(
        kind.lower() == "service" or (kind.lower() == "aws" and bool(account) and _of_account(_said(name), account))
        for kind, names in principal.items()
        for name in _listed(names)
    )


def _of_account(principal: str, account: str) -> bool:
    return principal == account or principal.split(":")[4:5] == [account]


def _allows_everybody(statement: Any) -> bool:
    if _said(_inside(statement, "effect")).lower() != "allow":
        return False
    principal = _inside(statement, "principal")
    named = _listed(_inside(principal, "aws") if isinstance(principal, Mapping) else principal)
    return "*" in map(_said, named) and not any(_limits(one) for one in _conditions(_inside(statement, "condition")))


def _conditions(condition: Any) -> Iterator[tuple[str, str, Any]]:
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield str(operator).lower(), str(key).lower(), values


def _limits(condition: tuple[str, str, Any]) -> bool:
    """Tell whether a condition leaves only some callers; one with "not" leaves everybody else."""
    operator, key, values = condition
    negative = "not" in operator or operator.startswith("null") or operator.endswith("ifexists")
    return key in _LIMITS and not negative and _ANYWHERE.isdisjoint(_said(value).lower() for value in _listed(values))


def _said(value: Any) -> str:
    """Return a value as text, and none for what holds others: Python fails at one that is nested a thousand deep."""
    return "" if isinstance(value, list | Mapping) else str(value)


def _inside(node: Any, name: str) -> Any:
    """Return what stands under a name, in any case."""
    if not isinstance(node, Mapping):
        return None
    return next((value for key, value in node.items() if str(key).lower() == name), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
