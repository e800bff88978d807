import xml.etree.ElementTree as ET
from dataclasses import replace

from app.planting.test_report import report
from caponier.cli.validate.own_log_picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def test_there_is_a_box_for_each_kind_and_share() -> None:
    root = ET.fromstring(picture(report()))
    boxes = [box for box in root.iter(f"{SVG}rect") if box.get("fill-opacity")]
    assert len(boxes) == 2 * 2
    assert [float(box.get("fill-opacity") or 0) for box in boxes] == [0.53, 1.0, 0.05, 0.05]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"nes", "jbda", "50%", "100%", "0%", "6.5 (at most 9)", "none", "0.3%", "1.0%", "3 false"} <= set(words)
    assert root.get("aria-label") == "Caught at 1.0%: nes 100%, jbda 0%"


def test_a_hostile_name_stays_text() -> None:
    drawn = picture(replace(report(), model="<script>x</script>"))
    assert "<script>" not in drawn
    ET.fromstring(drawn)
