"""Publishing of events of the types that apps declare."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pydantic
from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import ConfigurationError, FieldError, TransientError, ValidationError
from framework_m_core.domain.events import PublishedEvent
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import normalize_value
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.event_types import dump_payload
from framework_m_core.services.documents.validation import field_errors_of
from framework_m_core.services.runtime.retry import retry

__all__ = ["compose_event", "store_event"]

_DATA = FieldSpec("payload", FieldKind.JSON)


def compose_event(context: RequestContext, payload: BaseModel, key: str | None, id: UUID) -> PublishedEvent[Any]:
    """Return the event of a payload. Raises ConfigurationError if it is not declared, ValidationError if not valid."""
    declared = context.registry.payload_types.get(type(payload))
    if declared is None:
        name = type(payload).__qualname__
        raise ConfigurationError(
            f"expected a payload that @event_type declares, got {name}: declare it in an app module"
        )
    try:
        checked = declared.model.model_validate(payload.model_dump(warnings=False))
        data = normalize_value(_DATA, dump_payload(checked))
    except pydantic.ValidationError as error:
        raise ValidationError(f"the payload of {declared.name} is not valid", field_errors_of(error)) from error
    except (ValueError, OverflowError) as error:
        raise ValidationError(f"the payload of {declared.name} is not valid", [_out_of_bounds(error)]) from error
    if key is None:
        key = str(id) if declared.key is None else str(data[declared.key])
    return PublishedEvent(
        id=id, type=declared.name, doctype=declared.doctype, key=key, occurred_at=context.clock(),
        actor=context.principal.id, tenant=context.tenant,
        correlation_id=context.correlation_id or context.request_id, causation_id=context.causation_id,
        data=data, payload=checked,
    )  # fmt: skip


async def store_event(units: UnitOfWorkFactoryProtocol, context: RequestContext, event: PublishedEvent[Any]) -> None:
    """Add an event to the context's unit of work, else store it in its own."""
    if context.unit is not None:
        context.unit.record(event)
        return

    async def attempt() -> None:
        async with units(context) as unit:
            unit.record(event)
            await unit.commit()

    await retry(attempt, TransientError)


def _out_of_bounds(error: Exception) -> FieldError:
    return FieldError("*", "out_of_bounds", str(error))
