"""Run the migrations on the connection that `caponier.store.database` hands over.

Alembic executes this file; there is no alembic.ini, and the transaction belongs to the caller, who holds the lock.
"""

from alembic import context

from caponier.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
