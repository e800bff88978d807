"""What `import caponier` offers: the use-cases on DataFrames, Arrow tables, arrays and paths."""
