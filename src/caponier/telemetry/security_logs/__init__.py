"""Security logs: fields, identities and log sources of their events."""
