"""The baseline file: what benign traffic of each model looks like, as one safetensors file with JSON metadata.

Safetensors holds arrays and text and nothing that runs, so a baseline from somebody else can be opened safely. Sections
are named by model and version, arrays inside by detector and state version.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from caponier.detect.detector import Params
from caponier.detect.judging import BackTest, Maxima
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SCHEMA: Final = "caponier.baseline/1"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DetectorBaseline:
    """What one detector learned of one model's benign traffic."""

    version: int
    """The detector's `state_version`."""
    params: Params
    maxima: Maxima
    back_test: BackTest


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


@dataclass(frozen=True)
class Baseline:
    """The sections of a baseline file."""

    models: tuple[ModelBaseline, ...] = field(default_factory=tuple)

    def of(self, model: str, version: str | None) -> ModelBaseline | None:
        """Return the section of a model: of the same version if there is one, else of its newest."""
        sections = sorted((m for m in self.models if m.model == model), key=lambda m: m.created)
        same = [m for m in sections if m.version == version]
        newest = same or sections
        return newest[-1] if newest else None

    def to_bytes(self) -> bytes:
        """Return the file's content; the same baseline gives the same bytes."""
        arrays: Arrays = {}
        about: dict[str, Any] = {}
        for model in self.models:
            section = f"{quote(model.model, safe='')}@{quote(model.version or '', safe='')}"
            arrays[f"{section}/knots"] = model.knots
            about[section] = _about(model)
            for name, detector in model.detectors.items():
                prefix = f"{section}/{name}@{detector.version}"
                arrays |= {
                    f"{prefix}/params/{key}": np.ascontiguousarray(value) for key, value in detector.params.items()
                }
                arrays[f"{prefix}/maxima/full"] = detector.maxima.full
                arrays[f"{prefix}/maxima/partial"] = detector.maxima.partial
        metadata = {"schema": SCHEMA, "models": json.dumps(about, sort_keys=True)}
        return bytes(save(dict(sorted(arrays.items())), metadata=metadata))

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
        if metadata.get("schema") != SCHEMA:
            raise InputError(f"is no baseline of schema {SCHEMA}", where=str(path), mend="Build it again")
        try:
            about = json.loads(metadata["models"])
            return cls(tuple(_model(section, about[section], arrays) for section in sorted(about)))
        except (KeyError, TypeError, ValueError) as broken:
            raise InputError(f"the baseline does not hold together: {broken}", where=str(path)) from broken


def _about(model: ModelBaseline) -> dict[str, Any]:
    return {
        "created": model.created,
        "features": model.spec.model_dump(mode="json"),
        "features_digest": model.spec.digest(),
        "horizon": model.horizon,
        "principals": model.principals,
        "events": model.events,
        "horizons_per_week": model.horizons_per_week,
        "detectors": {
            name: {"version": detector.version, "back_test": asdict(detector.back_test)}
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
        maxima = Maxima(arrays[f"{prefix}/maxima/full"], arrays[f"{prefix}/maxima/partial"])
        detectors[detector] = DetectorBaseline(stored["version"], params, maxima, BackTest(**stored["back_test"]))
    return ModelBaseline(
        model=unquote(name),
        version=unquote(version) or None,
        created=about["created"],
        spec=spec,
        knots=arrays[f"{section}/knots"],
        horizon=int(about["horizon"]),
        principals=int(about["principals"]),
        events=int(about["events"]),
        horizons_per_week=float(about["horizons_per_week"]),
        detectors=detectors,
    )
