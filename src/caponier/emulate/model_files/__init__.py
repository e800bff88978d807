"""Model files, harmful and harmless ones, a module each; found by the registry."""
