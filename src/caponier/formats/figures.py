"""How a figure is written for people: with as many digits as say something, and never as a power of ten."""

from decimal import Decimal


def figure(value: float, digits: int = 4) -> str:
    """Write a figure with commas between thousands.

    Args:
        value: The figure.
        digits: Significant digits; of a figure with more digits before the point all of these stand.
    """
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    written = f"{value:,.{digits}g}"
    # However small it is, what is not zero is not written as if it were.
    return f"{Decimal(written):f}" if "e" in written else written
