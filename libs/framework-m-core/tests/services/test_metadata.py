"""`MetadataService`: DocTypes as each caller's grants let them be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from framework_m_core.domain.context import ANONYMOUS, Principal, RequestContext
from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError, NoGrantError
from framework_m_core.domain.fields.field import Field
from framework_m_core.interfaces.permission import Grant, PolicyEvaluateRequest, PolicyEvaluateResult
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.permissions.service import PermissionService
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import grant_of

ADA = RequestContext(Principal("ada"))
NOBODY = RequestContext(ANONYMOUS)


class HTTPRouteRow(FakeDocType):
    price_list: str = ""
    cost: str = ""

    class Meta:
        is_child_table = True


class SalesOrder(FakeDocType):
    full_title: str = Field(in_list=True)
    short: str = Field(default="", label="Kurz")
    rows: list[HTTPRouteRow] = []

    class Meta:
        submittable = True


class Numbered(FakeDocType):
    region: str

    class Meta:
        naming = "N-.{region}.-.##"


class Draft(FakeDocType):
    text: str = ""

    class Meta:
        label = "Rough Draft"
        module = "Desk"


class Inner(FakeDocType):
    class Meta:
        api_resource = False


def _registry() -> Registry:
    builder = RegistryBuilder()
    for model in (HTTPRouteRow, SalesOrder, Numbered, Draft, Inner):
        builder.add_doctype(model, "sales")
    return builder.freeze()


class Engine:
    """Grants what is listed, as `SalesOrder.read`."""

    def __init__(self, grants: Mapping[str, Grant]) -> None:
        self._grants = grants

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        return self._grants.get(f"{doctype}.{action}")

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        raise NotImplementedError

    async def evaluate_many(
        self, context: RequestContext, doctype: str, action: str, documents: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyEvaluateResult]:
        raise NotImplementedError


def _service(**grants: Grant) -> MetadataService:
    engine = Engine({name.replace("_", "."): grant for name, grant in grants.items()})
    return MetadataService(RegistryHandle(_registry()), PermissionService(engine))


async def test_the_overview_lists_by_module_what_the_caller_has_any_grant_for() -> None:
    service = _service(
        SalesOrder_submit=grant_of(), SalesOrder_read=grant_of(), Draft_create=grant_of(), Inner_read=grant_of()
    )
    draft = {"name": "Draft", "label": "Rough Draft", "submittable": False, "permissions": ["create"]}
    order = {"name": "SalesOrder", "label": "Sales Order", "submittable": True, "permissions": ["read", "submit"]}
    assert await service.read_overview(ADA) == {
        "modules": [{"name": "Desk", "doctypes": [draft]}, {"name": "sales", "doctypes": [order]}]
    }


async def test_who_may_see_nothing_logs_in_or_gets_nothing() -> None:
    assert await _service().read_overview(ADA) == {"modules": []}
    with pytest.raises(AuthenticationError):
        await _service().read_overview(NOBODY)
    assert (await _service(Draft_read=grant_of()).read_overview(NOBODY))["modules"]


async def test_to_select_a_link_target_is_not_to_see_its_doctype() -> None:
    service = _service(Draft_select=grant_of({"text"}))
    assert await service.find_visible(ADA) == {}
    with pytest.raises(NoGrantError) as refused:
        await service.describe(ADA, "Draft")
    assert refused.value.details == {"rule": "Draft.*", "doctype": "Draft"}


async def test_only_what_can_be_submitted_is_said_to_be() -> None:
    service = _service(Draft_submit=grant_of(), Draft_cancel=grant_of(), Draft_read=grant_of())
    assert list((await service.find_visible(ADA))["Draft"]) == ["read"]
    assert (await service.describe(ADA, "Draft"))["permissions"]["submit"] is False


@pytest.mark.parametrize("name", ["Nowhere", "Inner", "HTTPRouteRow", "draft"])
async def test_what_has_no_api_is_not_there(name: str) -> None:
    service = _service(Inner_read=grant_of(), HTTPRouteRow_read=grant_of())
    with pytest.raises(DocTypeNotFoundError) as refused:
        await service.describe(ADA, name)
    assert refused.value.details == {"doctype": name}
    with pytest.raises(AuthenticationError):
        await service.describe(NOBODY, name)


async def test_fields_are_those_that_may_be_read_or_written_by_any_grant() -> None:
    service = _service(
        SalesOrder_read=grant_of({"full_title", "rows", "rows.price_list"}),
        SalesOrder_write=grant_of((), {"full_title"}),
        SalesOrder_create=grant_of((), {"short"}),
    )
    described: Any = await service.describe(ADA, "SalesOrder")
    fields = {field["name"]: field for field in described["fields"]}
    assert {name: (one["read_only"], one["write_only"]) for name, one in fields.items()} == {
        "full_title": (False, False), "short": (False, True), "rows": (True, False),
    }  # fmt: skip
    assert [field["name"] for field in fields["rows"]["fields"]] == ["price_list"]
    assert fields["rows"]["child"] == "HTTPRouteRow"
    assert described["views"]["list"]["columns"] == ["name", "full_title"]
    assert described["schema"]["properties"].keys() == fields.keys()


async def test_metadata_tell_whether_documents_may_get_another_name() -> None:
    service = _service(Numbered_read=grant_of(), Draft_read=grant_of())
    assert (await service.describe(ADA, "Numbered"))["allow_rename"] is True
    assert (await service.describe(ADA, "Draft"))["allow_rename"] is False


async def test_labels_are_the_declared_ones_or_read_well() -> None:
    service = _service(SalesOrder_read=grant_of({"full_title", "short"}))
    described: Any = await service.describe(ADA, "SalesOrder")
    assert (described["label"], [field["label"] for field in described["fields"]]) == (
        "Sales Order",
        ["Full Title", "Kurz"],
    )


@pytest.mark.parametrize(("readable", "naming"), [({"region"}, "N-.{region}.-.##"), (set[str](), None)])
async def test_a_naming_rule_names_no_hidden_field(readable: set[str], naming: str | None) -> None:
    described = await _service(Numbered_read=grant_of(readable)).describe(ADA, "Numbered")
    assert described["naming"] == naming
