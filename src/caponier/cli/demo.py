"""`caponier demo`."""

EXAMPLE = "Example: [bold]caponier demo --out demo-out[/bold]"


def demo() -> None:
    """Placeholder while the demo is being built."""
