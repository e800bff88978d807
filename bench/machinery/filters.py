"""Published filters of poisoned rows, as the Adversarial Robustness Toolbox has them, and one that draws lots."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

HIDDEN, EPOCHS, BATCH = 64, 25, 64


def activation_clustering(x: Rows, y: Labels, share: float, seed: int) -> Mask:
    """Return what Activation Clustering (Chen et al. 2018) flags; it needs no share."""
    from art.defences.detector.poison import ActivationDefence

    defence = ActivationDefence(_network(x, y, seed), x.astype(np.float32), np.eye(y.max() + 1)[y])
    _, clean = defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA")
    return np.array(clean) == 0


def spectral_signatures(x: Rows, y: Labels, share: float, seed: int) -> Mask:
    """Return what Spectral Signatures (Tran, Li, Madry 2018) flags, told the true share."""
    from art.defences.detector.poison import SpectralSignatureDefense

    network = _network(x, y, seed)
    defence = SpectralSignatureDefense(network, x.astype(np.float32), np.eye(y.max() + 1)[y], share, BATCH, 1.5)
    _, clean = defence.detect_poison()
    return np.array(clean) == 0


def lots(x: Rows, y: Labels, share: float, seed: int) -> Mask:
    """Return one and a half times the true share, drawn by lot."""
    flagged = np.zeros(len(y), bool)
    flagged[np.random.default_rng(seed).permutation(len(y))[: int(1.5 * share * len(y))]] = True
    return flagged


FILTERS: Final = {
    "activation_clustering": activation_clustering,
    "spectral_signatures": spectral_signatures,
    "random": lots,
}


def _network(x: Rows, y: Labels, seed: int) -> Any:
    from art.estimators.classification import PyTorchClassifier

    torch.manual_seed(seed)
    classes = int(y.max()) + 1
    model = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))
    scaled = nn.Sequential(_Scaled(x), model[0], model[1], model[2])
    optimizer = torch.optim.Adam(scaled.parameters(), 2e-3)
    network = PyTorchClassifier(scaled, nn.CrossEntropyLoss(), (x.shape[1],), classes, optimizer)
    network.fit(x.astype(np.float32), np.eye(classes)[y].astype(np.float32), BATCH, EPOCHS)
    return network


class _Scaled(nn.Module):
    """Puts columns on one scale, as whoever trains a network on a table does."""

    def __init__(self, x: Rows) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(x.mean(axis=0), dtype=torch.float32))
        self.register_buffer("spread", torch.tensor(np.maximum(x.std(axis=0), 0.05), dtype=torch.float32))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.mean) / self.spread
