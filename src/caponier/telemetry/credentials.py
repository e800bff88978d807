"""Credentials in headers, parsed to the value that a server goes by: one key is one caller, however it is written.

Servers differ in what they forgive: the case of a scheme, tabs, padding of base64, a second header. Whoever may choose
among spellings that the server takes for the same must not become another caller with each of them. So what is the same
value gets one form, and what cannot be read strictly is no credential: it names nobody.
"""

import base64
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson

SCHEMES: Final = frozenset({"bearer", "basic", "token", "apikey"})
"""Schemes of the `Authorization` header, which say nothing about who asks; they are not case-sensitive (RFC 9110)."""
SCHEMED: Final = ("authorization", "proxy-authorization")
"""Headers whose value begins with a scheme."""
KEYED: Final = ("x-api-key", "api-key", "apikey")
"""Headers that hold a key and nothing else."""
LONGEST: Final = 16_384
"""Characters of a credential."""
LONGEST_KEPT: Final = 256
MOST_KEPT: Final = 8_192
"""Credentials up to that length of which the form is remembered, the last ones."""
MOST_PARTS: Final = 16
"""Parts of an unclear value that may be the credential; as many of its beginning as of its end."""

_UUID: Final = re.compile(r"[0-9a-f]{32}")
_LONGEST_UUID: Final = 100
_IGNORABLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that are not shown and that lenient readers leave out (Unicode: Default_Ignorable_Code_Point)."""
_SECRET: Final = re.compile(r"[!-~]+")
_SEPARATORS: Final = re.compile(r"[\s,;\"]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ShownCredential:
    """What a request shows of who asks."""

    value: str | None = None
    """The credential in its one form; None where there is none, or more than one, or one that cannot be read."""
    unclear: bool = False
    """Whether something was shown, but not one credential."""
    possible: tuple[str, ...] = ()
    """Where it is unclear: what a server may take for the credential."""

    @property
    def unproven(self) -> bool:
        """Whether it is a token's header and claims, which are no secret: only its signature would tell whose it is.

        Claims stand in logs and can be guessed, and any signature may be put behind them.
        """
        head, *parts = (self.value or "").split(".")
        return len(parts) == 1 and _is_jose(head)


def shown(headers: Iterable[tuple[str, str]], names: Sequence[str]) -> ShownCredential:
    """Read the credential of a request.

    Only one credential names the caller. With two that differ nobody here knows which of them the server went by: the
    first in any order could be made up anew for each query, and so could any combination. Neither counts then.

    Args:
        headers: Names, in lower case, and values; a name may be repeated.
        names: Headers in which callers may show who they are.
    """
    meant = {header_name(name) for name in names}
    spelt = ((header_name(name), value) for name, value in headers)
    given = [(name, value) for name, value in spelt if name in meant and _says_something(value)]
    if not given:
        return ShownCredential()
    first, *others = [value_of(value, name) for name, value in given]
    if first is not None and others.count(first) == len(others):
        return ShownCredential(first)
    possible = [part for name, value in given for part in _possible(value, name)]
    return ShownCredential(unclear=True, possible=tuple(_ends(list(dict.fromkeys(possible)))))


def header_name(name: str) -> str:
    """Return a header's name as those servers know it that make a variable of it, as with WSGI and CGI."""
    return name.replace("_", "-")


def value_of(credential: str, header: str = "") -> str | None:
    """Return the one form of a credential; None if it cannot be read strictly. The form of a form is itself.

    Args:
        credential: The value of a header.
        header: Which, in lower case; by default any that holds a key, an account name, or a scheme and a key.
    """
    # The same few keys come again and again. What is longer than a key is anybody's, and would fill memory.
    return _kept_value(credential, header) if len(credential) <= LONGEST_KEPT else _value_of(credential, header)


def _value_of(credential: str, header: str) -> str | None:
    words = credential.split() if len(credential) <= LONGEST else []
    if not words:
        return None
    scheme = words[0].lower()
    if scheme in SCHEMES:
        return _under(scheme, words[1]) if len(words) == 2 else None
    if header in SCHEMED:
        # A scheme that is glued to its key is no scheme, and servers that skip its letters do not look at them.
        return _secret(words[0]) if len(words) == 1 and not scheme.startswith(tuple(SCHEMES)) else None
    if header in KEYED:
        return _secret(words[0]) if len(words) == 1 else None
    if len(words) == 1 and _SECRET.fullmatch(words[0]):
        return _unsigned(words[0])
    name = unicodedata.normalize("NFC", " ".join(_IGNORABLE.sub("", credential).split()))
    return name if name and name.isprintable() else None


