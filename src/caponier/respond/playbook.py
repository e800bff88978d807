"""Playbooks: which response actions fit which findings, as data that a team writes and reviews.

There is no action in which a model invents an answer for a suspected attacker: what a guard may change is whether, how
fast and how exactly the model's own answer is given.
"""

import re
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from caponier.errors import CaponierError, InputError
from caponier.formats.strict_yaml import YamlDialect, read_value
from caponier.formats.suggest import did_you_mean, nearest
from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import resolve
from caponier.records.finding import Finding, Severity
from caponier.records.incident import Incident
from caponier.records.response_action import ActionKind
from caponier.respond.settings import RespondSettings

SHIPPED: Final = "default.yaml"
BYTES: Final = 256 * 1024
DIALECT: Final = YamlDialect(letters=BYTES, depth=12)

_DURATION: Final = re.compile(r"(\d{1,5})\s*([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=366)


class ActionScope(StrEnum):
    """Whom or what an action is done to, as seen from the finding that calls for it."""

    ACTOR = "actor"
    """The caller of the finding, under every name that the guard knows it by."""
    MODEL = "model"
    SOURCE = "source"
    """Who contributed the rows of a data set."""
    ROWS = "rows"
    FILE = "file"
    TARGET = "target"
    """What a finding over logs lists as acted on: a key, a bucket, a workload, a host."""


class TargetScope(StrEnum):
    """Where an action on an actor applies."""

    MODEL = "model"
    SYSTEM = "system"
    EVERYWHERE = "everywhere"


_SCOPES: Final[dict[ActionKind, frozenset[ActionScope]]] = {
    ActionKind.BLOCK: frozenset({ActionScope.ACTOR, ActionScope.SOURCE}),
    ActionKind.THROTTLE: frozenset({ActionScope.ACTOR, ActionScope.SOURCE, ActionScope.MODEL}),
    ActionKind.ROUND: frozenset({ActionScope.ACTOR, ActionScope.MODEL}),
    ActionKind.HOLD: frozenset({ActionScope.ACTOR, ActionScope.MODEL}),
    ActionKind.QUARANTINE: frozenset({ActionScope.SOURCE, ActionScope.ROWS, ActionScope.FILE, ActionScope.MODEL}),
    ActionKind.REVOKE: frozenset({ActionScope.ACTOR, ActionScope.TARGET}),
    ActionKind.CLOSE: frozenset({ActionScope.TARGET}),
    ActionKind.RESTORE: frozenset({ActionScope.TARGET}),
    ActionKind.ISOLATE: frozenset({ActionScope.TARGET}),
    ActionKind.ROLLBACK: frozenset({ActionScope.MODEL}),
    ActionKind.FREEZE: frozenset({ActionScope.MODEL, ActionScope.SOURCE}),
}
"""What each kind of action can be done to."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    written = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if written is None:
        raise ValueError("expected a duration such as 30m, 24h or 7d")
    return timedelta(**{_UNITS[written[2]]: int(written[1])})


def _technique(value: Any) -> TechniqueId:
    if isinstance(value, TechniqueId):
        return value
    if not isinstance(value, str):
        raise ValueError("expected the id of a technique in quotes")
    matrix = "amltm-2020" if value.startswith("AMLTM.") else "atlas" if value.startswith("AML.") else "attack"
    try:
        resolve(TechniqueId(matrix, value))
    except InputError as unknown:
        # Pydantic only gathers ValueError; the reader turns it back into an InputError that names the key.
        raise ValueError(str(unknown).replace("\n", ". ")) from unknown
    return TechniqueId(matrix, value)


class When(_Shape):
    """Which findings a rule is for; what is left out does not matter."""

    techniques: tuple[Annotated[TechniqueId, BeforeValidator(_technique)], ...] = ()
    """Any of them; a technique stands for its sub-techniques, too."""
    strategy: tuple[Strategy, ...] = ()
    """Of the incident."""
    severity: Severity = Severity.INFO
    """Of the finding, at least."""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Of the finding, at least."""
    subjects: tuple[str, ...] = ()
    """Kinds of subject of the finding."""

    def fits(self, finding: Finding, incident: Incident) -> bool:
        """Tell whether the rule is for a finding of an incident."""
        return (
            finding.severity.rank >= self.severity.rank
            and finding.confidence >= self.confidence
            and (not self.strategy or incident.strategy in self.strategy)
            and (not self.subjects or finding.subject.kind in self.subjects)
            and (not self.techniques or any(_covers(wanted.id, finding) for wanted in self.techniques))
        )


def _covers(wanted: str, finding: Finding) -> bool:
    return any(ref.id == wanted or ref.id.startswith(f"{wanted}.") for ref in finding.techniques)


class ActionTemplate(_Shape):
    """One response action of a rule."""

    kind: ActionKind
    scope: ActionScope
    duration: Annotated[timedelta, BeforeValidator(_duration)]
    reach: TargetScope = TargetScope.MODEL
    needs_approval: bool = False
    targets: tuple[str, ...] = ()
    """Kinds of target, such as `bucket`, where the scope is `target`; all of them, where none is named."""
    parameters: dict[str, float | int | str | bool] = Field(default_factory=dict)
    """Of a throttle `per_minute` and `burst` (queries); of rounding `decimals`."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not timedelta(0) < self.duration <= _LONGEST:
            raise ValueError("a response action lasts from one minute to 366 days: every one of them ends by itself")
        if self.scope not in _SCOPES[self.kind]:
            may = ", ".join(sorted(_SCOPES[self.kind]))
            raise ValueError(f"{self.kind} cannot be done to scope {self.scope}; it can be to: {may}")
        if self.targets and self.scope is not ActionScope.TARGET:
            raise ValueError("targets are kinds of what the scope 'target' means; this move has another scope")
        _check_parameters(self.kind, self.parameters)
        return self


_PARAMETERS: Final[dict[ActionKind, tuple[str, ...]]] = {
    ActionKind.THROTTLE: ("per_minute", "burst"),
    ActionKind.ROUND: ("decimals",),
}


def _check_parameters(kind: ActionKind, given: dict[str, Any]) -> None:
    known = _PARAMETERS.get(kind, ())
    for name, value in given.items():
        if name not in known:
            hint = did_you_mean(nearest(name, known, 0.5), otherwise=f"It takes: {', '.join(known) or 'none'}.")
            raise ValueError(f"{kind} has no parameter {name!r}. {hint}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000:
            raise ValueError(f"{name} is not a number from 0 on")
    if kind is ActionKind.THROTTLE and not given.get("per_minute", 0) > 0:
        raise ValueError("a throttle needs per_minute above 0")
    if kind is ActionKind.THROTTLE and not given.get("burst", 1) >= 1:
        raise ValueError("a throttle with a burst below 1 would stop everything; use block")
    if kind is ActionKind.ROUND and given.get("decimals") not in range(7):
        raise ValueError("rounding needs decimals, a whole number from 0 to 6")


class Rule(_Shape):
    """Which actions answer which findings."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    reason: Annotated[str, Field(min_length=1, max_length=400)]
    """Why, in a sentence for those who approve."""
    when: When = When()
    actions: Annotated[tuple[ActionTemplate, ...], Field(max_length=20)]
    """None switches off a rule of the same name in an earlier playbook."""


class Playbook(_Shape):
    """Rules; every one that fits is used."""

    schema_: Literal["caponier.playbook/1"] = Field(alias="schema")
    name: str
    description: str = ""
    rules: Annotated[tuple[Rule, ...], Field(max_length=200)]

    @model_validator(mode="after")
    def _names_rules_once(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two rules have the name {twice!r}")
        return self


def parse(text: str, where: str) -> Playbook:
    """Read a playbook.

    Args:
        text: YAML.
        where: What to call it in messages.

    Raises:
        InputError: If it is no playbook; an unknown key is named with the nearest known one.
    """
    raw = read_value(text, where, DIALECT)
    try:
        return Playbook.model_validate(raw)
    except ValidationError as wrong:
        raise _explained(wrong, raw, where) from None


@cache
def shipped() -> Playbook:
    """Return the playbook that ships with the package.

    Raises:
        CaponierError: If the installation is damaged.
    """
    text = (files("caponier.respond") / "playbooks" / SHIPPED).read_text(encoding="utf-8")
    try:
        return parse(text, SHIPPED)
    except InputError as wrong:
        raise CaponierError(f"the file is damaged: {wrong}", where=SHIPPED, hint="Reinstall caponier.") from wrong


def load(settings: RespondSettings, root: Path) -> tuple[Rule, ...]:
    """Read every playbook of a workspace, the shipped one first.

    A rule of a later playbook takes the place of one of the same name.

    Args:
        settings: Which files.
        root: The folder that their paths are relative to.

    Raises:
        InputError: If one cannot be read or is no playbook.
    """
    books = [shipped()] if settings.shipped_playbook else []
    books += [_read(root / path.expanduser()) for path in settings.playbooks]
    return tuple({rule.name: rule for book in books for rule in book.rules}.values())


def _read(path: Path) -> Playbook:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES + 1)
        return parse(data.decode("utf-8"), str(path))
    except OSError as failed:
        raise InputError(f"the playbook cannot be read: {failed.strerror}", where=str(path)) from failed
    except UnicodeDecodeError as wrong:
        raise InputError("the playbook is not UTF-8 text", where=str(path)) from wrong


def _explained(wrong: ValidationError, raw: Any, where: str) -> InputError:
    errors = wrong.errors(include_url=False)
    # Unknown keys before others: a misspelt key is often why another one is missing.
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    path = f"{where}: {_dotted(raw, first['loc'])}" if first["loc"] else where
    if first["type"] != "extra_forbidden":
        return InputError(first["msg"].removeprefix("Value error, "), where=path)
    known = _known(tuple(step for step in first["loc"] if isinstance(step, str)))
    near = nearest(str(first["loc"][-1]), known, 0.5)
    hint = did_you_mean(near, otherwise=f"Known here: {', '.join(known)}.")
    return InputError("unknown key", where=path, hint=hint)


def _known(path: tuple[str, ...]) -> list[str]:
    shapes: dict[tuple[str, ...], type[BaseModel]] = {
        ("rules",): Rule,
        ("rules", "when"): When,
        ("rules", "actions"): ActionTemplate,
    }
    shape = shapes.get(path[:-1], Playbook)
    return [field.alias or name for name, field in shape.model_fields.items()]


def _dotted(raw: Any, loc: tuple[int | str, ...]) -> str:
    """Write a place as `rules[online-evasion].when.severity`: a rule goes by its name, or by its number, from 1."""
    dotted, at = "", raw
    for step in loc:
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            at = None
        if isinstance(step, int):
            name = at.get("name") if isinstance(at, dict) else None
            dotted += f"[{name if isinstance(name, str) else f'#{step + 1}'}]"
        else:
            dotted += f".{step}" if dotted else step
    return dotted
