"""`m info`: show what is installed, bound and declared, and why."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.bootstrap.application import Application, Step
from framework_m_core.bootstrap.plugins.binding import Variant
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.cli.declared import compile_declared, load_local_application
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.errors import DocTypeNotFoundError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.overrides import parts_of
from framework_m_core.registry.registry import Registry
from framework_m_core.registry.write_stages import DeclaredStage

__all__ = ["app", "doctype", "summary"]

app = App(name="info", help="Show what is installed, bound and declared, and why.")

_FLAGS = ("unique", "index", "in_list", "read_only", "computed", "set_once", "no_copy", "allow_on_submit", "sensitive")


@app.default
def summary(
    *,
    verbose: Annotated[
        bool, Parameter(negative="", help="Also show every step and adapter, and what it outranked.")
    ] = False,
) -> None:
    """Show the app in this folder: versions, environment and DocTypes, without opening or changing anything.

    For example:
      m info
      m info --verbose
      m info doctype Invoice
    """
    application = load_local_application()
    registry = compile_declared(application)
    names, tables = sorted(registry.doctypes), sorted(registry.child_tables)
    print(f"Framework M {version('framework-m-core')} on Python {platform.python_version()}")
    print_table(
        [
            ("folder", str(application.settings.root)),
            ("environment", application.settings.framework.env),
            ("apps", ", ".join(_app_names(application.settings)) or "(none)"),
            ("variants", ", ".join(variant.name for variant in application.variants) or "(none)"),
            ("doctypes", f"{len(names)}: {', '.join(names)}"),
            ("child tables", _count_and_names(tables)),
            ("event types", _count_and_names(sorted(registry.event_types))),
            ("consumers", _count_and_names(sorted(registry.consumers))),
            (
                "stages",
                _count_and_names([stage.mark.name for stage in registry.stages if isinstance(stage, DeclaredStage)]),
            ),
        ],
        indent="  ",
    )
    if verbose:
        _print_composition(application)
        _print_declared(registry)


def _count_and_names(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "(none)"


def _app_names(settings: Settings) -> list[str]:
    """Return the names of the loaded apps: those configured, or the folder's own."""
    configured = settings.framework.apps
    return [choice.name for choice in settings.local_apps] if configured is None else list(configured)


@app.command
def doctype(name: Annotated[str, Parameter(help="The DocType's name, such as Invoice.")], /) -> None:
    """Show one DocType: fields, naming, permissions, hooks, and where it is declared.

    For example:
      m info doctype Invoice
    """
    registry = compile_declared(load_local_application())
    declared = {**registry.doctypes, **registry.child_tables}
    plan = declared.get(name)
    if plan is None:
        hint = did_you_mean(name, declared) or f": expected one of {', '.join(sorted(declared))}"
        raise DocTypeNotFoundError(f"there is no DocType {name!r}{hint}", doctype=name)
    _print_doctype(plan, registry)


def _print_composition(application: Application) -> None:
    print("\nsteps")
    print_table(
        [(str(step.order), step.name, step.distribution, _reason(step)) for step in application.steps], indent="  "
    )
    print("\nadapters")
    rows = []
    for binding in application.bindings:
        outranked = f", outranks {', '.join(binding.outranked)}" if binding.outranked else ""
        choice = binding.choice
        rows.append((binding.port, choice.name, choice.value, f"by {binding.source}{outranked}", choice.distribution))
    print_table(rows, indent="  ")
    if application.ports:
        print("\nports of apps")
        print_table(
            [(port.name, port.choice.value, port.choice.distribution) for port in application.ports], indent="  "
        )
    groups = (
        ("overrides", application.overrides),
        ("middleware", _choices(application, "middleware")),
        ("routes", _choices(application, "routes")),
        ("stages of writes", _choices(application, "write_stages")),
        ("field types", _choices(application, "field_types")),
        ("actions", _choices(application, "actions")),
        ("ext namespaces", _choices(application, "ext")),
    )
    for title, group in groups:
        if group:
            print(f"\n{title}")
            print_table([(choice.name, choice.value, choice.distribution) for choice in group], indent="  ")
    for variant in application.variants:
        print(f"\nvariant {variant.name} of {variant.distribution}, priority {variant.priority}", end="")
        print(_use(variant, application))


