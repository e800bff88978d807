"""One habit of harmless users a file; the file's `HABIT` is the habit, and its name is the file's."""
