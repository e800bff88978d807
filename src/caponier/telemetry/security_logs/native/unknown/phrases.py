"""What a sentence of a log tells of who did it, from where and how it ended.

`Failed login attempt for user 'ada' from 203.0.113.9` has a hundred variants, but all name an address behind a word of
where from, a name behind a word of who, and a word of how it ended.
"""

import re
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.network.forms import is_address
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS

READ: Final = 4_096
"""Characters of a sentence that are looked at."""
_ADDRESS: Final = (
    r"(?:\[?((?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
    r"|(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?![\w:]))\]?)"
)
_ANY_ADDRESS: Final = re.compile(_ADDRESS)
_FROM: Final = re.compile(
    r"(?i)\b(?:from|client(?:[_ -]?(?:ip|addr\w*))?|ip(?:[_ -]?addr\w*)?|(?:ip)?v?[46]|peer(?:[_ -]?ip)?|remote\w*"
    r"|rhost|src(?:[_ -]?ip)?|source(?:[_ -]?ip)?|address|by|host)"
    r"(?:[\s=:\[('\"]|ip\b|address\b|host\b|is\b){1,8}[\"'(]*" + _ADDRESS
)
_NAME: Final = r"[\"'`\[(<\\]{0,3}([\w.@+$\\\-]{1,128})"
_WHO: Final = re.compile(
    rf"(?i)\b(?:user(?:[_ -]?(?:name|id))?|account(?:[_ -]?name)?|login(?:[_ -]?name)?|e-?mail|usr)"
    rf"(?: ?[=:] ?|\s(?:\[[\w .\-]{{1,64}}\]\\)?){_NAME}"
)
_FOR: Final = re.compile(rf"(?i)\b(?:for|of)\s+(?:invalid |unknown |the )?(?:user\s+)?{_NAME}")
_NOBODY: Final = frozenset(
    [
        *("name", "from", "with", "is", "was", "has", "not", "and", "or", "the", "in", "on", "at", "to", "failed"),
        *("failure", "success", "successful", "attempt", "attempts", "logged", "login", "does", "agent", "user", "id"),
        *("invalid", "unknown", "using", "by", "for", "session", "authenticated", "authentication", "error", "null"),
        *("account", "password", "a", "an", "this", "that", "ip", "client", "group", "request", "connection"),
    ]
)
"""Words behind such a word that are no name."""
_QUOTED: Final = re.compile(r"\"[^\"]{0,512}\"|'[^']{0,512}'")
_PATH: Final = re.compile(r"\S*[/\\]\S*")
_ENTERS: Final = re.compile(
    r"(?i)\b(?:log(?:ged|ging|s)?[ _-]?[io]n|sign(?:ed|ing)?[ _-]?[io]n|auth|authenticat\w*|(?:auth|login)[_-]\w+"
    r"|passwords?|passphrase|credentials?|session opened)\b"
)
_BAD: Final = re.compile(
    r"(?i)(?:\b|_)(?:fail\w*|failure|invalid|incorrect|unsuccess\w*|den(?:y|ied)|reject\w*|bad|wrong|mismatch\w*|unable"
    r"|unauthori[sz]ed|not? (?:valid|allowed|match\w*|found|authenticated|such)|refused|error|bann?ed|block\w*)\b"
)
_GOOD: Final = re.compile(
    r"(?i)\b(?:success\w*|succeeded|accepted|granted|logged[ -]in|signed[ -]in|authenticated|opened|ok)\b"
)


def understand(text: str, fields: Fields) -> bool:
    """Fill in who, from where and how it ended, as far as a sentence says it and no field does.

    Args:
        text: The sentence.
        fields: Of the event; filled in place.

    Returns:
        Whether it tells of a login.
    """
    text = text[:READ]
    enters = _ENTERS.search(_PATH.sub(" ", text)) is not None
    address = _where(text)
    if address is not None:
        fields.setdefault("src_ip", address)
    who = _who(text)
    if who is not None and "user" not in fields and "account" not in fields:
        fields["user"] = who
    ended = FAILURE if _BAD.search(text) else SUCCESS if _GOOD.search(text) else None
    if not enters or ended is None:
        return False
    fields.setdefault("outcome", ended)
    return "src_ip" in fields


def _where(text: str) -> str | None:
    """Return the address behind the last word of where from; else the only one that there is."""
    # What stands in quotes is what somebody sent, unless it is the address itself.
    plain = _QUOTED.sub(lambda quoted: quoted[0] if is_address(quoted[0][1:-1]) else '""', text)
    said = [found[1] for found in _FROM.finditer(plain) if is_address(found[1])]
    if said:
        return _short(said[-1])
    there = {found[1] for found in _ANY_ADDRESS.finditer(plain) if is_address(found[1])}
    return _short(there.pop()) if len(there) == 1 else None


def _short(address: str) -> str:
    mapped = address.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else address


def _who(text: str) -> str | None:
    for words in (_WHO, _FOR):
        for found in words.finditer(text):
            name = found[1].rstrip(".,;:\\-")
            if name.lower() not in _NOBODY and not is_address(name) and not name.isdecimal():
                return name
    return None
