"""Control: weights as torch keeps them, in the new format and in the old one."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.extras import needs
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class TorchCheckpoints:
    """Writes state dictionaries, whole modules and optimizers with torch."""

    name: ClassVar[str] = "torch_checkpoints"
    description: ClassVar[str] = "torch state dictionaries, modules and optimizers, in the new and the old format"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    harmful: ClassVar[bool] = False

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        del canary
        with needs("torch", "Writing torch checkpoints"):
            import torch
        # The generator of whoever calls stays as it was, and the weights are the same ones every time.
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.BatchNorm1d(3))
        optimizer = torch.optim.Adam(net.parameters())
        net(torch.ones(2, 4)).sum().backward()
        optimizer.step()
        things = {
            "weights": net.state_dict(),
            "module": net,
            "checkpoint": {"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()},
            "half": torch.zeros(5, dtype=torch.bfloat16),
        }
        paths = [folder / f"{name}{ending}" for name in things for ending in (".pt", "-old.pt", ".pkl")]
        for name, thing in things.items():
            torch.save(thing, folder / f"{name}.pt")
            torch.save(thing, folder / f"{name}-old.pt", _use_new_zipfile_serialization=False)
            (folder / f"{name}.pkl").write_bytes(pickle.dumps(thing))
        return paths


EMULATION = TorchCheckpoints()
