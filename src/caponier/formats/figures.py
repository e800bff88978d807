"""How a figure is written for people: with as many digits as say something, and never as a power of ten."""


def figure(value: float, digits: int = 4) -> str:
    """Write a figure with commas between thousands.

    Args:
        value: The figure.
        digits: Significant digits; of a figure with more digits before the point all of these stand.
    """
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    written = f"{value:,.{digits}g}"
    return f"{value:.{digits + 4}f}".rstrip("0").rstrip(".") if "e" in written else written
