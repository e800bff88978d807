"""Byte streams of logs to records: lines, JSON documents of any size, and tables."""
