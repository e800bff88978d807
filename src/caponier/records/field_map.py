"""A field map: where in a log of another form the columns of an inference event stand.

Pydantic models, because people write maps by hand: as YAML, or as `[[map]]` in `caponier.toml`. How paths are written,
and what is made of the values, is the matter of `telemetry.field_maps`.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt, model_validator

from caponier.records.event import EVENT_SCHEMA

Path = Annotated[str, Field(min_length=1)]
Paths = tuple[Path, ...]
Constant = Annotated[str, Field(min_length=1)] | StrictInt | StrictFloat

COLUMNS: Final = tuple(name for name in EVENT_SCHEMA.names if name not in ("seq", "signals", "extra"))
"""What a map may fill in."""
MOST_FEATURES: Final = 10_000


class _Noun(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _placed(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | list | tuple) else value


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class MapColumn(_Noun):
    """Where one column comes from; a map may write the path alone."""

    path: Annotated[Paths, BeforeValidator(_listed)] = ()
    """The first of these that is there counts."""
    parts: Paths = ()
    """In place of `path`: a column a value, put together as a list. Scores of a table stand like this."""
    classes: tuple[Path, ...] = ()
    """Names of the classes, in the order of the scores, where scores are an object by name."""
    format: Path | None = None
    """Of a time: `rfc3339`, `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, `ticks` of .NET, `filetime` of Windows,
    or a pattern such as `%d.%m.%Y %H:%M:%S`."""
    zone: Path | None = None
    """Of a time without one, such as `Europe/Berlin`."""
    secret: bool = False
    """Whether the value is a credential or a person's name: hashed while it is read."""
    take: Path | None = None
    """A regular expression: of a text its first group is taken."""
    otherwise: str | None = None
    """What stands for a value that `take` does not find in a text, or `values` does not know."""
    values: dict[str, str] = Field(default_factory=dict)
    """What is written for what, such as `{POST /predict: predict}`."""
    scale: StrictFloat | StrictInt | None = None
    """What a number is multiplied by, such as 1000 for seconds where milliseconds are meant."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if bool(self.path) == bool(self.parts):
            raise ValueError("a column has a path, or parts")
        return self


class MapFeature(_Noun):
    """One named feature; a map may write its name alone."""

    name: Path
    path: Path | None = None
    """By default the name, as one key."""
    unit: str | None = None
    kind: Literal["number", "category"] = "number"
    categories: tuple[str | StrictInt | StrictFloat, ...] = ()
    """Values that are known; others are told apart all the same."""

    @model_validator(mode="before")
    @classmethod
    def _with_kind(cls, data: Any) -> Any:
        return {**data, "kind": "category"} if isinstance(data, dict) and data.get("categories") else data


class FieldMap(_Noun):
    """How one kind of log is read."""

    name: Path
    about: str | None = None
    source: str | None = None
    """Where its format is described."""
    unsure: Paths = ()
    """Fields that are known from memory alone: nobody has held them against a real file."""
    when: Paths = ()
    """Fields by which a log of this kind is known. Without any it is only used where it is named."""
    says: dict[Path, Paths] = Field(default_factory=dict)
    """What has to stand in fields, besides, such as `{type: [azureml.inference.model_inputs]}`."""
    record: Path | None = None
    """The field that holds the records, where a carrier writes something around them: paths begin within it, and name
    what is around it where it has no such field."""
    opened: Paths = ()
    """Fields that hold JSON as text, also in base64: paths go on into it."""
    line: Path | None = None
    """Of a text log: a regular expression that each line fits, whose named groups are the fields."""
    decimal: Literal[".", ","] = "."
    constants: dict[str, Constant] = Field(default_factory=dict)
    columns: dict[str, Annotated[MapColumn, BeforeValidator(_placed)]] = Field(default_factory=dict)
    features: tuple[Annotated[MapFeature, BeforeValidator(_named)], ...] = Field(default=(), max_length=MOST_FEATURES)
    models: dict[str, tuple[Annotated[MapFeature, BeforeValidator(_named)], ...]] = Field(default_factory=dict)
    """What each of several models in the log takes, where not all take the same; `features` is what any other takes."""
    request: Path | None = None
    """Where the body of a request stands, which is read as the guard reads it."""
    response: Path | None = None
    extra: Paths = ()
    """Fields that are kept beside the schema's."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for name in (*self.constants, *self.columns):
            if name not in COLUMNS:
                raise ValueError(f"there is no column {name!r}: a map fills {', '.join(COLUMNS)}")
        if "time" not in self.columns:
            raise ValueError("columns says nothing of time")
        if both := sorted(set(self.constants) & set(self.columns)):
            raise ValueError(f"{both[0]!r} is a constant and a column")
        if self.features and {"input", "input_raw"} & set(self.columns):
            raise ValueError("features and a column of inputs: only one of them can be meant")
        if self.models and not self.features:
            raise ValueError("models says what each takes, and features nothing of any other")
        for features in (self.features, *self.models.values()):
            if len({feature.name for feature in features}) < len(features):
                raise ValueError("two features have the same name")
            if len(features) > MOST_FEATURES:
                raise ValueError(f"a model has at most {MOST_FEATURES:,} features")
        return self
