"""OpenAPI paths and schemas of DocTypes, limited to what the caller may use."""
