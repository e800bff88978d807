from caponier.demo.keys import SALT, attacker_key, principal
from caponier.telemetry.principals import principal_of


def test_a_key_has_one_principal_in_every_run() -> None:
    assert principal("key") == principal_of("Bearer key", SALT)
    assert principal(None) is None
    assert principal("key") != principal("other")


def test_the_salt_is_long_enough_for_a_workspace() -> None:
    assert 16 <= len(SALT) <= 64


def test_each_attack_has_a_key_of_its_own() -> None:
    keys = [attacker_key(name, seed, at) for name in ("jbda", "boundary") for seed in (0, 1) for at in (0, 1)]
    assert len(set(keys)) == len(keys)
