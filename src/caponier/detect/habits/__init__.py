"""What is usual in an estate, by its own past."""
