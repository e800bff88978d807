"""Adversarial images made on a network of the attacker's own, by ART and by somebody who knows the detection."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from caponier.detect.enrichments.class_distance import enrichment as class_distance
from caponier.emulate.images import CLASSES, SIDE
from caponier.records.inventory import FeatureSpec

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
EPOCHS: Final = 8
LOT: Final = 64
STEPS: Final = 50


def small_cnn(images: Images, labels: Labels, seed: int) -> nn.Module:
    """Train a convolutional network on images (n, 64) of 8x8 pixels."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        *(nn.Unflatten(1, (1, SIDE, SIDE)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, CLASSES)),
    )
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(LOT):
            loss = nn.functional.cross_entropy(net(torch.from_numpy(images)[rows]), torch.from_numpy(labels)[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


def scores_of(net: nn.Module) -> Callable[[Images], NDArray[np.float64]]:
    """Return a network as rows (n, d) to scores (n, 10)."""

    def predict(rows: Images) -> Any:
        with torch.no_grad():
            return torch.softmax(net(torch.from_numpy(np.ascontiguousarray(rows, np.float32))), 1).double().numpy()

    return predict


def made(attack: str, net: nn.Module, images: Images, labels: Labels, size: float, confidence: float) -> Images:
    """Make adversarial images by the Adversarial Robustness Toolbox.

    Args:
        attack: `fgsm`, `pgd` or `cw`.
        net: The attacker's own network.
        images: Shape (n, d), values in 0..1.
        labels: Their true classes (n,).
        size: Most that a pixel is changed; `cw` knows no bound.
        confidence: By how much `cw` wants the other class to be ahead.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import CarliniL2Method, FastGradientMethod, ProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier
    known = PyTorchClassifier(net, nn.CrossEntropyLoss(), images.shape[1:], CLASSES, clip_values=(0.0, 1.0))
    if attack == "fgsm":
        chosen = FastGradientMethod(known, eps=size)
    elif attack == "pgd":
        chosen = ProjectedGradientDescent(known, eps=size, eps_step=size / 8, max_iter=20, verbose=False)
    else:
        limits = {"max_iter": 100, "binary_search_steps": 4, "max_halving": 3, "max_doubling": 5}
        chosen = CarliniL2Method(
            known, confidence=confidence, initial_const=10, learning_rate=0.05, batch_size=LOT, verbose=False, **limits
        )
    found: Images = chosen.generate(images, np.eye(CLASSES)[labels]).astype(np.float32)
    return found


def adaptive(net: nn.Module, images: Images, labels: Labels, held: Images, spec: FeatureSpec, size: float) -> Images:
    """Make adversarial images that also keep low whatever the detection looks at, as far as the attacker can tell.

    The attacker knows this project, and estimates each figure with the own network and the images held: the distance
    from the class that is to be answered, the ratio of neighbours, and how far squeezing moves the scores, through a
    smooth stand-in for rounding (Carlini, Wagner 2017; Athalye et al. 2018).

    Args:
        net: The attacker's own network.
        images: Shape (n, d).
        labels: Their true classes (n,).
        held: Benign images (m, d) that the attacker has.
        spec: What the model takes.
        size: Most that a pixel is changed.
    """
    predict = scores_of(net)
    learned = class_distance.fit(predict, held, spec)
    means, whitening = (torch.from_numpy(learned[name]).float() for name in ("means", "whitening"))
    answers, known = torch.from_numpy(predict(held).argmax(axis=1)), torch.from_numpy(held)
    start = torch.from_numpy(images)
    ranked = predict(images)
    ranked[np.arange(len(labels)), labels] = -1
    target = torch.from_numpy(ranked.argmax(axis=1))
    at, x = torch.arange(len(images)), start.clone()
    for _ in range(STEPS):
        x.requires_grad_(True)
        outputs = net(x)
        others = outputs.clone()
        others[at, target] = -torch.inf
        behind = torch.relu(others.max(dim=1).values - outputs[at, target] + 5)
        off = torch.einsum("ni,nij->nj", x - means[target], whitening[target])
        distance = off.square().mean(dim=1).sqrt()
        near = torch.cdist(x, known)
        same = answers[None] == target[:, None]
        own, other = (near.masked_fill(mask, torch.inf).min(dim=1).values for mask in (~same, same))
        rounded = torch.sigmoid(20 * (x - 0.5))
        moved = (torch.softmax(outputs, 1) - torch.softmax(net(rounded), 1)).abs().sum(dim=1)
        loss = (behind + distance + own / (other + 1e-3) + moved).sum()
        (gradient,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            x = x - 2.5 * size / STEPS * gradient.sign()
            x = torch.clamp(torch.maximum(torch.minimum(x, start + size), start - size), 0, 1)
    return x.detach().numpy()
