"""A stolen account changes models and endpoints of a data platform."""

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenPlatform(StepStory):
    """A stolen account changes models and endpoints of a data platform."""

    name = "taken_platform"
    description = "Somebody outside fetches or replaces models of Databricks, or deletes what serves them"
    techniques = (
        TechniqueId("attack", "T1525"),
        TechniqueId("attack", "T1489"),
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    steps = (cloud_services.PLATFORM,)
    actor = "eve@example.org"


STORY = TakenPlatform()
