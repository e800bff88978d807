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

from caponier.detect.calibration.joint_tail import JointTail
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Params, Subject
from caponier.detect.similarity.cells import MOST_BITS, Cells
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SCHEMA: Final = "caponier.baseline/2"
KEY: Final = "caponier.baseline"
"""The one entry of the file's metadata."""

RANKS: Final = ("scores", "counts", "scales", "margins", "apart")
"""Arrays of a detector's ranks."""
CELLS: Final = 0.1
"""Of the false alarms of callers, so many may come from cells of like queries besides."""

_MAKE: Final = "Make one with: caponier baseline build LOG --out FILE"
_GIVE: Final = "Name the file that caponier baseline build has written."
_START: Final = 256
"""Bytes at the start of a file in which its metadata begin."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DetectorBaseline:
    """What one detector learned of one model's benign traffic."""

    version: int
    """The detector's `state_version`."""
    params: Params
    ranks: TailRanks
    peak: float = 0.0
    """The largest score of a benign subject."""
    least: float = 0.0
    """A score up to it counts for nothing, beside what the detector itself says; learned from a later version."""
    allowed: dict[str, float] = field(default_factory=dict)
    """By digest of a subject's name: the score up to which an analyst called it benign."""
    off: str | None = None
    """Why it cannot tell attackers from benign callers of this model; None if it can, or nobody tried."""


@dataclass(frozen=True)
class Warm:
    """What a section took over from an earlier version."""

    version: str | None
    """Of the model that it was learned from."""
    own: int
    """Principals of the new version."""


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
    principals: int
    """Benign callers that were learned from."""
    events: int
    callers_per_week: float
    """Benign callers that are seen in a week."""
    span: int
    """Microseconds that the log covers, a day at least."""
    alpha: float
    """Share of benign callers that may be flagged, each over a use of up to `judging.LONGER` times that span."""
    detectors: dict[str, DetectorBaseline]
    tails: dict[Subject, JointTail]
    """By kind of subject: how high benign ones come in evidence over all detectors."""
    cells: Cells | None = None
    """How the model's queries are shared out among cells; None if no input was looked at."""
    sampling: float = 1.0
    """Share of the traffic that was logged."""
    profile: TrafficProfile | None = None
    """What its callers are like; None in files from before there were profiles."""
    warm: Warm | None = None
    """Set where most of it was learned from an earlier version, so that nothing is promised."""
    tested: bool = False
    """Whether attacks were planted into the benign log, to see which detectors can tell them."""

    def alpha_of(self, kind: Subject) -> float:
        """Return the share of benign subjects of a kind that may be flagged.

        Cells name many callers at once: of them there may be a tenth as many false alarms as of callers.
        """
        if kind is not Subject.BUCKET:
            return self.alpha
        subjects = len(self.tails[kind]) if kind in self.tails else 0
        return min(self.alpha, CELLS * self.alpha * self.principals / max(1, subjects))


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
            if model.profile:
                arrays |= {f"{section}/portrait/{name}": array for name, array in model.profile.arrays().items()}
            arrays |= {f"{section}/tail/{kind}": tail.evidence for kind, tail in model.tails.items()}
            for name, detector in model.detectors.items():
                prefix = f"{section}/{name}@{detector.version}"
                arrays |= {f"{prefix}/params/{key}": value for key, value in detector.params.items()}
                arrays |= {f"{prefix}/ranks/{key}": getattr(detector.ranks, key) for key in RANKS}
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
            gone = isinstance(failed, FileNotFoundError)
            what, hint = ("does not exist", _MAKE) if gone else ("is not a baseline file", _GIVE)
            raise InputError(what, where=str(path), hint=hint) from failed
        if KEY not in metadata:
            raise InputError(
                "is not a baseline, but another safetensors file, such as a model", where=str(path), hint=_GIVE
            )
        try:
            head = json.loads(metadata[KEY])
            if head.get("schema") != SCHEMA:
                hint = "Build it again from benign traffic: caponier baseline build LOG --out " + path.name
                raise InputError(f"is not a baseline of schema {SCHEMA}", where=str(path), hint=hint)
            if head["sha256"] != _checksum(head["models"], arrays):
                raise ValueError("its checksum is wrong; the file was damaged or edited")
            about = json.loads(head["models"])
            return cls(tuple(_model(section, about[section], arrays) for section in sorted(about)))
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as broken:
            raise InputError(
                f"the baseline does not hold together: {broken}", where=str(path), hint="Build it again"
            ) from broken


