"""What each kind of response action does, what undoing it does, and who carries it out."""

from dataclasses import dataclass
from typing import Final

from caponier.records.response_action import ActionKind


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of response action in words."""

    does: str
    """With `{what}` for whom or what it is done to."""
    undo: str
    by_guard: bool
    """Whether the guard does it by itself in enforce mode; else people or their pipeline do, and this is the order."""
    counted: str
    """What it does to a query in a dry run; empty where it does not act on queries."""


EFFECTS: Final[dict[ActionKind, Effect]] = {
    ActionKind.BLOCK: Effect(
        "Refuse every query of {what} with status 429 (too many requests)",
        "The guard answers {what} again",
        True,
        "stopped",
    ),
    ActionKind.THROTTLE: Effect(
        "Slow {what} down to a fixed rate of queries", "The guard no longer limits the rate of {what}", True, "stopped"
    ),
    ActionKind.ROUND: Effect(
        "Round the scores in the model's own answers to {what}",
        "{what} gets the model's exact scores again",
        True,
        "rounded",
    ),
    ActionKind.HOLD: Effect(
        "Hold the queries of {what} until somebody has looked at them",
        "Queries of {what} are answered at once again",
        True,
        "held",
    ),
    ActionKind.QUARANTINE: Effect("Keep {what} out of training and serving", "{what} may be used again", False, ""),
    ActionKind.REVOKE: Effect(
        "Revoke the credentials of {what} where they were issued, and issue new ones to their owner",
        "Undoing only cancels the request; if you have revoked credentials, their owner needs new ones from the issuer",
        False,
        "stopped",
    ),
    ActionKind.ROLLBACK: Effect(
        "Put {what} back to its last good version (caponier remediate rollback)",
        "Undoing only cancels the request; a version that you have already rolled back stays",
        False,
        "",
    ),
    ActionKind.CLOSE: Effect(
        "Close {what} to the public and to newcomers, and restore its block on public access",
        "Undoing only cancels the request; if you have closed {what}, it stays closed until you open it",
        False,
        "",
    ),
    ActionKind.RESTORE: Effect(
        "First copy {what} as it is now as evidence; then restore its last good version, configuration or backup",
        "Undoing only cancels the request; what you have already restored stays as it is",
        False,
        "",
    ),
    ActionKind.ISOLATE: Effect(
        "Disconnect {what} from the network without switching it off, and keep its disk and memory as evidence",
        "{what} may be connected again",
        False,
        "",
    ),
    ActionKind.FREEZE: Effect(
        "Stop {what} from learning from new data and feedback", "{what} may learn again", False, ""
    ),
}
