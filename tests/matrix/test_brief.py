import pytest

from caponier.matrix.brief import HAS, SAID, TAKES, SystemFacts, match, topics
from caponier.matrix.versions.catalogue import load

STUDIES = load("atlas-5.6").studies


def ids(*systems: SystemFacts) -> list[str]:
    return [one.study.id for one in match(systems, STUDIES)]


def said(*texts: str) -> SystemFacts:
    return SystemFacts("s", texts)


def test_every_study_about_an_ml_system_has_a_topic_and_every_topic_names_studies_that_exist():
    known = {study.id for study in STUDIES}
    told = {id_ for topic in topics() for id_ in topic.studies}
    assert told <= known
    # In this one no ML system was attacked: malware asked a public model for its commands.
    assert known - told == {"AML.CS0044"}


def test_topics_are_told_apart_and_can_be_reached():
    assert len({topic.id for topic in topics()}) == len(topics())
    for topic in topics():
        assert topic.words or topic.inputs or topic.assets
        assert len(set(topic.studies)) == len(topic.studies)
        assert all(word == word.casefold() for word in topic.words)


@pytest.mark.parametrize(
    ("text", "study"),
    [
        ("Checks faces at the gate", "AML.CS0012"),
        ("Spam filter", "AML.CS0008"),
        ("Finds Malware on laptops", "AML.CS0003"),
        ("A chatbot for customers", "AML.CS0009"),
        ("translation", "AML.CS0005"),
        ("pre-trained models from a hub", "AML.CS0019"),
        ("mail_filter", "AML.CS0008"),
    ],
)
def test_words_of_the_purpose_find_studies(text: str, study: str):
    assert study in ids(said(text))


@pytest.mark.parametrize("text", ["Surface inspection", "Rapid", "Blackmailed", "", "....", "(.*"])
def test_parts_of_words_find_nothing(text: str):
    assert ids(said(text)) == []


def test_a_match_says_why():
    facts = SystemFacts("cheques", ("Reads digits",), ("image",), ("datasets",))
    found = {one.study.id: one for one in match([facts], STUDIES)}
    assert found["AML.CS0011"].reasons == ("reads images ('digit'), its models take images",)
    assert found["AML.CS0011"].weight == SAID + TAKES
    assert found["AML.CS0025"].reasons == ("it has datasets",)
    assert found["AML.CS0025"].weight == HAS


def test_with_several_systems_the_reasons_go_by_system():
    found = match([SystemFacts("a", ("spam",)), SystemFacts("b", ("phishing",), ("text",))], STUDIES)
    assert found[0].study.id == "AML.CS0008"
    assert found[0].reasons == (
        "a: judges mail or web pages ('spam')",
        "b: judges mail or web pages ('phishing'), its models take text",
    )


def test_systems_with_the_same_reasons_are_told_together():
    found = match([SystemFacts(name, ("spam",)) for name in "abcd"], STUDIES)
    assert found[0].reasons == ("a, b and 2 more: judges mail or web pages ('spam')",)
    assert found[0].weight == 4 * SAID


def test_a_reason_tells_few_of_the_words():
    (one, *_) = match([said("Spam, phishing and mail")], STUDIES)
    assert one.reasons == ("judges mail or web pages ('mail', 'spam')",)


def test_the_same_reason_of_two_topics_counts_once():
    (one, *_) = match([SystemFacts("s", (), ("text",))], STUDIES)
    assert one.reasons == ("its models take text",)
    assert one.weight == TAKES


def test_most_reasons_come_first_and_ties_go_by_id():
    found = match([SystemFacts("s", ("Face check of a bank",), ("image",))], STUDIES)
    order = [(-one.weight, one.study.id) for one in found]
    assert order == sorted(order)
    assert found[0].study.id == "AML.CS0004"


def test_no_system_matches_nothing():
    assert match([], STUDIES) == ()
    assert match([SystemFacts("s")], STUDIES) == ()


def test_a_study_of_models_that_take_something_else_comes_after_those_that_speak_as_much_for_themselves():
    cards = SystemFacts("checkout", ("stops card fraud",), ("numeric",))
    found = [one for one in match([cards], STUDIES) if one.weight == SAID]
    # An office assistant takes text and a face check takes pictures; of the checks of documents nothing is said.
    assert [(one.study.id, one.elsewhere) for one in found] == [
        ("AML.CS0017", False),
        ("AML.CS0004", True),
        ("AML.CS0026", True),
        ("AML.CS0034", True),
    ]
    assert not any(one.elsewhere for one in match([said("stops card fraud")], STUDIES))
    both = [cards, SystemFacts("helper", ("tells of payments",), ("text",))]
    assert {one.study.id: one.elsewhere for one in match(both, STUDIES)}["AML.CS0026"] is False
