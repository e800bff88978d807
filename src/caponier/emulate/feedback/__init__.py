"""Attacks with feedback: plug-ins only."""
