import pytest

from caponier.telemetry.principals import principal_of

SALT = b"salt"


@pytest.mark.parametrize("same", ["Bearer s3cret", "bearer s3cret", "BEARER   s3cret ", "Token s3cret", " s3cret"])
def test_a_scheme_says_nothing_about_who_asks(same: str) -> None:
    assert principal_of(same, SALT) == principal_of("s3cret", SALT)


def test_an_account_name_may_hold_spaces() -> None:
    assert principal_of("Ann Smith", SALT) != principal_of("Bob Smith", SALT)


@pytest.mark.parametrize("nobody", [None, "", "  ", "Bearer", "Bearer  "])
def test_without_a_credential_there_is_no_principal(nobody: str | None) -> None:
    assert principal_of(nobody, SALT) is None


def test_a_principal_depends_on_the_salt_and_does_not_show_the_secret() -> None:
    principal = principal_of("s3cret", SALT)
    assert principal is not None
    assert principal != principal_of("s3cret", b"pepper")
    assert principal.startswith("k-")
    assert "s3cret" not in principal
    assert len(principal) == 18
