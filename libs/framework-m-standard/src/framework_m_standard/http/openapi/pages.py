"""The pages of Swagger UI and ReDoc. They load everything from this server and contain no inline script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["ASSETS", "PAGES", "Asset"]

_SCRIPT: Final = "text/javascript"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the package `offapi`, or content of our own."""

    media_type: str
    file: str | None = None
    content: bytes = b""


_SWAGGER: Final = b"""window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const token = document.cookie.split("; ").find((one) => one.startsWith("m_csrf="));
    if (token) request.headers["X-CSRF-Token"] = token.slice("m_csrf=".length);
    return request;
  },
});
"""
ASSETS: Final[Mapping[str, Asset]] = {
    "redoc.css": Asset("text/css", content=b"body { margin: 0; padding: 0; }\n"),
    "swagger-ui.css": Asset("text/css", "swagger_style.css"),
    "swagger-ui.js": Asset(_SCRIPT, "swagger_bundle.js"),
    "redoc.js": Asset(_SCRIPT, "redoc.js"),
    "open-swagger.js": Asset(_SCRIPT, content=_SWAGGER),
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/%s">
</head>
<body>
%s
</body>
</html>
"""
_SWAGGER_BODY: Final = """<div id="swagger-ui"></div>
<script src="assets/swagger-ui.js"></script>
<script src="assets/open-swagger.js"></script>"""
_REDOC_BODY: Final = """<redoc spec-url="openapi.json"></redoc>
<script type="module" src="assets/redoc.js"></script>"""

PAGES: Final[Mapping[str, bytes]] = {
    "swagger": (_PAGE % ("API - Swagger UI", "swagger-ui.css", _SWAGGER_BODY)).encode(),
    "redoc": (_PAGE % ("API - ReDoc", "redoc.css", _REDOC_BODY)).encode(),
}
