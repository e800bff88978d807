"""Readers of other people's files of a matrix: one file a format, every complaint with its place."""

from caponier.matrix.loaders.digest import check_digest as check_digest
from caponier.matrix.loaders.load import load_file as load_file
from caponier.matrix.loaders.load import load_source as load_source
from caponier.matrix.loaders.source_file import SourceFile as SourceFile
from caponier.matrix.loaders.source_file import read_source as read_source
