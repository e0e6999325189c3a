"""Parts of the OpenAPI document that several paths refer to."""
