"""Clients that five generators make of the OpenAPI document, compiled strictly and run against a server."""
