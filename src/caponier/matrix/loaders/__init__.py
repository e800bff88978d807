"""Readers of other people's files of a matrix: one file a format, every complaint with its place."""

from caponier.matrix.loaders.load import load_file as load_file
