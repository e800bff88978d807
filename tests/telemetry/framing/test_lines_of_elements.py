"""Where an element begins is told by its line, however the document is cut into blocks."""

from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.json_elements import Elements

SHAPES = st.sampled_from(['{"a":\n1}', '{\n"a": {"b":\n[1,\n2]}\n}', '{"a": "x\\ny"}', "{}", '{"a": 1}'])


@given(
    st.lists(SHAPES, max_size=12),
    st.sampled_from(["\n", ",\n\n", " "]),
    st.booleans(),
    st.lists(st.integers(1, 9), max_size=60),
)
def test_an_elements_line_does_not_depend_on_the_blocks(
    parts: list[str], between: str, is_list: bool, cuts: list[int]
) -> None:
    text = ("[\n" if is_list else "") + between.join(parts) + ("\n]" if is_list else "")
    expected, at = [], 0
    for part in parts:
        at = text.index(part, at)
        expected.append(1 + text.count("\n", 0, at))
        at += len(part)
    data, cutter, found, sizes = text.encode(), Elements(1_000), [], iter(cuts)
    while data:
        size = next(sizes, 7)
        found += [element.line for element in cutter.feed(data[:size])]
        data = data[size:]
    found += [element.line for element in cutter.end()]
    assert found == expected
