"""The load generator: `wrk` with a Lua script."""
