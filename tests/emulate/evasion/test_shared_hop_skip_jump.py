from caponier.emulate.evasion import hop_skip_jump
from caponier.emulate.evasion.shared_hop_skip_jump import EMULATION
from caponier.emulate.victims.digits import Pool, Victim


def test_it_is_the_same_search_with_more_accounts(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    one, many = (
        attack.run(victim.predict_proba, image, label, seed=1, budget=150)
        for attack in (hop_skip_jump.EMULATION, EMULATION)
    )
    assert (one.queries, one.first_distance) == (many.queries, many.first_distance)
    assert (hop_skip_jump.EMULATION.accounts, EMULATION.accounts) == (1, 10)
    assert one.techniques == many.techniques
