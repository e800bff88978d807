"""Contributions to a matrix: one file each, reviewed against a named version, and merged into a new one."""
