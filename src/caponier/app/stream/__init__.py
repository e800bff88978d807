"""Detection on a stream: a lake that guards write to is followed by an engine that may have many machines."""