def is_baseline(path: Path) -> bool:
    """Tell whether a file begins as a baseline of any schema does, damaged or not; one that cannot be read does not."""
    try:
        with path.open("rb") as file:
            return f'{{"__metadata__":{{"{KEY}"'.encode() in file.read(_START)
    except OSError:
        return False


def digest_of(subject: str) -> str:
    """Return what stands for a subject's name in a baseline, which holds no names."""
    return hashlib.blake2b(subject.encode(), digest_size=12).hexdigest()


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
        "principals": model.principals,
        "events": model.events,
        "callers_per_week": model.callers_per_week,
        "span": model.span,
        "alpha": model.alpha,
        "tested": model.tested,
        "sampling": model.sampling,
        "detectors": {
            name: {
                "version": detector.version,
                "benign": detector.ranks.n,
                "peak": detector.peak,
                "least": detector.least,
                **({"allowed": detector.allowed} if detector.allowed else {}),
                **({} if detector.off is None else {"off": detector.off}),
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
        off = stored.get("off")
        detectors[detector] = DetectorBaseline(
            stored["version"],
            params,
            _ranks(int(stored["benign"]), {key: arrays[f"{prefix}/ranks/{key}"] for key in RANKS}),
            _number("peak", stored["peak"]),
            _number("least", stored["least"]),
            {_text(who): _number("allowed", score) for who, score in stored.get("allowed", {}).items()},
            None if off is None else _text(off),
        )
    return ModelBaseline(
        model=unquote(name),
        version=unquote(version) or None,
        created=_text(about["created"]),
        spec=spec,
        knots=arrays[f"{section}/knots"],
        principals=int(about["principals"]),
        events=int(about["events"]),
        callers_per_week=_positive("callers_per_week", float(about["callers_per_week"])),
        span=_positive("span", int(about["span"])),
        alpha=_share("alpha", float(about["alpha"])),
        detectors=detectors,
        tails={kind: _tail(arrays[f"{section}/tail/{kind}"]) for kind in Subject if f"{section}/tail/{kind}" in arrays},
        cells=_cells(section, arrays),
        # Files from before it was known were made of logs that were taken for whole.
        sampling=_positive("sampling", float(about.get("sampling", 1.0))),
        profile=_profile(section, arrays),
        warm=Warm(**about["warm"]) if "warm" in about else None,
        tested=bool(about["tested"]),
    )


def _profile(section: str, arrays: Arrays) -> TrafficProfile | None:
    prefix = f"{section}/portrait/"
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return TrafficProfile.read(held) if held else None


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


def _share(name: str, number: float) -> float:
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number}")
    return number


def _number(name: str, value: Any) -> float:
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} is {number}")
    return number


def _ranks(n: int, held: Arrays) -> TailRanks:
    scores, counts, scales, margins, apart = (held[key] for key in RANKS)
    sound = (
        [held[key].dtype.str for key in RANKS] == ["<f4", "<i8", "<f4", "<f4", "<i8"]
        and n >= 0
        and scores.ndim == 2
        and len(scores) > 0
        and counts.shape == scores.shape[1:]
        and scales.shape == margins.shape == apart.shape == scores.shape[:1]
        and bool(np.isfinite(scores).all() and (np.diff(scores, axis=1) <= 0).all())
        and bool((counts > 0).all() and (np.diff(counts) > 0).all() and (counts <= n).all())
        and bool(np.isfinite(scales).all() and (scales > 0).all())
        and bool(np.isfinite(margins).all() and (margins >= 0).all())
        and bool((apart >= 0).all() and (apart < max(1, scores.shape[1])).all())
        and (n == 0) == (scores.shape[1] == 0)
    )
    if not sound:
        raise ValueError("benign scores are no ranks")
    return TailRanks(n, scores, counts, scales, margins, apart)


def _tail(values: NDArray[Any]) -> JointTail:
    falling = values.ndim == 2 and values.dtype == np.int64 and len(values) > 0 and (np.diff(values, axis=1) <= 0).all()
    if not falling or (values < 0).any():
        raise ValueError("benign evidence is no falling list of whole numbers")
    return JointTail(values)
