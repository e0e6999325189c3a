"""Framework M measured against a bare floor and against FastAPI with the SQLAlchemy ORM."""
