"""The OpenAPI 3.1 document of the app, as one caller may use it, and the pages that show it."""
