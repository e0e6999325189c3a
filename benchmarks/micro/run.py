"""All micro-benchmarks: an app opened in this process for the steps, processes of their own for the starts."""

from __future__ import annotations

import asyncio
import importlib
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, create_model

from benchmarks.errors import BenchmarkError
from benchmarks.generated_app import generate_app
from benchmarks.micro.steps import Steps
from benchmarks.micro.timing import Compared, Task, compare, compare_starts
from benchmarks.product import APP, ROLE, server_environment
from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.authentication import Credentials
from framework_m_core.interfaces.session import SessionKind
from framework_m_core.registry.compilation.builder import RegistryBuilder

__all__ = ["MicroResult", "measure_micro"]

_PLANS = 100
_OWN_IMPORT = "import framework_m"
_ITS_VENDOR = "import pydantic; pydantic.create_model('M', x=(int, 1))"
_BOOT = """
import asyncio
from framework_m_core.bootstrap.application import open_application
async def boot():
    async with open_application(roles=["web"]):
        pass
asyncio.run(boot())
"""
_ITS_VENDORS = f"import litestar, sqlalchemy.ext.asyncio, argon2, jwt, msgspec; {_ITS_VENDOR}"


@dataclass(slots=True)
class MicroResult:
    """What was compared."""

    compared: list[Compared] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        """Ratios by key."""
        return {f"micro.{one.key}": one.ratio for one in self.compared}


def measure_micro(folder: Path, turns: int) -> MicroResult:
    """Everything, on SQLite in `folder`."""
    database = folder / "micro.sqlite"
    variables = server_environment(f"sqlite:///{database}") | {"M_FRAMEWORK__ENV": "development"}
    result = MicroResult(asyncio.run(_steps(variables, database, turns)))
    result.compared += [
        asyncio.run(_plans(folder, turns)),
        compare_starts("import", "import framework_m / pydantic and a model", _OWN_IMPORT, _ITS_VENDOR, folder, {}),
        compare_starts("boot", "boot with 5 DocTypes / what it imports of others", _BOOT, _ITS_VENDORS, APP, variables),
    ]
    return result


async def _steps(variables: dict[str, str], database: Path, turns: int) -> list[Compared]:
    async with open_application(APP, roles=("web",), environment=variables) as app:
        context, token = await _logged_in(app)
        return await Steps(app, context, token, database).measure(turns)


async def _logged_in(app: Application) -> tuple[RequestContext, str]:
    email, password = "micro@bench.example", secrets.token_urlsafe(24)
    authentication: Any = app.container.get("authentication")
    await app.container.get("identity").create(email, password, [ROLE])
    login = await authentication.login(email, password, address="127.0.0.1", kind=SessionKind.TOKEN)
    principal = await authentication.authenticate(Credentials(authorization=f"Bearer {login.access_token}"))
    if principal is None or login.access_token is None:
        raise BenchmarkError("the login of a new user shows nobody")
    return RequestContext(principal), login.access_token


async def _plans(folder: Path, turns: int) -> Compared:
    """Plans from declared classes, which pydantic has made by then, against pydantic making such classes."""
    generate_app(folder / "plans", _PLANS, package="micro_app")
    sys.path.insert(0, str(folder / "plans"))
    try:
        package = importlib.import_module("micro_app")
    finally:
        sys.path.pop(0)
    declared = [one for module in vars(package).values() if isinstance(module, ModuleType) for one in _models(module)]
    text = "plan of a DocType / pydantic making its class"
    return await compare("plan", text, _building(declared), _declaring(declared), turns)


def _models(module: ModuleType) -> list[type[BaseModel]]:
    return [one for name, one in vars(module).items() if name.startswith("Sample")]


def _building(declared: list[type[BaseModel]]) -> Task:
    async def build(times: int) -> None:
        for _ in range(times):
            builder = RegistryBuilder()
            for model in declared:
                builder.add_doctype(model, "micro_app")
            assert len(builder.freeze().doctypes) == len(declared)

    return build


def _declaring(declared: list[type[BaseModel]]) -> Task:
    definitions: list[tuple[str, dict[str, Any]]] = [
        (model.__name__, {name: (info.annotation, info.default) for name, info in model.model_fields.items()})
        for model in declared
    ]

    async def declare(times: int) -> None:
        for _ in range(times):
            for name, fields in definitions:
                create_model(name, **fields)

    return declare
