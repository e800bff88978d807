"""The use-cases, one verb a file: what a user can do with Caponier, from the command line, the API or Python."""
