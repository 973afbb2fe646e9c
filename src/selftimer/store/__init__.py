"""SQLAlchemy Core tables, queries, migrations and the send journal."""
