"""Model files that run code when they are loaded: pickles above all, and layers that carry programs."""

from collections.abc import Iterable

from caponier.detect.artifact import Judgement, Limits
from caponier.detect.detector import Confidence
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.pickles.rules import Allowance, Rules, shipped
from caponier.matrix.technique import TechniqueId


class UnsafeCode:
    """Lets only known uses of known classes and functions pass, by library and role; anything else is not clean."""

    name = "unsafe_code"
    statistic = "unsafe_uses"
    techniques = (
        TechniqueId("atlas", "AML.T0018.002"),
        TechniqueId("atlas", "AML.T0011.000"),
        TechniqueId("atlas", "AML.T0010.003"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.01"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.01"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.01.02"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.01.02"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.01.01"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.01.01"),
    )
    version = 7
    max_confidence = Confidence.HIGH
    emulations = (
        "plain_pickle_attack",
        "disguised_pickle_attack",
        "broken_pickle_attack",
        "wrapped_pickle_attack",
        "code_layer_attack",
        "compromised_source_attack",
    )
    controls = ("sklearn_models", "torch_checkpoints", "plain_data")

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules

    def extended(self, allowances: Iterable[Allowance]) -> "UnsafeCode":
        """Return this detector with what a user allows as well; see `caponier.app.scan.allowed_names`."""
        return UnsafeCode(shipped().extended(allowances))

    def judge(self, content: memoryview, limits: Limits) -> Judgement:
        """Judge one file; see `caponier.detect.artifact.ArtifactDetector.judge`."""
        return judge(content, limits, self.rules)


detector = UnsafeCode()
