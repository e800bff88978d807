"""How much rows have in common that others do not have, and which are copies of each other by that measure."""
