import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.finding import SubjectRef
from caponier.records.inventory import Identity
from caponier.respond.actors import Actors
from caponier.respond.settings import RespondSettings
from respond.made import ADA, context, file_finding, finding, joined, log_finding, rows_finding

some_identities = st.lists(
    st.builds(
        Identity,
        key_hash=st.sampled_from([None, "k-1", "k-2", "k-3"]),
        account=st.sampled_from([None, "ada", "ben"]),
        addresses=st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), max_size=2).map(tuple),
    ),
    max_size=6,
)


def names_of(identity: Identity) -> list[str]:
    pairs = [("principal", identity.key_hash), ("account", identity.account)]
    pairs += [("address", address) for address in identity.addresses]
    return [f"{kind}:{text}" for kind, text in pairs if text]


def reachable(start: str, entries: list[list[str]]) -> set[str]:
    """Everything that entries connect with a name, found by walking."""
    found, new = {start}, {start}
    while new:
        new = {name for entry in entries if found & set(entry) for name in entry} - found
        found |= new
    return found


@given(some_identities)
@settings(max_examples=200, deadline=None)
def test_names_are_one_actor_if_entries_connect_them(identities: list[Identity]) -> None:
    actors = Actors(identities)
    entries = [names_of(identity) for identity in identities]
    for name in {name for entry in entries for name in entry} | {"principal:nobody"}:
        together = reachable(name, entries)
        assert set(actors.members(name)) == together
        assert {actors.one(other) for other in together} == {actors.one(name)}
        assert actors.one(name) in together


@given(some_identities, st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_entries_does_not_matter(identities: list[Identity], random: object) -> None:
    shuffled = list(identities)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Actors(identities), Actors(shuffled)
    names = [name for identity in identities for name in names_of(identity)]
    assert [one.one(name) for name in names] == [other.one(name) for name in names]


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (finding(1, "k-1"), ("principal:k-1",)),
        (finding(1, SubjectRef("session", "s-1")), ("session:s-1",)),
        (finding(1, SubjectRef("address", "10.0.0.9 curl/8 x")), ("address:10.0.0.9",)),
        (log_finding(1, "Ada"), ("account:ada", "address:10.0.0.1")),
        (rows_finding(1), ()),
        (file_finding(1), ()),
        (finding(1, SubjectRef("model", "m")), ()),
        (finding(1, SubjectRef("bucket", "b")), ()),
        (
            finding(1, "k-1", facts={"account": "eve", "pairs": [1, 2], "address": None}),
            ("principal:k-1", "account:eve"),
        ),
        (finding(1, "k-1", facts={"source_host": "Laptop-7", "host": "gpu-01"}), ("principal:k-1", "host:laptop-7")),
    ],
)
def test_findings_name_who_acted(one: object, names: tuple[str, ...]) -> None:
    assert Actors().named_by(one) == names  # type: ignore[arg-type]


def test_context_names_the_account_first() -> None:
    event = context(1, "Ada", address="10.0.0.1")
    assert Actors().named_by_context(event) == ("account:ada", "address:10.0.0.1", "host:laptop-7")


def test_an_address_of_many_identifies_nobody_even_in_the_inventory() -> None:
    office = RespondSettings.model_validate({"shared_addresses": ["10.0.0.0/8"]})
    actors = Actors(ADA, office)
    assert actors.members("principal:k-1") == ("account:ada", "principal:k-1")
    assert actors.named_by(log_finding(1, "ada")) == ("account:ada",)
    assert actors.named_by_context(context(1, None, host=None, address="10.3.3.3")) == ()


def test_the_inventory_may_write_an_account_as_any_log_does() -> None:
    actors = Actors([Identity(key_hash="k-1", account="CORP\\Ada")])
    assert actors.members("principal:k-1") == ("account:ada", "principal:k-1")


@pytest.mark.parametrize("written", ["FD00:0::7", "fd00::7", "FD00::7"])
def test_an_address_of_the_inventory_is_one_in_any_spelling(written: str) -> None:
    """People write addresses as they like; the reader of logs writes each in one way."""
    actors = Actors([Identity(account="ada", addresses=(written,))])
    (name,) = actors.named_by_context(context(1, None, host=None, address="fd00::7"))
    assert actors.one(name) == actors.one("account:ada")
    assert actors.one("address:fd00::8") != actors.one("account:ada")


HERE, THERE = (SubjectRef("session", "customer", sender=f"address:10.9.0.{n}") for n in (1, 2))


def test_the_same_session_from_elsewhere_is_somebody_else() -> None:
    """Or else whoever sends it would draw its owner into his own incident."""
    names = {Actors().named_by(finding(1, who)) for who in (HERE, THERE, SubjectRef("session", "customer"))}
    assert len(names) == 3
    assert len(joined(finding(1, HERE), finding(2, THERE)).incidents) == 2


def test_an_address_of_many_tells_no_sessions_sender() -> None:
    office = RespondSettings.model_validate({"shared_addresses": ["10.9.0.1"]})
    assert Actors(settings=office).scope(HERE) == SubjectRef("session", "customer")
    assert Actors(settings=office).scope(THERE) == THERE
    assert Actors().scope(SubjectRef("address", "10.9.0.1 curl/8", sender="address:10.9.0.1")) == SubjectRef(
        "address", "10.9.0.1", sender="address:10.9.0.1"
    )
    assert Actors().scope(SubjectRef("model", "digits-mlp")) is None


@pytest.mark.parametrize("address", ["10.9.0.1", "::ffff:10.9.0.1"])
def test_a_shared_address_is_nobodys_however_a_socket_writes_it(address: str) -> None:
    settings = RespondSettings.model_validate({"shared_addresses": ["10.9.0.0/24"]})
    found = finding(1, SubjectRef("address", f"{address} curl/8"))
    assert Actors(settings=settings).named_by(found) == ()
    assert Actors().named_by(found) == (f"address:{address}",)


def test_an_account_that_every_machine_has_is_nobody() -> None:
    assert Actors().named_by(log_finding(1, "root")) == ("address:10.0.0.1",)
    assert Actors().named_by_context(context(1, "root", host=None, address="10.0.0.1")) == ("address:10.0.0.1",)
