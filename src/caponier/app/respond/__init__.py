"""Response actions: planned dry, applied, approved, undone."""
