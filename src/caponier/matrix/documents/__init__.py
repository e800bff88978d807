"""Users' documents that name entries of a matrix: read, checked and rewritten in place, a module a format."""
