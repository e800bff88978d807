"""Tensors as servers write them: as numbers in bytes, in Protocol Buffers, and as text."""
