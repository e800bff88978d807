"""HDF5, read without the library that defines it."""
