"""Which emulations and benign controls there are: whatever lies in the folders or is another package's entry point."""

from typing import Final

from caponier.emulate.attack import Attack
from caponier.emulate.benign_client import BenignClient
from caponier.emulate.campaign import Campaign
from caponier.emulate.feedback_source import Source
from caponier.emulate.file_emulation import FileEmulation
from caponier.emulate.log_story import LogStory
from caponier.emulate.new_client import NewClient
from caponier.emulate.poison import ControlDataset, Poison
from caponier.emulate.probe import Probe
from caponier.plugins import Plugins

_HERE: Final = "caponier.emulate"

attacks: Final = Plugins[Attack]("attack", Attack, "EMULATION", (f"{_HERE}.evasion",), "caponier.attacks")
campaigns: Final = Plugins[Campaign]("campaign", Campaign, "CAMPAIGN", (f"{_HERE}.campaigns",), "caponier.campaigns")
probes: Final = Plugins[Probe]("probe", Probe, "PROBE", (f"{_HERE}.discovery",), "caponier.probes")
poisons: Final = Plugins[Poison]("poison", Poison, "EMULATION", (f"{_HERE}.poisoning",), "caponier.poisons")
files: Final = Plugins[FileEmulation](
    "emulation of model files",
    FileEmulation,
    "EMULATION",
    (f"{_HERE}.model_files", f"{_HERE}.controls.model_files"),
    "caponier.model_files",
)
"""Harmful ones and controls; see `FileEmulation.harmful`."""
stories: Final = Plugins[LogStory]("log story", LogStory, "STORY", (f"{_HERE}.scenarios",), "caponier.log_stories")
sources: Final = Plugins[Source](
    "source of feedback",
    Source,
    "SOURCE",
    (f"{_HERE}.feedback", f"{_HERE}.controls.feedback"),
    "caponier.feedback_sources",
)
"""Harmful ones and controls; see `harmful_sources` and `harmless_sources`."""
habits: Final = Plugins[BenignClient](
    "benign client", BenignClient, "HABIT", (f"{_HERE}.controls.clients",), "caponier.benign_clients"
)
newcomers: Final = Plugins[NewClient](
    "newcomer", NewClient, "NEWCOMER", (f"{_HERE}.controls.newcomers",), "caponier.newcomers"
)
"""Harmless callers who do not only predict; see `habits` for the others."""
harmless_sets: Final = Plugins[ControlDataset](
    "control data set", ControlDataset, "HARMLESS", (f"{_HERE}.controls.datasets",), "caponier.control_datasets"
)


def harmful_sources() -> dict[str, Source]:
    """Return the sources of feedback that are attacks."""
    return {name: source for name, source in sources().items() if source.techniques}


def harmless_sources() -> dict[str, Source]:
    """Return the sources of feedback that mean no harm."""
    return {name: source for name, source in sources().items() if not source.techniques}
