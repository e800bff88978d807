from datetime import date

import pytest

from caponier.matrix.evidence import Grade, Maturity, Precision, Study, StudyType, Way


@pytest.mark.parametrize(
    ("precision", "told"), [(Precision.YEAR, "2020"), (Precision.MONTH, "2020-02"), (Precision.DAY, "2020-02-01")]
)
def test_a_date_is_told_as_far_as_it_is_known(precision: Precision, told: str):
    assert Study("AML.CS0011", "n", StudyType.EXERCISE, date(2020, 2, 1), precision).when == told


def test_a_study_without_a_date_says_so():
    assert Study("AML.CS0011", "n", StudyType.EXERCISE).when == "undated"


def test_the_report_itself_is_preferred_to_the_case_study():
    report = Study("AML.CS0000", "n", StudyType.EXERCISE, reference="https://example.org/report")
    assert report.url == "https://example.org/report"
    assert Study("AML.CS0000", "n", StudyType.EXERCISE).url == "https://atlas.mitre.org/studies/AML.CS0000"


def test_a_study_of_unknown_origin_has_no_address():
    assert Study("our-own-lab", "n", StudyType.EXERCISE).url is None


def test_grades_and_maturities_are_told_in_words():
    assert "MITRE and eleven companies" in Grade.FOUNDING.words
    assert len({grade.words for grade in Grade}) == len(Grade)
    assert len({maturity.words for maturity in Maturity}) == 3


def test_every_way_of_permission_or_disclosure_is_told_in_words():
    assert len({way.words for way in Way}) == len(Way)
