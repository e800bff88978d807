"""The traditional half of the demo's attack: security logs of an organisation whose account was stolen.

The log story is told by `caponier.emulate`; here it is moved to the days before the demo, so that it lies next to the
traffic of the model, and the account is made to leave one more thing behind: a model file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.log_story import LogStory, LogTrace
from caponier.emulate.office import BUCKET, ENGINEER, cloud, user_arn
from caponier.emulate.registry import stories

STORY: Final = "stolen_account"
ACCOUNT: Final = ENGINEER
FROM: Final = THIEF
UPLOAD_AFTER: Final = timedelta(minutes=7)


@dataclass(frozen=True)
class SecurityLogs:
    """The attack in the usual work, the usual work alone, and what the attacker got."""

    attack: bytes
    control: bytes
    rows: int
    malicious: int
    succeeded: bool
    taken: int
    """Model files that were downloaded."""


def security_logs(seed: int, upload: str, *, now: datetime | None = None) -> SecurityLogs:
    """Tell three days of security logs that end before today.

    Args:
        seed: Fixes them, up to the date.
        upload: Key of the object that the account puts into the model store.
        now: The present by default.
    """
    told: LogStory = stories.one(STORY)
    attack, control = told.attack(seed), told.control(seed)
    rows = [dict(row) for row in attack.rows]
    last = _moment(rows[max(attack.malicious)])
    put = {"bucketName": BUCKET, "key": upload}
    rows.append(cloud(last + UPLOAD_AFTER, user_arn(ACCOUNT), "IAMUser", FROM, "PutObject", "s3.amazonaws.com", put))
    rows.sort(key=lambda row: str(row["time"]))
    shift = _shift(rows, now or datetime.now(UTC))
    return SecurityLogs(
        attack=_lines(rows, shift),
        control=_lines(control.rows, shift),
        rows=len(rows),
        malicious=len(attack.malicious) + 1,
        succeeded=attack.success,
        taken=_taken(attack),
    )


def _taken(attack: LogTrace) -> int:
    return int(attack.measure.get("model_files", 0))


def _moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["time"]))


def _shift(rows: Iterable[dict[str, Any]], now: datetime) -> timedelta:
    """Return by how many whole days to move rows so that the last one was yesterday: hours of the day stay."""
    last = max(_moment(row) for row in rows)
    return timedelta(days=(now.date() - last.date()).days - 1)


def _lines(rows: Iterable[dict[str, Any]], shift: timedelta) -> bytes:
    moved = [
        {**row, "time": (_moment(row) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        for row in rows
    ]
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in moved)
