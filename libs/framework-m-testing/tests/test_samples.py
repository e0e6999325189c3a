"""Plain values fit the fields that they are for."""

from __future__ import annotations

from framework_m_core.domain.fields.values import from_json
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.samples import make_sample_value


def test_a_sample_of_every_field_is_accepted() -> None:
    for plan in build_sample_registry().doctypes.values():
        kinds = {name: info.annotation for name, info in plan.model.model_fields.items()}
        sent = {name: make_sample_value(spec, 7, kinds[name]) for name, spec in plan.fields.items()}
        values = {
            name: from_json(plan.fields[name], raw) if plan.fields[name].is_scalar else raw
            for name, raw in sent.items()
        }
        document = plan.model.model_validate(values)
        assert document.model_fields_set >= values.keys()


def test_another_number_is_another_text() -> None:
    text = build_sample_registry().get("Thing").fields["text"]
    assert make_sample_value(text, 1) != make_sample_value(text, 2)
