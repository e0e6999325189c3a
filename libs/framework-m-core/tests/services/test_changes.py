"""What a write leaves behind: which fields changed, an audit entry and an event, without sensitive values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given

from framework_m_core.domain.clock import Uuid7Generator
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.events import DocUpdated, DomainEvent
from framework_m_core.domain.fields.field import Field
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.changes import compare_values, record_change
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import NOW, THING, stored, stored_things


class Card(FakeDocType):
    pin: str = Field(default="", sensitive=True)
    note: str = ""

    class Meta:
        is_child_table = True


class Patient(FakeDocType):
    full_name: str = ""
    diagnosis: str = Field(default="", sensitive=True)
    cards: list[Card] = []


def _patient() -> CompiledDocType:
    builder = RegistryBuilder()
    for model in (Card, Patient):
        builder.add_doctype(model, "tests")
    return builder.freeze().get("Patient")


PATIENT = _patient()


class Unit:
    """What a unit of work is told of a write."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.events: list[DomainEvent] = []

    def audit(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    def record(self, event: DomainEvent) -> None:
        self.events.append(event)


def _trace(context: RequestContext, changes: dict[str, Any], **data: Any) -> tuple[AuditEntry, DomainEvent]:
    unit: Any = Unit()
    document = stored(PATIENT, _version=3)
    record_change(unit, context, PATIENT, "write", DocUpdated, document, changes, Uuid7Generator(), **data)
    [entry], [event] = unit.entries, unit.events
    return entry, event


@given(stored_things(), stored_things())
def test_a_difference_is_old_and_new_of_what_changed(old: dict[str, Any], new: dict[str, Any]) -> None:
    changes = compare_values(THING, old, new)
    assert changes == {name: [old[name], new[name]] for name in [*THING.fields] if old[name] != new[name]}
    assert {**old, **{name: pair[1] for name, pair in changes.items()}} == new


def test_what_the_framework_keeps_is_no_change() -> None:
    kept = {"creation": None, "modified": None, "modified_by": "bob", "_version": 2, "deleted_at": NOW}
    assert compare_values(THING, stored(THING), stored(THING, **kept)) == {}
    moved = stored(THING, owner="bob", docstatus=1, name="T-2")
    assert compare_values(THING, stored(THING), moved) == {
        "owner": ["ada", "bob"],
        "docstatus": [0, 1],
        "name": ["T-1", "T-2"],
    }


def test_a_new_document_is_told_by_what_it_holds() -> None:
    changes = compare_values(THING, None, stored(THING, text="a", number=0, flag=False, tags=[], slots=[{"what": "x"}]))
    framework = {"name": "T-1", "owner": "ada", "docstatus": 0}
    rows = [{"id": UUID(int=100), "what": "x"}]
    assert changes == {**framework, "text": "a", "number": 0, "flag": False, "slots": rows}


def test_entry_and_event_say_who_did_what_when_and_why() -> None:
    context = RequestContext(
        Principal("ada"), tenant="acme", source="job", correlation_id=uuid4(), causation_id=uuid4()
    )
    entry, event = _trace(context, {"full_name": ["A", "B"]}, reason="x")
    assert (entry.actor, entry.action, entry.doctype, entry.document_id) == ("ada", "write", "Patient", UUID(int=7))
    assert (entry.at, entry.version, entry.tenant, entry.source) == (NOW, 3, "acme", "job")
    assert (entry.request_id, entry.reason, entry.changes) == (context.request_id, None, {"full_name": ["A", "B"]})
    assert isinstance(event, DocUpdated)
    assert (event.actor, event.doctype, event.document_id, event.version) == ("ada", "Patient", UUID(int=7), 3)
    assert (event.occurred_at, event.tenant) == (NOW, "acme")
    assert (event.correlation_id, event.causation_id) == (context.correlation_id, context.causation_id)
    assert event.data == {"name": "T-1", "docstatus": 0, "changed": ["full_name"], "reason": "x"}
    assert entry.id != event.id


def test_a_request_that_nothing_caused_begins_a_correlation() -> None:
    context = RequestContext(Principal("ada"))
    assert _trace(context, {})[1].correlation_id == context.request_id


@pytest.mark.parametrize(
    ("context", "actor"),
    [
        (make_system_context("the yearly purge", source="cli"), "system"),
        (make_system_context("another", source="cli").elevated("the yearly purge"), "system"),
        (RequestContext(Principal("ada")).elevated("the yearly purge"), "ada"),
    ],
)
def test_elevated_work_leaves_its_reason_and_who_asked(context: RequestContext, actor: str) -> None:
    entry, event = _trace(replace(context, tenant="acme"), {})
    assert (entry.actor, event.actor, entry.reason) == (actor, actor, "the yearly purge")


def test_sensitive_values_are_in_neither() -> None:
    rows = [[], [{"pin": "1234", "note": "a"}]]
    changes = {"full_name": ["A", "B"], "diagnosis": ["flu", "cold"], "cards": rows}
    entry, event = _trace(RequestContext(Principal("ada")), changes)
    assert entry.changes == {"full_name": ["A", "B"], "cards": "changed"}
    assert event.data["changed"] == ["cards", "full_name"]
    assert all(secret not in repr((entry, event)) for secret in ("flu", "cold", "1234", "diagnosis"))
    assert changes["cards"] is rows
