"""What a debugger shows of an object: one short line, without secrets and without values of documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.container.container import Container, Override
from framework_m_core.container.recorder import OverrideRecorder
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import QueryTemplate
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.client import DocumentClient
from framework_m_testing.fakes.doctype import FakeDocType

SECRET = "hunter2"


class Line(FakeDocType):
    text: str = ""

    class Meta:
        is_child_table = True


class Bill(FakeDocType):
    title: str = ""
    lines: list[Line] = []


class Ledger:
    token: ClassVar[str] = SECRET

    def __repr__(self) -> str:
        return SECRET


def _registry() -> Registry:
    builder = RegistryBuilder()
    for model in (Bill, Line):
        builder.add_doctype(model, "shop")
    return builder.freeze()


def _container() -> Container:
    container = Container()
    container.provide("ledger", Ledger())
    container.provide("password", SECRET)
    container.override("ledger", Ledger, token=SECRET)
    return container


def _recorder() -> OverrideRecorder:
    recorder = OverrideRecorder()
    recorder.ledger.override(Ledger, token=SECRET)
    return recorder


REGISTRY = _registry()
BILL = REGISTRY.get("Bill")
REQUEST = UUID(int=7)


def _client(user: str) -> DocumentClient:
    service: Any = Ledger()
    return DocumentClient(service, RequestContext(Principal(user, reason=SECRET), request_id=REQUEST))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (REGISTRY, "<Registry: 1 DocTypes, 1 child tables, 0 functions>"),
        (
            RegistryHandle(REGISTRY),
            "<RegistryHandle: generation 0, <Registry: 1 DocTypes, 1 child tables, 0 functions>>",
        ),
        (BILL, "<CompiledDocType Bill of 'shop': 2 fields, 1 child tables>"),
        (BILL.children["lines"], "<CompiledChildTable Line as 'lines': 1 fields>"),
        (_container(), "<Container: 2 providers, 1 overridden, open to overrides>"),
        (Override(Ledger, {"token": SECRET}), "<Override by Ledger: 1 arguments>"),
        (Override(Ledger()), "<Override by Ledger: 0 arguments>"),
        (_recorder(), "<OverrideRecorder: 1 overrides>"),
        (_recorder().ledger(), "<object of provider ledger>"),
        (_client("ada"), f"<DocumentClient for 'ada' in request {REQUEST}>"),
        (_client(""), f"<DocumentClient for 'guests' in request {REQUEST}>"),
        (
            Grant(
                (Comparison("secret", "eq", SECRET),), frozenset({"title", "lines"}), frozenset({"title"}), "Bill.read"
            ),
            "<Grant by 'Bill.read': 1 row scopes, 2 readable, 1 writable fields>",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_is_shown_in_one_short_line(shown: object, expected: str) -> None:
    assert repr(shown) == expected
    assert SECRET not in expected


def test_a_query_template_shows_its_doctype_in_short() -> None:
    assert f"doctype={BILL!r}" in repr(QueryTemplate(BILL, ("title",)))


def test_an_application_is_shown_with_its_roles_and_steps(tmp_path: Path) -> None:
    application = Application(load_settings(tmp_path, {}))
    steps = len(application.steps)
    assert repr(application) == f"<Application as no role: 0 of {steps} steps open>"
    application.roles = frozenset({"web", "relay"})
    assert repr(application) == f"<Application as relay, web: 0 of {steps} steps open>"
