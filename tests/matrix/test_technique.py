from caponier.matrix.technique import Color, Level, Technique, TechniqueId, TechniqueRef


def test_reference_in_json_has_a_color_only_where_there_is_one():
    assert TechniqueRef("atlas", "AML.T0015", "Evade AI Model").to_dict() == {
        "matrix": "atlas",
        "id": "AML.T0015",
        "name": "Evade AI Model",
    }
    orange = TechniqueRef("amltm-2020", "AMLTM.EVADE.01", "Evasion Attack", Color.ORANGE)
    assert orange.to_dict()["color"] == "orange"


def test_ids_sort_by_matrix_and_id():
    ids = [TechniqueId("atlas", "B"), TechniqueId("amltm-2020", "C"), TechniqueId("atlas", "A")]
    assert [id_.id for id_ in sorted(ids)] == ["C", "A", "B"]


def test_colors_are_told_in_words():
    assert Color.ORANGE.words == "orange: special to ML"
    assert Color.WHITE.words == "white: from ATT&CK Enterprise"


def test_attack_ids_come_surest_first():
    entry = Technique("X", "n", Level.TECHNIQUE, ("T",), 1, attack="T1529", attack_also=("T1489",))
    assert entry.attack_ids == ("T1529", "T1489")
    assert Technique("X", "n", Level.TECHNIQUE, ("T",), 1).attack_ids == ()
