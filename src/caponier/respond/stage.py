"""How an incident moves on: one table of transitions, and one function that keeps it."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from caponier.errors import InputError
from caponier.records.incident import TRANSITIONS, Incident, Stage

_ORDER: Final = list(Stage)


def advance(incident: Incident, to: Stage, now: datetime) -> Incident:
    """Return the incident at another stage.

    Raises:
        InputError: If the stage may not follow on the present one; it names those that may.
    """
    if to not in TRANSITIONS[incident.stage]:
        may = ", ".join(stage.value for stage in _ORDER if stage in TRANSITIONS[incident.stage])
        raise InputError(
            f"the incident is {incident.stage}, and cannot become {to} from there",
            where=incident.incident_id,
            hint=f"From here it may become: {may}.",
        )
    return replace(incident, stage=to, stage_since=now)


def reopens(incident: Incident, newest: datetime) -> bool:
    """Tell whether a new finding puts an incident back to open.

    What was called verified or closed is reopened by anything new. What was contained or remediated stays so if the
    finding is about something older: it is only reopened by an attack that went on.

    Args:
        incident: As it was.
        newest: When the last of its new findings was triggered.
    """
    if incident.stage in (Stage.VERIFIED, Stage.CLOSED):
        return True
    if incident.stage is Stage.OPEN:
        return False
    return incident.stage_since is None or newest > incident.stage_since


def least(stages: list[Stage]) -> Stage:
    """Return the stage of incidents that turned out to be one: that of the one which is least far."""
    return min(stages, key=_ORDER.index)
