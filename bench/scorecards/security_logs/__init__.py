"""Scans of logs that security teams have."""