def _print_declared(registry: Registry) -> None:
    """Print what the decorators of packages declare, by app."""
    rows = [
        (one.app, kind.__name__, f"{one.target.__module__}.{one.target.__qualname__}")
        for kind, found in registry.declared.items()
        for one in found
    ]
    if rows:
        print("\ndeclarations of packages")
        print_table(sorted(rows), indent="  ")


def _use(variant: Variant, application: Application) -> str:
    """Return what a variant's presence has led to."""
    if not variant.is_chosen(application.bindings):
        return ", outranked for all that it chooses"
    return f", replaces {', '.join(variant.replaces)}" if variant.replaces else ""


def _choices(application: Application, group: str) -> tuple[Choice, ...]:
    return application.settings.discovered.find_choices(f"framework_m.{group}")


def _reason(step: Step) -> str:
    port, _, choice = step.prepares.partition(".")
    return f"for {port} = {choice}" if port else ""


def _print_doctype(plan: CompiledDocType, registry: Registry) -> None:
    about = inspect.cleandoc(vars(plan.model).get("__doc__") or "").partition("\n")[0]
    print(f"{plan.name}: {about}" if about else plan.name)
    controller = plan.controller
    hooks = "; ".join(
        f"{part.__module__}.{part.__qualname__}: {', '.join(sorted(part.list_hooks())) or 'no hooks'}"
        for part in parts_of(controller)
    )
    parents = sorted(
        one.name for one in registry.doctypes.values() for child in one.children.values() if child.doctype == plan.name
    )
    linked = sorted({f"{by.doctype}.{by.child or by.field}" for by in registry.referrers.get(plan.name, ())})
    rows = [
        ("module", plan.module),
        ("declared in", f"{plan.model.__module__}.{plan.model.__qualname__}"),
        (
            "overridden by",
            ", ".join(f"{part.__module__}.{part.__qualname__}" for part in plan.overrides) or "(nothing)",
        ),
        *([("rows of", ", ".join(parents) or "(nothing yet)")] if plan.meta.is_child_table else []),
        ("naming", plan.meta.naming or "(the id)"),
        ("submittable", "yes" if plan.meta.submittable else "no"),
        ("over HTTP", "yes" if plan.meta.has_api else "no"),
        ("controller", hooks or "(none)"),
        ("callable", ", ".join(f"{name} ({call.action or 'guests'})" for name, call in plan.calls.items()) or "(none)"),
        ("linked from", ", ".join(linked) or "(nothing)"),
    ]
    print_table(rows, indent="  ")
    print("\nfields")
    print_table(_fields(plan), indent="  ")
    if not plan.meta.is_child_table:
        print("\npermissions")
        print_table(_permissions(plan, registry.actions), indent="  ")


def _fields(plan: CompiledDocType) -> Iterator[tuple[str, str, str]]:
    for name, spec in plan.fields.items():
        yield name, _kind(spec), ", ".join(_traits(spec))
        for row_name, row_spec in plan.children[name].fields.items() if name in plan.children else ():
            yield f"  {row_name}", _kind(row_spec), ", ".join(_traits(row_spec))


def _kind(spec: FieldSpec) -> str:
    if spec.field_type is not None:
        return spec.field_type.name
    return f"{spec.kind}({spec.scale})" if spec.scale is not None else str(spec.kind)


def _traits(spec: FieldSpec) -> Iterator[str]:
    if spec.required:
        yield "required"
    if spec.link:
        yield f"links to {spec.link}"
    if spec.fetch_from:
        yield f"fetched from {spec.fetch_from}"
    if spec.choices:
        yield f"one of {', '.join(spec.choices)}"
    if spec.permlevel:
        yield f"level {spec.permlevel}"
    yield from (flag for flag in _FLAGS if getattr(spec, flag))


def _permissions(plan: CompiledDocType, actions: Iterable[str]) -> Iterator[tuple[str, str]]:
    if not plan.meta.permissions:
        yield "every action", "Administrator alone"
    for action in actions:
        scopes = plan.meta.scopes_of(action)
        if scopes:
            roles = [f"{role} ({scope if isinstance(scope, str) else 'by filter'})" for role, scope in scopes.items()]
            yield action, ", ".join(roles)
    if "own" in str(plan.meta.permissions) and plan.meta.rls_field:
        yield "own means", f"{plan.meta.rls_field} is the caller's"
