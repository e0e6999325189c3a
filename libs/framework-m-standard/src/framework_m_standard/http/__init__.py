"""HTTP: documents, metadata and identity over Litestar and uvicorn."""
