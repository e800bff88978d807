"""Which earlier query a query is nearest to, how it differs, and which cell it falls in."""
