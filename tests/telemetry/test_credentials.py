"""One key is one caller: whatever spelling of it a server takes gives the same value, or none."""

import base64
import re
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry import credentials
from caponier.telemetry.credentials import LONGEST, shown, value_of
from caponier.telemetry.principals import principal_of

NAMES = ("authorization", "x-api-key")
KEY = "sk-7Qw|x9.Z_=~"
ACCOUNT, PASSWORD = "ann", "pa55 word"
PAIR = base64.b64encode(f"{ACCOUNT}:{PASSWORD}".encode()).decode()
Headers = list[tuple[str, str]]
Accepts = Callable[[Headers], str | None]
"""A server: from the headers of a request to the credential that it goes by."""


def encoded(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


TOKEN = f"{encoded(orjson.dumps({'alg': 'ES256'}))}.{encoded(orjson.dumps({'sub': 'ann'}))}"


def last(headers: Headers, name: str) -> str | None:
    return next((value for known, value in reversed(headers) if known == name), None)


def first(headers: Headers, name: str) -> str | None:
    return next((value for known, value in headers if known == name), None)


def split_at_space(headers: Headers) -> str | None:
    """As the security helpers of FastAPI do."""
    scheme, _, rest = (first(headers, "authorization") or "").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


def second_word(headers: Headers) -> str | None:
    """As many services do: `header.split()[1]`, whatever the scheme."""
    words = (last(headers, "authorization") or "").split()
    return words[1] if len(words) > 1 else None


def last_word(headers: Headers) -> str | None:
    words = (first(headers, "authorization") or "").split()
    return words[-1] if words else None


def by_pattern(headers: Headers) -> str | None:
    found = re.match(r"\s*bearer\s+(\S+)", first(headers, "authorization") or "", re.I)
    return found and found[1]


def by_parameters(headers: Headers) -> str | None:
    """As Rails does, which takes further parameters for options."""
    value = re.sub(r"^(Token|Bearer)\s+", "", first(headers, "authorization") or "")
    one = re.split(r"\s*(?:,|;|\t)\s*", value)[0]
    return one.removeprefix("token=").strip('"')


def without_the_word(headers: Headers) -> str | None:
    return (first(headers, "authorization") or "").replace("Bearer ", "").strip()


def after_seven(headers: Headers) -> str | None:
    value = first(headers, "authorization") or ""
    return value[7:].strip() if value[:6].lower() == "bearer" else None


def joined(headers: Headers) -> str | None:
    """As a server that joins repeated headers, and takes the first of what it joined."""
    value = ", ".join(value for name, value in headers if name == "authorization").split(",")[0].split()
    return value[1] if len(value) == 2 and value[0].lower() == "bearer" else None


def key_header(headers: Headers) -> str | None:
    return (last(headers, "x-api-key") or "").strip()


def first_key_header(headers: Headers) -> str | None:
    return (first(headers, "x-api-key") or "").split(",")[0].strip()


SERVERS: list[Accepts] = [
    split_at_space, second_word, last_word, by_pattern, by_parameters, without_the_word, after_seven, joined,
    key_header, first_key_header,
]  # fmt: skip

SPACE = st.text(" \t\x0b\x0c\x85\xa0", max_size=4)
JUNK = st.one_of(st.text(max_size=12), st.sampled_from([KEY, "Bearer", "x y", "a,b", "realm=x", "Basic", "", PAIR]))
SCHEME = st.sampled_from(["Bearer", "bearer", "BEARER", "BeArEr", "Token", "ApiKey", "Basic", "Digest", "Xyz", ""])


@st.composite
def value(draw: st.DrawFn) -> str:
    """A value in which the key may be, among whatever else."""
    key = draw(st.sampled_from([KEY, KEY, f'"{KEY}"', f'token="{KEY}"', f"token={KEY}", KEY.replace("-", "%2D"), ""]))
    parts = [draw(SPACE), draw(SCHEME), draw(st.sampled_from([" ", "\t\t", "", ":", "  "])), key, draw(SPACE)]
    where = draw(st.integers(0, len(parts)))
    return "".join([*parts[:where], draw(st.one_of(st.just(""), JUNK)), *parts[where:]])


REQUESTS = st.lists(st.tuples(st.sampled_from([*NAMES, "cookie"]), st.one_of(value(), JUNK)), max_size=4)


@settings(max_examples=400, deadline=None)
@given(headers=REQUESTS)
def test_what_a_server_takes_for_the_key_has_its_name_or_none(headers: Headers) -> None:
    if any(accepts(headers) == KEY for accepts in SERVERS):
        assert shown(headers, NAMES).value in (KEY, None)


@settings(max_examples=400, deadline=None)
@given(headers=REQUESTS)
def test_two_headers_name_the_caller_only_where_they_agree(headers: Headers) -> None:
    """Adding a header to a request does not make another caller of it."""
    alone = shown([("authorization", f"Bearer {KEY}")], NAMES)
    assert alone.value == KEY
    for order in ([("authorization", f"Bearer {KEY}"), *headers], [*headers, ("authorization", f"Bearer {KEY}")]):
        assert shown(order, NAMES).value in (KEY, None)


@pytest.mark.parametrize(
    "same",
    [
        f"Bearer {KEY}", f"bearer\t\t{KEY}", f"  BEARER \t {KEY}\t ", f"Token {KEY}", f'Token token="{KEY}"',
        f"ApiKey {KEY}", KEY, f" {KEY}\xa0", f'Bearer "{KEY}"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", NAMES)
def test_spellings_of_a_key_are_one(same: str, header: str) -> None:
    assert shown([(header, same)], NAMES).value == value_of(same) == KEY


@pytest.mark.parametrize(
    "none",
    [
        f"Bearer {KEY} junk", f"Bearer {KEY}, Bearer x", f"Bearer {KEY},x", f"Bearer {KEY};x",
        f"Bearer:{KEY}", f"Bearer{KEY}", f"Basic {PAIR[:-2]}_",
        f"Digest {KEY}", f"Negotiate {KEY}", f"Bearer {KEY}é", f"Bearer {KEY}\u200b", f"Bearer {KEY}\x00",
        "Bearer " + "x" * LONGEST, f"Basic {PAIR}!", f"Basic {PAIR[:9]} {PAIR[9:]}", f"Basic {PAIR}====", "Basic ab=",
        "Basic abcde", f"Basic {encoded(b'ann:pw' + bytes(1) + b'x')}",
    ],
)  # fmt: skip
def test_what_cannot_be_read_strictly_names_nobody_but_counts_as_unclear(none: str) -> None:
    found = shown([("authorization", none)], NAMES)
    assert found.value is None
    assert found.unclear


@pytest.mark.parametrize("nothing", [[], [("cookie", "x")], [("authorization", " ")], [("x-api-key", "Bearer\t")]])
def test_nothing_is_not_unclear(nothing: Headers) -> None:
    assert not shown(nothing, NAMES).unclear
    assert shown([*nothing, ("x-api-key", KEY)], NAMES).value == KEY


@st.composite
def basic(draw: st.DrawFn) -> str:
    """Account and password in base64, as it may be mangled."""
    account = "".join(draw(st.sampled_from([one.lower(), one.upper()])) for one in ACCOUNT)
    text = f"{draw(SPACE)}{account}:{PASSWORD}{draw(st.sampled_from(['', chr(10), ' ']))}"
    word = base64.b64encode(text.encode()).decode()
    if draw(st.booleans()):
        word = word.replace("+", "-").replace("/", "_")
    if draw(st.booleans()):
        word = word.rstrip("=")
    where = draw(st.integers(0, len(word)))
    return word[:where] + draw(st.one_of(st.just(""), st.text("!*. =-_,\n%~é", max_size=3))) + word[where:]


@settings(max_examples=400, deadline=None)
@given(word=basic())
def test_what_a_lenient_base64_takes_for_the_account_has_its_name_or_none(word: str) -> None:
    try:
        # Python's own skips whatever is not of the alphabet, and all that stands behind the padding.
        account, _, password = base64.b64decode(word + "==").decode().partition(":")
    except ValueError:
        account = password = ""
    found = shown([("authorization", f"Basic {word}")], NAMES).value
    if (account.strip().lower(), password.strip()) == (ACCOUNT, PASSWORD):
        assert found in (PAIR, None)


def test_spellings_of_base64_are_one() -> None:
    for text in ("ann:~~?>", "x:y", "Jürgen:ä", "a:b:c"):
        words = [base64.b64encode(one).decode() for one in (text.encode(), text.encode("latin-1"))]
        words += [word.rstrip("=") for word in words]
        assert len({value_of(f"basic {word}") for word in words}) == 1
    assert value_of("Basic YW5uOng=") == value_of("Basic YW5uOnh=") == value_of("Basic QU5OOng") == "YW5uOng="
    assert value_of(f"Basic {encoded('ann:X')}") != value_of(f"Basic {encoded('ann:x')}"), "passwords are exact"


@given(signature=st.text("abcXYZ019-_!*~", max_size=20))
def test_a_signature_is_no_part_of_who_asks(signature: str) -> None:
    assert value_of(f"Bearer {TOKEN}.{signature}") == TOKEN


def test_tokens_are_told_apart_by_what_they_claim() -> None:
    other = f"{TOKEN.split('.')[0]}.{encoded(orjson.dumps({'sub': 'bob'}))}"
    assert value_of(f"Bearer {other}.x") != TOKEN
    assert value_of("Bearer v4.public.abc") == "v4.public.abc", "dots alone make no token"
    sealed = ".".join([TOKEN.split(".")[0], "", "YWI", "YWI", "YWI"])
    assert value_of(f"Bearer {sealed}") == value_of(f"Bearer {sealed[:-1]}J") == sealed
    assert value_of(f"Bearer {sealed}!") is None


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(value(), basic().map(lambda word: f"Basic {word}"), st.text(max_size=40)))
def test_the_form_of_a_form_is_itself(text: str) -> None:
    form = value_of(text)
    if form is not None and form.lower() not in ("bearer", "basic", "token", "apikey"):
        assert value_of(form) == form
        assert principal_of(form, b"salt") == principal_of(text, b"salt")


@given(before=JUNK, after=JUNK)
def test_the_key_is_among_what_a_server_may_find(before: str, after: str) -> None:
    for text in (f"Bearer {KEY} {after}", f"Bearer {KEY},{after}", f"{before} {KEY}"):
        found = shown([("authorization", text)], NAMES)
        assert found.value == KEY or KEY in found.possible or found.value is not None
    found = shown([("authorization", f"Bearer {KEY}"), ("x-api-key", after)], NAMES)
    assert KEY in (found.value, *found.possible)
    assert PAIR in shown([("authorization", f"Basic {PAIR[:5]}!{PAIR[5:]}")], NAMES).possible


def test_however_much_is_shown_little_is_looked_at() -> None:
    many = [("authorization", f"Bearer {n} x") for n in range(5_000)]
    assert len(shown(many, NAMES).possible) <= 32
    assert len(shown([("authorization", "Bearer " + "x " * 8_000)], NAMES).possible) <= 32


@pytest.mark.parametrize("junk", ["!", "a", "~"])
def test_what_is_cut_is_cut_from_the_middle_whatever_it_sorts_as(junk: str) -> None:
    many = [f"{junk}{n}" for n in range(60)]
    for value in (f"Bearer {KEY}, {','.join(many)}", f"Bearer {','.join(many)},{KEY}"):
        assert KEY in shown([("authorization", value)], NAMES).possible
    for headers in ([("x-api-key", KEY)], []), ([], [("x-api-key", KEY)]):
        before, after = headers
        assert KEY in shown([*before, ("authorization", f"Bearer {' '.join(many)}"), *after], NAMES).possible


def jose(part: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=")


CLAIMS = f"{jose({'alg': 'RS256'})}.{jose({'sub': 'alice'})}"


@pytest.mark.parametrize(
    ("value", "unproven"),
    [
        (f"Bearer {CLAIMS}.c2lnbmF0dXJl", True),
        (f"Bearer {CLAIMS}.AAAA", True),
        (f"Bearer {CLAIMS}.", True),
        (f"Bearer {CLAIMS}", True),
        (f"Bearer {CLAIMS}.a.b", False),
        ("Bearer a.b.c", False),
        ("Bearer key", False),
        ("Basic YTpi", False),
        ("Bearer a b", False),
        ("", False),
    ],
)
def test_a_token_whose_signature_nobody_here_can_check_proves_nothing(value: str, unproven: bool) -> None:
    assert shown([("authorization", value)], ("authorization",)).unproven is unproven


UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.mark.parametrize(
    "spelt",
    [
        UUID.upper(), f"{{{UUID}}}", f"({UUID.title()})", f"urn:uuid:{UUID}", f"URN:UUID:{UUID.upper()}",
        UUID.replace("-", ""), UUID.replace("-", "").upper(), "3f25-04e04f8911d39a0c0305e82c-3301",
    ],
)  # fmt: skip
def test_a_uuid_is_one_key_in_any_case_and_frame(spelt: str) -> None:
    for header, value in (("x-api-key", spelt), ("authorization", f"Bearer {spelt}")):
        assert shown([(header, value)], NAMES).value == shown([("x-api-key", UUID)], NAMES).value
    assert value_of(value_of(spelt) or "") == value_of(spelt)


@pytest.mark.parametrize("key", ["Key", "ABCDEF", UUID[:-1], f"{UUID}0", f"{UUID}g", "g" * 32])
def test_other_keys_are_exact(key: str) -> None:
    assert value_of(key) == key


@pytest.mark.parametrize("name", ["x_api_key", "x-api_key", "x-api-key"])
def test_a_header_with_underscores_is_the_one_that_servers_take_it_for(name: str) -> None:
    assert shown([(name, KEY)], NAMES).value == KEY
    assert shown([(name, KEY), ("x-api-key", "other")], NAMES).unclear


@pytest.mark.parametrize(
    "account",
    [
        "Alice Smith",
        "alice  smith",
        "al\u034fice smith",
        "alice\ufe0f smith",
        " alice\u3000smith ",
        "al\u00adice\u200b smith",
    ],
)
def test_accounts_that_a_directory_takes_for_one_are_one(account: str) -> None:
    def basic(text: str) -> str | None:
        return value_of("Basic " + base64.b64encode(text.encode()).decode())

    assert basic(f"{account}:pw") == basic("alice smith:pw")
    assert basic(f"{account}:p  w") != basic("alice smith:p w"), "passwords are exact"


def test_the_form_of_a_key_is_remembered_by_its_header_and_that_of_nothing_long() -> None:
    credentials._kept_value.cache_clear()
    for _ in range(2):
        assert value_of("Bearer a b", "authorization") is None
        assert value_of("Bearer key") == "key"
        assert value_of("key", "x-api-key") == "key"
    assert credentials._kept_value.cache_info().currsize == 3
    assert value_of(f"Bearer {'k' * credentials.LONGEST_KEPT}")
    assert credentials._kept_value.cache_info().currsize == 3
