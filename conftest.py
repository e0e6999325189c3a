"""Fixtures that every suite of the workspace may ask for."""

pytest_plugins = (
    "tests.servers",
    "tests.mariadb_server",
    "tests.mongo_server",
    "tests.redis_server",
    "tests.nats_server",
)
