"""Enrichments, one a file; the registry finds them by looking here."""
