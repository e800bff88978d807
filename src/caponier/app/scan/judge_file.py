"""Let one detector judge the content of one file, and take a detector that breaks down for one that knows nothing.

The file is hostile and the detector may be somebody else's. If one of them could end the scan, one file would hide all
others: so this is a border at which everything is caught, and what was caught is the reason in the report.
"""

import os
import pickle

from caponier.app.scan.file_content import Content
from caponier.detect.artifact import ArtifactDetector, Judgement, Limits, Verdict
from caponier.detect.model import ModelAnalysis, ModelDetector, ReadModel, silent
from caponier.plugins import words_of

_UNKNOWN = "unknown"


def judge_file(detector: ArtifactDetector, content: Content, limits: Limits) -> Judgement:
    """Judge a file. Where only its beginning was read it can be unsafe, but never clean."""
    if content.mapped and hasattr(os, "fork"):
        return _apart(detector, content, limits)
    return _judged(detector, content, limits)


def _apart(detector: ArtifactDetector, content: Content, limits: Limits) -> Judgement:
    """Judge a file that is mapped in a process of its own, because whoever shortens the file would end this one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(_judged(detector, content, limits), pipe)
            status = 0
        finally:
            # Half a judgement is none.
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    judgement = pickle.loads(told) if status == 0 and told else None  # noqa: S301 - written by this very program
    if isinstance(judgement, Judgement):
        return judgement
    return Judgement(Verdict.UNKNOWN, _UNKNOWN, ("was changed while it was read, or ended the process that judged it",))


def _judged(detector: ArtifactDetector, content: Content, limits: Limits) -> Judgement:
    try:
        judgement = detector.judge(content.data, limits)
        if not isinstance(judgement, Judgement):
            raise TypeError(f"a {type(judgement).__name__} is no judgement")
    except MemoryError:
        judgement = Judgement(Verdict.UNKNOWN, _UNKNOWN, ("takes more memory to judge than there is",))
    except RecursionError:
        judgement = Judgement(Verdict.UNKNOWN, _UNKNOWN, ("is nested more deeply than a scan looks",))
    except KeyboardInterrupt:
        raise
    # The border at which one file must not hide the others: the panic of an extension module is no Exception.
    except BaseException as failed:  # noqa: BLE001 - as above
        said = ": ".join(filter(None, [type(failed).__name__, words_of(failed)]))
        reason = f"the detector {detector.name} broke down on it: {said}"
        judgement = Judgement(Verdict.UNKNOWN, _UNKNOWN, (reason,))
    if content.problem is None or judgement.verdict is Verdict.UNSAFE:
        return judgement
    return Judgement(Verdict.UNKNOWN, judgement.kind, (content.problem,), facts=judgement.facts)


def judge_model(detector: ModelDetector, model: ReadModel) -> ModelAnalysis:
    """Let a detector judge a network; one that breaks down is one that cannot speak."""
    try:
        analysis = detector.analyse(model)
        if not isinstance(analysis, ModelAnalysis):
            raise TypeError(f"a {type(analysis).__name__} is no analysis of a model")
    except KeyboardInterrupt:
        raise
    # The same border: the numbers are those of a hostile file, and the detector may be somebody else's.
    except BaseException as failed:  # noqa: BLE001 - as above
        return silent(f"it broke down on it: {': '.join(filter(None, [type(failed).__name__, words_of(failed)]))}")
    return analysis
