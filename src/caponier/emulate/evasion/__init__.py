"""One attack a file; the file's `EMULATION` is the attack, and its name is the file's."""
