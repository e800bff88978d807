"""Tokens: who signed them says whose they are, and nobody else can."""

import hmac
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.errors import InputError
from caponier.guard import token_keys
from caponier.guard.token_keys import Tokens, read_keys
from guard.tokens import SECRET, key_set, number, rsa, text, token

NOW = 1_700_000_000.0
ADA = {"iss": "https://login", "sub": "ada", "iat": 1, "exp": NOW + 100}


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    (tmp_path / "keys.json").write_bytes(orjson.dumps(key_set()))
    return Tokens(read_keys(tmp_path / "keys.json"))


@pytest.mark.parametrize(("alg", "kid"), [("RS256", "r"), ("RS256", None), ("HS256", "h")])
def test_every_token_of_somebody_is_the_same_caller(tokens: Tokens, alg: str, kid: str | None) -> None:
    names = {tokens.subject(token(ADA | {"iat": n, "jti": f"{n}"}, alg, kid), NOW) for n in range(3)}
    assert names == {"https://login\x1fada"}
    assert tokens.subject(token(ADA | {"sub": "bob"}, alg, kid), NOW) == "https://login\x1fbob"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 61}, {"nbf": NOW + 61}, {"sub": None}, {"sub": ""}, {"sub": 7}, {"iss": 7}, {"exp": "late"},
        {"exp": True},
    ],
)  # fmt: skip
def test_a_token_that_says_nothing_or_is_over_names_nobody(tokens: Tokens, claims: dict[str, Any]) -> None:
    assert tokens.subject(token(ADA | claims), NOW) is None


def forged() -> list[str]:
    real = token(ADA)
    signed, _, signature = real.rpartition(".")
    head, claims = signed.split(".")
    public = number(rsa()[0]).encode()
    as_secret = f"{text(orjson.dumps({'alg': 'HS256', 'kid': 'r'}))}.{claims}"
    return [
        token(ADA, seed=2),
        token(ADA, kid="other"),
        token(ADA, alg="RS256", crit=["b64"], b64=False),
        f"{signed}.",
        f"{signed}.{signature[:-4]}AAAA",
        f"{signed}.{text(bytes(256))}",
        f"{signed}.{text(b'xff' * 100)}",
        f"{head}.{text(orjson.dumps(ADA | {'sub': 'bob'}))}.{signature}",
        f"{text(orjson.dumps({'alg': 'none'}))}.{claims}.",
        f"{text(orjson.dumps({'alg': 'none'}))}.{claims}.{signature}",
        f"{as_secret}.{text(hmac.digest(public, as_secret.encode(), 'sha256'))}",
        f"{as_secret}.{text(hmac.digest(SECRET, as_secret.encode(), 'sha256'))}",
        "a.b.c", "a.b", "", "." * 5, "x" * 20_000, f"{real}.", f"{real}.{signature}.x", f" {real}",
    ]  # fmt: skip


def test_what_nobody_signed_names_nobody(tokens: Tokens) -> None:
    # Made here, not where tests are gathered: every worker would look for keys.
    assert [sent for sent in forged() if tokens.subject(sent, NOW) is not None] == []


def test_what_is_remembered_is_bounded_and_still_ends(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_keys, "REMEMBERED", 5)
    one = token(ADA)
    for n in range(9):
        tokens.subject(f"{n}.{n}.{n}", NOW)
        assert tokens.subject(one, NOW) is not None
    assert len(tokens._known) <= 5
    assert tokens.subject(one, NOW + 161) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no json", "not JSON"),
        (b"[]", "no key that can be used"),
        (b'{"keys": []}', "no key that can be used"),
        (b'{"keys": [7, {"kty": "EC"}, {"kty": "RSA", "n": 7}, {"kty": "oct", "use": "enc", "k": "x"}]}', "no key"),
        (orjson.dumps(key_set(k=text(b"short"))), "5 bytes can be guessed"),
        (orjson.dumps(key_set(bits=1024)), "1024 bits"),
    ],
)
def test_keys_that_cannot_be_used_are_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "keys.json").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_keys(tmp_path / "keys.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_keys(tmp_path / "gone.json")
