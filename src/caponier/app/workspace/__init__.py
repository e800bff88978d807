"""The workspace: the folder with `caponier.toml`, and the audit log of what was done in it."""
