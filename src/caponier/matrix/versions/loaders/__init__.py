"""Readers of other people's files of a matrix: one file a format, every complaint with its place."""

from caponier.matrix.versions.loaders.digest import check_digest as check_digest
from caponier.matrix.versions.loaders.load import load_file as load_file
from caponier.matrix.versions.loaders.load import load_source as load_source
from caponier.matrix.versions.loaders.source_file import SourceFile as SourceFile
from caponier.matrix.versions.loaders.source_file import read_source as read_source
