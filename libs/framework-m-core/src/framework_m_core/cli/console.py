"""`m console`: a Python prompt with the app opened, where await works."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from typing import Annotated, Any

from cyclopts import Parameter

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.cli.prompt import Failure, compile_code, execute, prompt
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import CLI, Principal, RequestContext, make_system_principal
from framework_m_core.domain.errors import ConfigurationError, EntityNotFoundError, FrameworkError
from framework_m_core.interfaces.identity import IdentityProtocol
from framework_m_core.registry.compiled import BUILT_IN_APP
from framework_m_core.registry.handle import RegistryHandle

__all__ = ["console"]

_NEEDED = {"documents", "identity", "queries", "registry_handle"}


def console(
    *,
    code: Annotated[
        str | None, Parameter(name=["--code", "-c"], help="Run this code. Default: standard input.")
    ] = None,
    as_user: Annotated[str | None, Parameter(name="--as", help="Act as this user.")] = None,
    reason: Annotated[str, Parameter(help="Why the system acts here; written to the audit log.")] = "m console",
) -> None:
    """Open the app in this folder in a Python prompt with documents, queries, context and the DocTypes.

    Without --as, you act as the system: with every permission, under all rules, and each change is audited with the
    reason. On a terminal the prompt is interactive; otherwise --code or standard input is run.

    For example:
      m console
      m console --as ada@example.com
      m console -c 'print(await documents.list("Role"))' --reason "ticket 42"
    """
    if not reason.strip():
        raise ConfigurationError("--reason: expected a text for the audit log, got an empty one")
    if code is None and sys.stdin.isatty():
        _run_prompt(as_user, reason)
    else:
        source = sys.stdin.read() if code is None else code
        _raise_failure(asyncio.run(_run(compile_code(source), as_user, reason)))


async def _run(code: Any, as_user: str | None, reason: str) -> Failure:
    async with open_application(needs_app=True) as app:
        return await execute(code, _namespace(app, await _context(app, as_user, reason)), last=True)


def _raise_failure(outcome: Failure) -> None:
    if isinstance(outcome, (FrameworkError, SystemExit)):
        raise outcome
    if outcome is not None:
        error = f"{type(outcome).__name__}: {' '.join(str(outcome).split())}"
        raise FrameworkError(f"the code failed with {error}; run it with --debug to see where") from outcome


def _run_prompt(as_user: str | None, reason: str) -> None:
    with asyncio.Runner() as runner:
        opened = open_application(needs_app=True)
        app = runner.run(opened.__aenter__())
        try:
            context = runner.run(_context(app, as_user, reason))
            names = _namespace(app, context)
            prompt(runner, names, _banner(app, context))
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def _context(app: Application, as_user: str | None, reason: str) -> RequestContext:
    if not _NEEDED.issubset(app.container.names):
        raise ConfigurationError("no installed package provides a document store: pip install framework-m")
    registry_handle: RegistryHandle = app.container.get("registry_handle")
    clock: Clock = app.container.get("clock")
    if as_user is None:
        return registry_handle.make_context(make_system_principal(reason), source=CLI, clock=clock)
    identity: IdentityProtocol = app.container.get("identity")
    user = await identity.find_by_email(as_user)
    if user is None:
        raise EntityNotFoundError(f"there is no user {as_user!r}: list all users with `m user list`")
    if not user.enabled:
        raise FrameworkError(f"{user.email} is disabled: enable the user first with `m user enable {user.email}`")
    principal = Principal(str(user.id), user.roles, user.email, user.attributes)
    return registry_handle.make_context(principal, source=CLI, clock=clock)


def _namespace(app: Application, context: RequestContext) -> dict[str, Any]:
    return {
        **{name: plan.model for name, plan in app.registry.doctypes.items()},
        "__name__": "__console__",
        "app": app,
        "documents": app.documents.client_for(context),
        "doctypes": app.registry.doctypes,
        "queries": app.queries,
        "context": context,
        "registry": app.registry,
    }


def _banner(app: Application, context: RequestContext) -> str:
    own = [name for name, plan in app.registry.doctypes.items() if plan.app != BUILT_IN_APP] or ["Role"]
    who = (
        f"the system, with the reason {context.principal.reason!r}"
        if context.principal.system
        else context.principal.email
    )
    return "\n".join(
        [
            f"Framework M {version('framework-m-core')}, as {who}. Ctrl-D exits.",
            "Available: documents, queries, context, doctypes, registry, app and the DocTypes by name. For example:",
            f'  (await documents.list("{own[0]}")).items',
            f"  doctypes[{own[0]!r}].fields",
        ]
    )
