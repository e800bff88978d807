"""The section `[guard]`."""

from typing import Any

import pytest

from caponier.errors import InputError
from caponier.guard.settings import GuardSettings, read_settings
from caponier.telemetry.body_limits import LIMITS, BodyLimits


def test_the_default_only_observes_on_loopback() -> None:
    settings = read_settings({}, "caponier.toml")
    assert (settings.mode, settings.host, settings.fail) == ("observe", "127.0.0.1", "open")
    assert settings.body_limit == 64 * 2**20
    assert settings.limits == LIMITS


def test_limits_can_be_set() -> None:
    settings = read_settings({"expanded_limit_mb": 0.5, "rows_limit": 7, "numbers_limit": 9, "credentials": []}, "x")
    assert settings.limits == BodyLimits(2**19, 7, 9)
    assert settings.credentials == ()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"mod": "enforce"}, "guard.mod: unknown key\nDid you mean 'mode'?"),
        ({"zzz": 1}, "Known here: upstream"),
        ({"mode": "shout"}, "guard.mode: Input should be 'observe' or 'enforce'"),
        ({"metrics_from": ["here"]}, "guard.metrics_from"),
        ({"port": 70_000}, "guard.port"),
        ({"rows_limit": 0}, "guard.rows_limit"),
        ({"trusted_proxies": ["*"]}, "guard.trusted_proxies.0: '*' trusts everybody"),
        ({"trusted_proxies": ["10.0.0.1", "0.0.0.0/0"]}, "'0.0.0.0/0' trusts everybody"),
        ({"credentials": ["x-api-key", "Cookie"]}, "guard.credentials.1: any cookie that a caller adds"),
        ({"trusted_proxies": ["::/0"]}, "'::/0' trusts everybody"),
    ],
)
def test_what_cannot_be_meant_is_an_error(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        read_settings(table, "caponier.toml")
    assert said in str(error.value)


def test_networks_are_read() -> None:
    settings = read_settings({"metrics_from": ["10.0.0.0/8", "::1"]}, "x")
    assert [str(network) for network in settings.metrics_from] == ["10.0.0.0/8", "::1/128"]
    assert GuardSettings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("table", [{}, {"credentials": []}])
def test_without_a_credential_a_session_counts_only_where_it_is_said(table: dict[str, Any]) -> None:
    silent, said = read_settings(table, "f"), read_settings(table | {"session": "x-on-behalf-of"}, "f")
    assert silent.session == said.session == "x-on-behalf-of", "also of those whom a certificate names"
    assert (silent.session_alone, said.session_alone) == (False, True)
    again = GuardSettings.model_validate(silent.model_dump(exclude_unset=True))
    assert not again.session_alone, "also with options of the command line"


@pytest.mark.parametrize("value", [False, "elsewhere/spool"])
def test_the_spool_is_a_folder_or_none(value: object) -> None:
    assert str(read_settings({"spool": value}, "f").spool) == str(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("spool", True), ("spool_limit_mb", 1), ("server", "seldon"), ("lag_limit", 0), ("connections", 0)],
)
def test_what_cannot_be_meant_is_an_error_that_names_the_key(key: str, value: object) -> None:
    with pytest.raises(InputError, match=f"guard.{key}"):
        read_settings({key: value}, "f")
