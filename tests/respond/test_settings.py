import pytest

from caponier.errors import InputError
from caponier.respond.settings import DEFAULT, read_settings


def test_settings_are_read() -> None:
    table = {"playbooks": ["a.yaml"], "approvers": ["ben"], "gap_days": 3, "shared_addresses": ["10.0.0.0/8", "::1"]}
    settings = read_settings(table, "caponier.toml")
    assert settings.gap.days == 3
    assert settings.shared("10.1.2.3")
    assert settings.shared("::1")
    assert not settings.shared("11.1.2.3")
    assert not settings.shared("cloud-service")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"aprovers": ["ben"]}, "caponier.toml: respond.aprovers: unknown key\nDid you mean 'approvers'?"),
        ({"zzz": 1}, "Known here: playbooks"),
        ({"gap_days": 0}, "respond.gap_days"),
        ({"shared_addresses": ["nowhere"]}, "respond.shared_addresses.0"),
        ({"shared_addresses": [["x"]]}, "respond.shared_addresses.0"),
        ({"approvers": "ben"}, "respond.approvers"),
    ],
)
def test_wrong_settings_are_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(table, "caponier.toml")
    assert said in str(refused.value)


def test_without_a_section_there_are_defaults() -> None:
    assert read_settings({}, "caponier.toml") == DEFAULT
    assert (DEFAULT.gap.days, DEFAULT.approvers, DEFAULT.shipped_playbook) == (7, (), True)


def test_nobody_is_behind_an_address_that_is_none() -> None:
    settings = read_settings({"shared_addresses": ["0.0.0.0/0"]}, "caponier.toml")
    assert settings.shared("8.8.8.8")
    assert not settings.shared("::1")
    assert not settings.shared("10.0.0.1 curl/8")
