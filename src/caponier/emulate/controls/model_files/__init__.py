"""Model files that carry no code, of the libraries that attacks imitate: plug-ins only."""
