"""Stories in security logs, one a file, found by `caponier.emulate.registry`."""
