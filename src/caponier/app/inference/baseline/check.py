"""Does a baseline still fit a log, and what has changed from one baseline to the next?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from caponier.app.inference.baseline.story import Story, ThresholdStatus, stories
from caponier.app.inference.load import feature_spec, load_events
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.inference.staleness import DriftReport, profile_of
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.local import scan
from caponier.engines.plan import Plan
from caponier.engines.spool import Spool
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows


def check_baseline(
    baseline: Baseline,
    paths: Sequence[Path],
    *,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    progress: Progress | None = None,
) -> list[DriftReport]:
    """Hold the callers in logs against those of a baseline, model by model, without looking for attacks.

    Args:
        baseline: Built with profiles of callers.
        paths: Logs.
        workspace: Its salt keys the digests.
        rejected: Takes the rows that cannot be used.
        options: How the logs are to be read.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs is an event, or none of their models can be compared.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    salt = read_salt(workspace) if workspace else b""
    fits = []
    with Spool() as spool:
        for summary in load_events(spool, paths, rejected, watch, options=options, salt=salt, spec_of=baseline.spec_of):
            section = baseline.of(summary.model, summary.version)
            if section is None or section.profile is None:
                continue
            feature_spec(summary, section.spec)
            encoder = Encoder(section.spec, section.knots)
            rejected.add(spool.wrong_lengths(summary.model, encoder.size))
            watch.stage(f"Comparing {summary.model}", summary.attributed)
            plan = Plan(summary.model, encoder, (), salt, profile=profile_of(section, encoder))
            tally = scan(spool, [plan], progress=watch.advance).tallies[summary.model]
            fits += [fit] if (fit := DriftReport.of(section, tally)) else []
    if not fits:
        raise InputError(
            "the baseline knows the callers of no model in the logs",
            where=", ".join(map(str, paths)),
            hint="Build a baseline of these models; files from before callers were kept must be built again",
        )
    return fits


@dataclass(frozen=True)
class DetectorDifference:
    """What one detector stands on in an older and in a newer baseline of a model; None where it has nothing."""

    detector: str
    old: ThresholdStatus | None
    new: ThresholdStatus | None


@dataclass(frozen=True)
class Comparison:
    """A model in two baselines."""

    old: Story
    new: Story

    @property
    def differences(self) -> Iterator[DetectorDifference]:
        """All detectors of either."""
        before, after = ({one.detector: one for one in story.statuses} for story in (self.old, self.new))
        for name in sorted(before.keys() | after.keys()):
            yield DetectorDifference(name, before.get(name), after.get(name))


def compare_baselines(old: Baseline, new: Baseline) -> list[Comparison]:
    """Put the newest sections of each model that is in both baselines beside each other.

    Raises:
        InputError: If they have no model in common.
    """
    before, after = ({story.section.model: story for story in _newest(one)} for one in (old, new))
    common = [Comparison(before[model], after[model]) for model in before if model in after]
    if not common:
        raise InputError("the baselines have no model in common")
    return common


def _newest(baseline: Baseline) -> list[Story]:
    return [story for story in stories(baseline) if story.section is baseline.newest(story.section.model)]
