"""Versions of the matrix: import, compare, lint, migrate and contribute."""
