"""Many callers in process, with their pace, as events."""
