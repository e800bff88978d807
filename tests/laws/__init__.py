"""The six laws that every detector keeps, over the registry.

A law is a function that raises AssertionError for a detector that breaks it. Each is run over every detector there
is, and over a detector that is bad on purpose, so that a law that can no longer fail is seen.
"""
