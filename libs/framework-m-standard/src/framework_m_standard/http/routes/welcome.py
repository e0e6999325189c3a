"""`/` of a development server: the app's name, links to its API documentation, and a login for those pages.

The page loads nothing; its content security policy allows its one script by hash.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any, Final

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from framework_m_standard.http.routes.access import list_route_access
from framework_m_standard.http.routes.table import LOGIN, OPENAPI, OPENAPI_PAGE, WELCOME
from framework_m_standard.http.wire.asgi import request_state_of
from framework_m_standard.http.wire.responses import encode

__all__ = ["build_welcome_route"]

_DOCUMENTATION: Final = {
    **{page: OPENAPI_PAGE.path.format(page=page) for page in ("swagger", "redoc")},
    "openapi": OPENAPI.path,
}

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}input{display:block;width:20em}"
)
_SCRIPT: Final = """
const form = document.querySelector("form"), output = document.querySelector("output");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [username, password] = [form.username.value, form.password.value];
  const response = await fetch("api/v1/auth/login?session=true", {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify({username, password}),
  });
  if (response.ok) location.href = "schema/swagger";
  else output.textContent = (await response.json()).detail;
});
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>{name}</h1>
<p>Version {version}, served for development by Framework M.</p>
<h2>The API</h2>
<p>Log in to see what you may do: <a href="schema/swagger">Swagger UI</a>, <a href="schema/redoc">ReDoc</a>,
<a href="schema/openapi.json">OpenAPI</a>.</p>
<form method="post">
<p><label>Email <input name="username" type="email" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Log in</button> <output role="alert"></output></p>
</form>
<p>Users are made by <code>m user create</code>. Programs log in at <code>POST {login}</code>.</p>
<h2>Routes</h2>
<ul>
{routes}
</ul>
<script>{script}</script>
</body>
</html>
"""


def _allowed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": (
        f"default-src 'none'; script-src {_allowed(_SCRIPT)}; style-src {_allowed(_STYLE)}; img-src data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


def build_welcome_route(name: str, version: str) -> HTTPRouteHandler:
    """Return the route: a page for browsers, and the same content as JSON for all other clients."""
    page, body = _page(name, version).encode(), encode(_summary(name, version))

    @WELCOME.make_handler
    async def welcome(request: Request[Any, Any, Any]) -> Response[bytes]:
        state = request_state_of(request.scope)
        state.vary = b"accept"
        if b"text/html" in state.headers.get(b"accept", b""):
            return Response(page, media_type="text/html", headers=_HEADERS)
        return Response(body, media_type="application/json", headers=_HEADERS)

    return welcome


def _routes() -> list[str]:
    """Return every route except this one, as templates: only logged-in users may learn which DocTypes exist."""
    found = (f"{route.method} {route.path}{'?' if route.query else ''}{route.query}" for route in list_route_access())
    return [line for line in found if line != f"{WELCOME.method} {WELCOME.path}"]


def _page(name: str, version: str) -> str:
    routes = "\n".join(f"<li><code>{escape(line)}</code></li>" for line in _routes())
    content = {"name": escape(name), "version": escape(version), "login": LOGIN.path, "routes": routes}
    return _PAGE.format(**content, style=_STYLE, script=_SCRIPT)


def _summary(name: str, version: str) -> dict[str, Any]:
    return {
        "app": name,
        "version": version,
        "login": f"{LOGIN.method} {LOGIN.path}",
        "documentation": _DOCUMENTATION,
        "routes": _routes(),
    }
