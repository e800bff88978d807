"""The inventory: which ML systems and models there are, who uses them, and how the workspace treats them.

Pydantic models, because all of them are written by hand in `caponier.toml`: an unknown key is an error here, so that
a misspelt one never switches a protection off in silence. Nothing in this file reads or writes a file.
"""

import hashlib
import ipaddress
import math
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    model_validator,
)

from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget
from caponier.records.field_map import FieldMap
from caponier.records.inside import InsideSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Count = Annotated[StrictInt, Field(ge=1)]
Place = Annotated[StrictInt, Field(ge=0)]
TEXT_SIZE: Final = 256
"""Numbers that stand for a text."""
Name = Annotated[str, Field(min_length=1)]
Names = tuple[Name, ...]


class _Noun(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Criticality(StrEnum):
    """How much the organisation loses with an ML system; half of a finding's severity."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class System(_Noun):
    """One ML system: what it is for, who answers for it, and the assets that belong to it.

    The assets scope the detections in ordinary logs: a match on one of them is a finding, elsewhere it is context.
    """

    name: Name
    purpose: str | None = None
    criticality: Criticality = Criticality.MEDIUM
    owner: str | None = None
    contact: str | None = None
    models: Names = ()
    endpoints: Names = ()
    hosts: Names = ()
    accounts: Names = ()
    buckets: Names = ()
    registries: Names = ()
    images: Names = ()
    datasets: Names = ()
    namespaces: Names = ()
    clusters: Names = ()
    instances: Names = ()


class FeatureColumn(_Noun):
    """One named column of a row."""

    name: Name
    unit: str | None = None


class FeatureSpec(_Noun):
    """What a model takes: the kind of its input, its shape and its range.

    Without `minimum` and `maximum` the range is learned from benign traffic.
    """

    kind: Literal["image", "numeric", "categorical", "text", "none"]
    """`categorical` is a row with categories in it; `none` if inputs are not logged, or not to be looked at."""
    shape: tuple[Count, ...] = ()
    """Row-major shape of one example: (height, width) or (height, width, channels) of an image, (n,) of a row."""
    minimum: StrictFloat | None = None
    maximum: StrictFloat | None = None
    categories: tuple[Place, ...] = ()
    """Columns, from 0, of a row with categories: compared as equal or not. All of them, where none is named."""
    columns: tuple[FeatureColumn, ...] = ()
    """Names of the columns in the model's order, where they have some: inputs that come by name are put into it."""
    dtype: Literal["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64"] = "float32"
    """The type in which the model sees the input; two requests are the same input if they are equal in it."""

    @property
    def size(self) -> int | None:
        """Number of features of one example, or None where the shape is not given."""
        if self.kind == "none":
            return 0
        if self.kind == "text":
            return TEXT_SIZE
        return math.prod(self.shape) if self.shape else len(self.columns) or None

    def filled(self) -> "FeatureSpec":
        """Return the same with the shape that its kind or its columns imply, where none was said."""
        return self if self.shape or not self.size else self.model_copy(update={"shape": (self.size,)})

    def digest(self) -> str:
        """Identify the specification, so that a baseline can tell that it was built for another one."""
        # Where there are no categories and columns, as before they could be named: or else no older baseline would fit.
        absent = {name for name in ("categories", "columns") if not getattr(self, name)}
        plain = self.model_dump_json(exclude=absent)
        return hashlib.sha256(plain.encode()).hexdigest()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.kind == "image" and len(self.shape) not in (2, 3):
            raise ValueError("an image needs shape = [height, width] or [height, width, channels]")
        if self.kind == "none" and self.shape:
            raise ValueError("what is not looked at has no shape")
        if self.kind == "text" and self.shape not in ((), (TEXT_SIZE,)):
            raise ValueError(f"a text has no shape; {TEXT_SIZE} numbers stand for it")
        if self.categories and self.kind != "categorical":
            raise ValueError('only a row of kind = "categorical" has categories')
        if self.shape and any(place >= math.prod(self.shape) for place in self.categories):
            raise ValueError("categories name a column beyond the shape")
        if self.columns and self.shape and len(self.columns) != math.prod(self.shape):
            raise ValueError(f"{len(self.columns)} columns are named where the shape has {math.prod(self.shape)}")
        if len({column.name for column in self.columns}) < len(self.columns):
            raise ValueError("two columns have the same name")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        return self


class ModelSpec(_Noun):
    """One model: what it takes, and the file that says what its benign traffic looks like."""

    name: Name
    system: Name | None = None
    features: FeatureSpec | None = None
    baseline: Path | None = None
    sampling: Annotated[StrictFloat, Field(gt=0, le=1)] | None = None
    """Share of its traffic that is logged, where that is not all of it."""


class Identity(_Noun):
    """What is known of one caller: its key, account and addresses. One account may have several, as keys rotate."""

    key_hash: Name | None = None
    """The salted hash that events carry as `principal`; never the key."""
    account: Name | None = None
    addresses: Names = ()


class Privacy(_Noun):
    """What is kept of the inputs, and for how long."""

    salt_file: Path | None = None
    keep_inputs: Literal["exact", "quantised", "digest"] = "exact"
    retention_days: Count | None = None
    """None keeps everything."""


def _some(network: Network) -> Network:
    """Refuse a network of everybody: callers would choose their address then, and so who is blocked for it."""
    if not network.prefixlen:
        raise ValueError(f"{network} trusts everybody, so that callers could claim any address; name your proxies")
    return network


class LogSettings(_Noun):
    """Whose word counts in logs of inference."""

    credentials: Names = ("authorization", "x-api-key")
    """Logged headers in which callers show who they are; two credentials that differ name nobody."""
    trusted_proxies: tuple[Annotated[Network, AfterValidator(_some)], ...] = ()
    """Addresses or networks of your own proxies: in `X-Forwarded-For` they are not the client's."""


def _parsed_budget(value: Any) -> AlertBudget:
    if isinstance(value, AlertBudget):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('expected a rate such as "2 per week" or a bound such as "1/300"')
    try:
        return AlertBudget.parse(value)
    except InputError as wrong:
        # Pydantic only gathers ValueError; whoever reads the file turns it back into an InputError that names the key.
        raise ValueError(str(wrong).replace("\n", ". ")) from wrong


class DetectSettings(_Noun):
    """How detection spends the user's patience, and the settings of single detectors."""

    alert_budget: Annotated[AlertBudget, BeforeValidator(_parsed_budget)] = AlertBudget(per_week=2.0)
    """Cuts notifications, never findings."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share of benign callers that may be flagged, each over a use of up to five times the calibration's span."""
    horizon: Count | None = None
    """Means nothing any more: every caller is judged at its age."""
    disabled: Names = ()
    detectors: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The tables `[detect.<name>]`, by detector; each detector validates its own."""

    @model_validator(mode="before")
    @classmethod
    def _gather_detectors(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        tables = {key: value for key, value in data.items() if key not in cls.model_fields and isinstance(value, dict)}
        if not tables or not isinstance(data.get("detectors", {}), dict):
            return data
        rest = {key: value for key, value in data.items() if key not in tables}
        return {**rest, "detectors": {**rest.get("detectors", {}), **tables}}


class Workspace(_Noun):
    """Everything that `caponier.toml` says, with its paths made absolute."""

    file: Path
    name: Name
    # A store URL may carry a password: it stays out of every repr, log line and traceback.
    store: str = Field(repr=False)
    lake: str
    """A folder, absolute, or the URL of an object store."""
    pinned: str | None = None
    """The matrix version that names the techniques; None is that of 2020."""
    detect: DetectSettings = DetectSettings()
    privacy: Privacy = Privacy()
    logs: LogSettings = LogSettings()
    systems: tuple[System, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    identities: tuple[Identity, ...] = ()
    inside: InsideSettings = InsideSettings()
    maps: tuple[FieldMap, ...] = ()
    """Field maps of its logs: by name, and by themselves where their `when` knows a log."""
    # The parts that use these sections validate them; here they only have to be tables.
    guard: dict[str, Any] = Field(default_factory=dict)
    respond: dict[str, Any] = Field(default_factory=dict)
    routes: tuple[dict[str, Any], ...] = ()
    maintenance: tuple[dict[str, Any], ...] = ()

    @property
    def root(self) -> Path:
        """The folder that holds the workspace file."""
        return self.file.parent

    def model(self, name: str) -> ModelSpec | None:
        """Return the model of this name, or None if the inventory does not know it."""
        return next((model for model in self.models if model.name == name), None)

    def system_of(self, model: str) -> System | None:
        """Return the system that a model belongs to, or None if the inventory does not say."""
        known = self.model(model)
        if known and known.system:
            return next(system for system in self.systems if system.name == known.system)
        return next((system for system in self.systems if model in system.models), None)

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        _refuse_twice("system", [system.name for system in self.systems])
        _refuse_twice("model", [model.name for model in self.models])
        _refuse_twice("map", [one.name for one in self.maps])
        known = {system.name for system in self.systems}
        for model in self.models:
            if model.system is not None and model.system not in known:
                raise ValueError(f"model {model.name!r} belongs to the system {model.system!r}, which is not listed")
        return self


def _refuse_twice(kind: str, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{times} entries [[{kind}]] have the name {name!r}")
