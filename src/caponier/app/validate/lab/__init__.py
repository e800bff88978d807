"""Where an emulation is carried out: a served model, its callers, and a baseline."""