_kept_value = lru_cache(MOST_KEPT)(_value_of)


def _under(scheme: str, word: str) -> str | None:
    if scheme == "basic":
        return _basic(word)
    word = word.removeprefix("token=")
    return _secret(word[1:-1] if len(word) > 2 and word[0] == word[-1] == '"' else word)


def _secret(word: str) -> str | None:
    return _unsigned(word) if _SECRET.fullmatch(word) and not set(word) & set(',;"') else None


def _unsigned(token: str) -> str | None:
    """Return a JSON Web Token without what can be rewritten and still be valid: its signature, bits behind its end."""
    head, *parts = token.split(".")
    if len(parts) not in (2, 4) or not _is_jose(head):
        return _plain_key(token)
    if len(parts) == 2:
        return f"{head}.{parts[0]}"
    held = [_bytes(part, _BASE64URL) for part in parts]
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in held if part is not None]
    return ".".join([head, *encoded]) if len(encoded) == 4 else None


def _plain_key(key: str) -> str:
    """Return a key that is a UUID as its digits alone: stores that keep it as such take it in any case and frame."""
    digits = key.lower().removeprefix("urn:").removeprefix("uuid:").strip("{}()").replace("-", "")
    return digits if len(key) <= _LONGEST_UUID and _UUID.fullmatch(digits) else key


def _is_jose(head: str) -> bool:
    try:
        found = orjson.loads(_bytes(head, _BASE64URL) or b"")
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and "alg" in found


def _basic(word: str) -> str | None:
    """Return account and password in the one form of base64.

    Directories take an account in any case, and texts in any of Unicode's forms; passwords are exact.
    """
    data = _bytes(word, _BASE64)
    if not data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    account, colon, password = unicodedata.normalize("NFKC", text).strip().partition(":")
    # As SASLprep (RFC 4013) and directories do: nothing for what nobody sees, one space for several.
    account = " ".join(_IGNORABLE.sub("", account).split())
    plain = f"{account.casefold()}{colon}{password}" if colon else account
    return base64.b64encode(plain.encode()).decode() if plain and plain.isprintable() else None


def _bytes(text: str, alphabet: re.Pattern[str]) -> bytes | None:
    """Decode base64 with its padding or without any; None if it is anything else.

    One alphabet only: what belongs to the other one is decoded by some servers, and skipped by others.
    """
    bare = text.rstrip("=")
    if not alphabet.fullmatch(bare) or len(bare) % 4 == 1 or (text != bare and len(text) != (len(bare) + 3) // 4 * 4):
        return None
    return base64.urlsafe_b64decode(bare.replace("+", "-").replace("/", "_") + "=" * (-len(bare) % 4))


def base64url(text: str) -> bytes | None:
    """Decode base64url (RFC 4648, section 5) with its padding or without any; None if it is anything else."""
    return _bytes(text, _BASE64URL)


def _says_something(value: str) -> bool:
    """Tell whether there is more than a scheme."""
    words = value[: LONGEST + 1].split(maxsplit=1)
    return len(words) > 1 or (bool(words) and words[0].lower() not in SCHEMES)


def _possible(value: str, header: str) -> list[str]:
    """Return what a lenient server may find in a value, in the order of the value."""
    strict = value_of(value, header)
    if strict is not None:
        return [strict]
    words = [word for word in _SEPARATORS.split(value[:LONGEST]) if word]
    found = [one for word in _ends(words) if (one := value_of(word)) is not None]
    if words and words[0].lower() == "basic":
        text = "".join(words[1:]).partition("=")[0]
        for plain in (text, text.replace("-", "+").replace("_", "/")):
            bare = re.sub(r"[^A-Za-z0-9+/]", "", plain)
            found += [one for cut in (0, 1) if (one := _basic(bare[: len(bare) - cut])) is not None]
    return found


def _ends(parts: Sequence[str]) -> Sequence[str]:
    return parts if len(parts) <= 2 * MOST_PARTS else [*parts[:MOST_PARTS], *parts[-MOST_PARTS:]]
