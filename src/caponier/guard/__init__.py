"""The guard before a model server: it records every query and, where it may, enforces response actions."""

from caponier.guard.middleware import Middleware

__all__ = ["Middleware"]
