from caponier.formats.strict_json import read_nodes
from caponier.matrix.documents.json_pieces import as_json_piece, json_piece
from caponier.matrix.documents.mention import Form, Piece


def test_a_text_is_a_piece_with_its_place():
    node = read_nodes('{"a": "b"}', "x")
    assert json_piece(node, "a") == Piece("b", 6, 9, Form.JSON)


def test_what_is_no_text_is_no_piece():
    node = read_nodes('["a"]', "x")
    assert json_piece(node, "a") is None
    assert as_json_piece(node) is None
    assert json_piece(read_nodes('{"a": 1}', "x"), "a") is None
