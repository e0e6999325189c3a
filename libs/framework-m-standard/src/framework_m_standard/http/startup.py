"""Bootstrap step of the HTTP server: the ASGI app over the services."""

from __future__ import annotations

from framework_m_core.bootstrap.application import format_app_title
from framework_m_core.bootstrap.plugins.discovery import folder_of
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.interfaces.bootstrap import ApplicationView
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.http.app import Services, create_app
from framework_m_standard.http.app_routes.declared import load_routes
from framework_m_standard.http.middleware.installed import discover_middleware, wrap
from framework_m_standard.http.routes.health import Lifecycle

__all__ = ["InitWeb"]


class InitWeb:
    """Step `init_web`: bind `web`, the ASGI app."""

    order = 50
    roles = frozenset({"web"})

    async def run(self, app: ApplicationView) -> None:
        """Build the app from the container; a server may provide its own `web_lifecycle` there beforehand.

        Raises ConfigurationError for settings that production refuses, and for routes or middleware that are invalid.
        """
        get = app.container.get
        if "web_lifecycle" not in app.container.names:
            app.container.provide("web_lifecycle", Lifecycle())
        settings: Settings = get("settings")
        registry_handle: RegistryHandle = get("registry_handle")
        title, version = format_app_title(settings)
        services = Services(
            registry_handle=registry_handle,
            documents=get("documents"),
            queries=get("queries"),
            metadata=get("metadata"),
            rpc=get("rpc"),
            authentication=get("authentication"),
            app_ports=get("app_ports"),
            app_routes=load_routes(settings.discovered, registry_handle.current, get("app_ports")),
            clock=get("clock"),
            openapi_assets=folder_of("offapi"),
            title=title,
            version=version,
        )
        development = not settings.production
        lifecycle: Lifecycle = get("web_lifecycle")
        web = create_app(
            services,
            get("http_settings"),
            development=development,
            ping=app.ping,
            warnings=app.collect_warnings,
            lifecycle=lifecycle,
        )
        app.container.provide("web", wrap(app.container, web, discover_middleware(settings.discovered)))
