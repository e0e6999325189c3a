"""uvicorn on a bound socket, with a bounded HTTP protocol."""
