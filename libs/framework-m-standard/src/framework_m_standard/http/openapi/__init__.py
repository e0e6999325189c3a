"""The OpenAPI 3.1 document of the app, limited to what the caller may use, and the pages that show it."""
