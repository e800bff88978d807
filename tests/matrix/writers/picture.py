"""What a reader of a picture sees: boxes, texts with their widths, colours."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Box:
    """A rectangle with the texts that stand in it."""

    left: float
    top: float
    right: float
    bottom: float
    says: str
    kind: str
    texts: tuple[ET.Element, ...]


def boxes(text: str) -> list[Box]:
    """Return the cells of a picture."""
    found = []
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        x, y, wide, high = (float(rect.get(side, "nan")) for side in ("x", "y", "width", "height"))
        says, texts = group.findtext(f"{SVG}title") or "", tuple(group.iter(f"{SVG}text"))
        found.append(Box(x, y, x + wide, y + high, says, rect.get("class", ""), texts))
    return found


def size_of(element: ET.Element) -> float:
    """Return the size of a text's font, by its class."""
    classes = (element.get("class") or "").split()
    return 10.5 if "small" in classes else 13.0 if "head" in classes else 12.0


def rule(style: str, selector: str, name: str, *, dark: bool = False) -> str:
    """Return a property of the light theme, or of the dark one."""
    theme = style.split("@media")[1 if dark else 0]
    found = re.search(rf"(?:^|[}},{{\s]){re.escape(selector)} \{{[^}}]*?\b{name}: ([^;]+);", theme)
    assert found, f"no {name} for {selector}"
    return found[1]


def luminance(color: str) -> float:
    """Return the relative luminance of a colour such as `#fff` or `#fbdcb6`, as WCAG 2 defines it."""
    digits = color.removeprefix("#")
    whole = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
