"""Keys and tokens, made anew for each run."""

import base64
import hashlib
import hmac
import math
import random
from functools import cache
from typing import Any

import orjson

SECRET = b"a secret of at least 32 bytes, as it has to be"
_SMALL = math.prod(n for n in range(3, 2_000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))
_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@cache
def rsa(seed: int = 1, bits: int = 2048) -> tuple[int, int]:
    """Return modulus and private exponent."""
    rng = random.Random(seed)
    first, second = (_prime(rng, bits // 2) for _ in range(2))
    return first * second, pow(65_537, -1, (first - 1) * (second - 1))


def _prime(rng: random.Random, bits: int) -> int:
    while True:
        found = rng.getrandbits(bits) | 3 << (bits - 2) | 1
        hopeful = math.gcd(found, _SMALL) == 1 and (found - 1) % 65_537
        if hopeful and all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7)):
            return found


def key_set(*, bits: int = 2048, **about: Any) -> dict[str, Any]:
    modulus, _ = rsa(bits=bits)
    return {
        "keys": [
            {"kty": "EC", "crv": "P-256", "kid": "ec"},
            {"kty": "oct", "kid": "h", "k": text(SECRET), **about},
            {"kty": "RSA", "kid": "r", "n": number(modulus), "e": number(65_537), "use": "sig"},
        ]
    }


def token(claims: dict[str, Any], alg: str = "RS256", kid: str | None = "r", seed: int = 1, **head: Any) -> str:
    named = {} if kid is None else {"kid": kid}
    signed = f"{text(orjson.dumps({'alg': alg, **named, **head}))}.{text(orjson.dumps(claims))}"
    if alg == "HS256":
        return f"{signed}.{text(hmac.digest(SECRET, signed.encode(), 'sha256'))}"
    modulus, private = rsa(seed)
    info = _INFO + hashlib.sha256(signed.encode()).digest()
    padded = b"\0\x01" + b"\xff" * (256 - len(info) - 3) + b"\0" + info
    return f"{signed}.{text(pow(int.from_bytes(padded, 'big'), private, modulus).to_bytes(256, 'big'))}"
