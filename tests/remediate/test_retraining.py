import numpy as np
from tests.detect.networks.opened import CLASSES

from caponier.detect.networks.architecture import assemble
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import read_contents
from caponier.emulate.victims.digits import load_digits_split
from caponier.emulate.victims.leaking import mislabelled
from caponier.remediate.reference_model import train
from caponier.remediate.retraining import DECAYS, attack_auc, chance, trained_anew


def test_a_network_that_knows_its_rows_by_heart_gives_them_away_and_one_taught_anew_less() -> None:
    split, draws = load_digits_split(5), np.random.default_rng(5)
    pool, others = mislabelled(split.train, 0.2, draws), mislabelled(split.test, 0.2, draws)
    rows, labels = pool.images[:250], pool.labels[:250]
    data = train(rows.astype(float), labels, CLASSES, 5).to_bytes()
    network = assemble(read_contents(memoryview(data), "m"), (8, 8), rows, labels, "m")
    asked = (rows, labels, others.images, others.labels)
    before = attack_auc(network, *asked)
    assert before >= 0.65
    new, decay = trained_anew(network, rows, labels, 5)
    assert decay in DECAYS
    after = attack_auc(new, *asked)
    assert after - 0.5 <= (before - 0.5) / 2
    right = [float((one.answers(others.images) == others.labels).mean()) for one in (network, new)]
    assert right[1] >= right[0] - 0.02
    assert attack_auc(_hiding(network), *asked) >= 0.6, "to hide scores is no defence"


def _hiding(network: Network) -> Network:
    """Return a network that answers the same with the same sureness for all."""
    new = network.copy()
    for name in ("weight", "bias"):
        new.last.tensors[name] = new.last.tensors[name] * np.float32(1e4)
    return new


def test_guessing_is_as_far_off_as_the_error_says() -> None:
    draws = np.random.default_rng(0)
    far = [abs(_auc_of_chance(draws, 60, 90) - 0.5) for _ in range(300)]
    assert 0.8 < np.sqrt(np.mean(np.square(far))) / chance(60, 90) < 1.2
    assert chance(10**6, 10**6) == chance(2_000, 2_000)


def _auc_of_chance(draws: np.random.Generator, members: int, others: int) -> float:
    values = draws.random(members + others)
    return float((values[:members, None] > values[members:]).mean())
