"""The baseline file: what benign traffic of each model looks like, as one safetensors file with JSON metadata.

Safetensors holds arrays and text and nothing that runs, so a baseline from somebody else can be opened safely. Sections
are named by model and version, arrays inside by detector and state version. A checksum tells a file that was damaged or
edited; it is no signature.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from caponier.detect.calibration.judging import BackTest, Maxima
from caponier.detect.detector import Params
from caponier.detect.similarity.cells import MOST_BITS, Cells
from caponier.detect.traffic_profile.portrait import Portrait
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SCHEMA: Final = "caponier.baseline/1"
KEY: Final = "caponier.baseline"
"""The one entry of the file's metadata."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DetectorBaseline:
    """What one detector learned of one model's benign traffic."""

    version: int
    """The detector's `state_version`."""
    params: Params
    maxima: Maxima
    back_test: BackTest
    remembered: int | None = None
    """Benign subjects with a whole horizon in which the detector remembered all that it can; None in older files."""


@dataclass(frozen=True)
class Warm:
    """What a section took over from an earlier version."""

    version: str | None
    """Of the model that it was learned from."""
    own: int
    """Principals of the new version that filled a horizon."""


@dataclass(frozen=True)
class ModelBaseline:
    """What benign traffic of one model looks like."""

    model: str
    version: str | None
    created: str
    """RFC 3339."""
    spec: FeatureSpec
    knots: NDArray[np.float32]
    """Scale of the inputs, see `telemetry.features.Encoder`."""
    horizon: int
    principals: int
    events: int
    horizons_per_week: float
    detectors: dict[str, DetectorBaseline]
    cells: Cells | None = None
    """How the model's queries are shared out among cells; None if no input was looked at."""
    sampling: float = 1.0
    """Share of the traffic that was logged."""
    portrait: Portrait | None = None
    """What its callers are like; None in files from before there were portraits."""
    warm: Warm | None = None
    """Set where most of it was learned from an earlier version, so that thresholds are estimates."""


@dataclass(frozen=True)
class Baseline:
    """The sections of a baseline file."""

    models: tuple[ModelBaseline, ...] = field(default_factory=tuple)

    def of(self, model: str, version: str | None) -> ModelBaseline | None:
        """Return the section of a model: of the same version if there is one, else of its newest."""
        sections = [m for m in self.models if m.model == model]
        wanted = [m for m in sections if m.version == version] or sections
        return max(wanted, key=lambda m: m.created, default=None)

    def spec_of(self, model: str) -> FeatureSpec | None:
        """Return what a model takes, as its newest section says; None if there is none."""
        section = self.of(model, None)
        return section.spec if section else None

    @property
    def horizons_per_week(self) -> float:
        """Horizons that benign principals begin in a week, over all models."""
        return sum(self.newest(name).horizons_per_week for name in {section.model for section in self.models})

    def newest(self, model: str) -> ModelBaseline:
        """Return the newest section of a model that is there."""
        return max((section for section in self.models if section.model == model), key=lambda m: m.created)

    def to_bytes(self) -> bytes:
        """Return the file's content; the same baseline gives the same bytes."""
        arrays: Arrays = {}
        about: dict[str, Any] = {}
        for model in self.models:
            section = f"{quote(model.model, safe='')}@{quote(model.version or '', safe='')}"
            arrays[f"{section}/knots"] = model.knots
            if model.cells:
                arrays[f"{section}/cells/planes"] = model.cells.planes
                arrays[f"{section}/cells/cuts"] = model.cells.cuts
            about[section] = _about(model)
            if model.portrait:
                arrays |= {f"{section}/portrait/{name}": array for name, array in model.portrait.arrays().items()}
            for name, detector in model.detectors.items():
                prefix = f"{section}/{name}@{detector.version}"
                arrays |= {f"{prefix}/params/{key}": value for key, value in detector.params.items()}
                arrays[f"{prefix}/maxima/full"] = detector.maxima.full
                arrays[f"{prefix}/maxima/partial"] = detector.maxima.partial
        # Of an array with gaps safetensors would write the gaps.
        arrays = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
        models = json.dumps(about, sort_keys=True)
        head = {"schema": SCHEMA, "models": models, "sha256": _checksum(models, arrays)}
        # One entry only: safetensors writes several in an order that changes from run to run.
        metadata = {KEY: json.dumps(head, sort_keys=True)}
        return bytes(save(arrays, metadata=metadata))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a baseline file.

        Raises:
            InputError: If the file is missing, is no baseline, or does not hold together.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError) as failed:
            raise InputError(f"is no baseline file: {failed}", where=str(path)) from failed
        try:
            head = json.loads(metadata.get(KEY, "{}"))
            if head.get("schema") != SCHEMA:
                raise InputError(f"is no baseline of schema {SCHEMA}", where=str(path), mend="Build it again")
            if head["sha256"] != _checksum(head["models"], arrays):
                raise ValueError("its checksum is wrong; the file was damaged or edited")
            about = json.loads(head["models"])
            return cls(tuple(_model(section, about[section], arrays) for section in sorted(about)))
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as broken:
            raise InputError(
                f"the baseline does not hold together: {broken}", where=str(path), mend="Build it again"
            ) from broken


