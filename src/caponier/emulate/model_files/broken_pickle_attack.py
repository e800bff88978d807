"""Exception-oriented attacks: the file breaks after the call has run, so a scanner that gives up sees nothing."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.emulate.attacker.pickle_stream import called, ended, named, text
from caponier.emulate.file_emulation import PICKLE_EMBEDDING, command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class BrokenPickleAttack:
    """Writes pickles that no program can load to the end, and that have done their work by then."""

    name: ClassVar[str] = "broken_pickle_attack"
    description: ClassVar[str] = "pickles that call os.system and then break off, raise, or go on as nonsense"
    techniques: ClassVar[tuple[TechniqueId, ...]] = PICKLE_EMBEDDING
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        call = called(named("os", "system"), text(command(canary)))
        whole = ended(call)
        contents = {
            "no-end.pkl": whole[:-1],
            "nonsense.pkl": whole[:-1] + b"\xff\xfe\x00nonsense",
            "empty-stack.pkl": whole[:-1] + pickle.POP * 4 + pickle.STOP,
            "no-such-memo.pkl": whole[:-1] + pickle.BINGET + b"\xc8" + pickle.STOP,
            "long-text.pkl": whole[:-1] + pickle.BINUNICODE8 + b"\xff" * 8,
            "invalid-text.pkl": whole[:-1] + pickle.BINUNICODE + b"\x02\x00\x00\x00\xff\xff" + pickle.STOP,
            "bad-protocol.pkl": b"\x80\x02" + call + b"\x80\x63" + pickle.STOP,
        }
        return write_all(folder, contents)


EMULATION = BrokenPickleAttack()
