"""An intruder runs code of his own on a host of models, sends files away, and destroys what could be restored."""

from caponier.emulate.attack_steps import hosts, planted, taken
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId

_STAYS = (
    *(planted.SECRETS, planted.STAYED, planted.START_FILE, planted.BLINDED),
    *(planted.MEMBER, planted.MEMORY, planted.CLEARED, planted.ENTRY, planted.SCRIPT),
)


class MinedHost(StepStory):
    """An intruder runs code of his own on a host of models, and sends files away."""

    name = "mined_host"
    description = (
        "An intruder on a host opens a shell to the outside or mines coins, sends files to a drop, stays and wipes"
    )
    techniques = (
        TechniqueId("attack", "T1059"),
        TechniqueId("attack", "T1059.001"),
        TechniqueId("attack", "T1567.002"),
        TechniqueId("attack", "T1490"),
        TechniqueId("attack", "T1486"),
        TechniqueId("attack", "T1485"),
        TechniqueId("attack", "T1136"),
        TechniqueId("attack", "T1098.004"),
        TechniqueId("attack", "T1562.001"),
        TechniqueId("attack", "T1070.001"),
        TechniqueId("attack", "T1003.001"),
        TechniqueId("attack", "T1003"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.04"),
    )
    steps = (hosts.STRANGE, hosts.SENT, hosts.UNRECOVERABLE, taken.DELETED, *_STAYS)
    actor = "bob"


STORY = MinedHost()