def _checksum(models: str, arrays: Arrays) -> str:
    digest = hashlib.sha256(models.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _about(model: ModelBaseline) -> dict[str, Any]:
    return {
        **({"warm": asdict(model.warm)} if model.warm else {}),
        "created": model.created,
        "features": model.spec.model_dump(mode="json"),
        "features_digest": model.spec.digest(),
        "horizon": model.horizon,
        "principals": model.principals,
        "events": model.events,
        "horizons_per_week": model.horizons_per_week,
        "sampling": model.sampling,
        "detectors": {
            name: {
                "version": detector.version,
                "back_test": asdict(detector.back_test),
                "peak": detector.maxima.peak,
                **({} if detector.remembered is None else {"remembered": detector.remembered}),
            }
            for name, detector in model.detectors.items()
        },
    }


def _model(section: str, about: Mapping[str, Any], arrays: Arrays) -> ModelBaseline:
    name, _, version = section.partition("@")
    spec = FeatureSpec.model_validate(about["features"])
    if spec.digest() != about["features_digest"]:
        raise ValueError("the feature specification does not match its digest")
    detectors = {}
    for detector, stored in about["detectors"].items():
        prefix = f"{section}/{detector}@{stored['version']}"
        params = {
            key.removeprefix(f"{prefix}/params/"): arrays[key] for key in arrays if key.startswith(f"{prefix}/params/")
        }
        full, partial = (_maxima(arrays[f"{prefix}/maxima/{which}"]) for which in ("full", "partial"))
        # Files from before it was kept know of one horizon of each subject.
        maxima = Maxima(full, partial, _peak(float(stored.get("peak", 0.0))))
        test, remembered = BackTest(**stored["back_test"]), stored.get("remembered")
        detectors[detector] = DetectorBaseline(
            stored["version"], params, maxima, test, None if remembered is None else int(remembered)
        )
    return ModelBaseline(
        model=unquote(name),
        version=unquote(version) or None,
        created=_text(about["created"]),
        spec=spec,
        knots=arrays[f"{section}/knots"],
        horizon=_positive("horizon", int(about["horizon"])),
        principals=int(about["principals"]),
        events=int(about["events"]),
        horizons_per_week=_positive("horizons_per_week", float(about["horizons_per_week"])),
        detectors=detectors,
        cells=_cells(section, arrays),
        # Files from before it was known were made of logs that were taken for whole.
        sampling=_positive("sampling", float(about.get("sampling", 1.0))),
        portrait=_portrait(section, arrays),
        warm=Warm(**about["warm"]) if "warm" in about else None,
    )


def _portrait(section: str, arrays: Arrays) -> Portrait | None:
    prefix = f"{section}/portrait/"
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return Portrait.read(held) if held else None


def _cells(section: str, arrays: Arrays) -> Cells | None:
    planes, cuts = arrays.get(f"{section}/cells/planes"), arrays.get(f"{section}/cells/cuts")
    if planes is None or cuts is None:
        # Baselines were built without them before there were detectors that look at cells.
        return None
    whole = planes.dtype == np.int8 and cuts.dtype == np.int64
    if not whole or planes.ndim != 2 or cuts.shape != planes.shape[:1] or len(cuts) > MOST_BITS:
        raise ValueError("its cells are no planes with cuts")
    return Cells(planes, cuts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its date is {value!r}")
    return value


N = TypeVar("N", int, float)


def _positive(name: str, number: N) -> N:
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} is {number}")
    return number


def _maxima(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.ndim != 1 or values.dtype != np.float64 or np.isnan(values).any():
        raise ValueError("benign maxima are no list of numbers")
    return values


def _peak(value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f"{value} is no largest maximum")
    return value
