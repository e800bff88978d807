"""A stolen account does to an ML system what no rule names."""

from caponier.emulate.attack_steps import acts, planted
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class StrangeActs(StepStory):
    """A stolen account does to an ML system what no rule names."""

    name = "strange_acts"
    description = (
        "Somebody outside destroys, opens, copies and changes parts of an ML system, and blinds its log, by rare calls"
    )
    techniques = (
        TechniqueId("attack", "T1485"),
        TechniqueId("attack", "T1098"),
        TechniqueId("attack", "T1537"),
        TechniqueId("attack", "T1567.002"),
        TechniqueId("attack", "T1578"),
        TechniqueId("attack", "T1562.008"),
        TechniqueId("attack", "T1199"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
    )
    steps = (acts.ENTERED, acts.UNWATCHED, acts.OPENED, acts.CHANGED, acts.COPIED, acts.DESTROYED, planted.UNLOADED)
    actor = "eve"


STORY = StrangeActs()
