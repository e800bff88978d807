"""The servers of ML people, reached by a stranger."""

from types import MappingProxyType

from caponier.emulate.attack_steps import servers
from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class ReachedServers(StepStory):
    """The servers of ML people, reached by a stranger."""

    name = "reached_servers"
    description = "A stranger reaches the servers of ML people, runs code, reads files, and makes accounts and models"
    techniques = (
        TechniqueId("attack", "T1133"),
        TechniqueId("attack", "T1190"),
        TechniqueId("attack", "T1098"),
        TechniqueId("attack", "T1489"),
        TechniqueId("amltm-2020", "AMLTM.INIT.04"),
        TechniqueId("amltm-2020", "AMLTM.INIT.05"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
    )
    steps = (servers.REACHED, servers.CODE, servers.FILES, servers.RIGHTS, servers.FOREIGN, servers.MANAGED)
    actor = THIEF
    fitting = MappingProxyType({servers.CODE.name: (2, 3, 4, 6, 7)})


STORY = ReachedServers()
