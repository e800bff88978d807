"""The store: findings and the audit log in one SQL database, SQLite by default and PostgreSQL for many machines."""
