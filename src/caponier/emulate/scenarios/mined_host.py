"""An intruder runs code of his own on a host of models, sends files away, and destroys what could be restored."""

from caponier.emulate.deeds import hosts
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class MinedHost(DeedStory):
    """An intruder runs code of his own on a host of models, and sends files away."""

    name = "mined_host"
    description = "An intruder on a host opens a shell to the outside or mines coins, sends files to a drop and wipes"
    techniques = (
        TechniqueId("attack", "T1059"),
        TechniqueId("attack", "T1567.002"),
        TechniqueId("attack", "T1490"),
        TechniqueId("attack", "T1486"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.04"),
    )
    deeds = (hosts.STRANGE, hosts.SENT, hosts.UNRECOVERABLE)
    actor = "bob"


STORY = MinedHost()
