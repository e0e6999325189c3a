"""Documents as the caller's own types."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypedDict, assert_type
from uuid import UUID

import pydantic
import pytest

from framework_m_client import Client, DocTypeClient, VersionConflictError, models

from .conftest import Shop


class Product(pydantic.BaseModel):
    """By pydantic."""

    id: UUID
    version: int = pydantic.Field(alias="_version")
    sku: str
    price: Decimal
    since: date | None


class NewProduct(pydantic.BaseModel):
    """What is written by pydantic."""

    sku: str
    price: Decimal = Decimal(7)


@dataclasses.dataclass(frozen=True)
class ProductRecord:
    """A dataclass."""

    id: UUID
    _version: int
    sku: str
    price: Annotated[Decimal, "exact"]
    since: date | None = None


@dataclasses.dataclass(frozen=True)
class NewRecord:
    """What is written as a dataclass."""

    sku: str
    since: date


class ProductDict(TypedDict):
    """Documents as served."""

    id: str
    sku: str
    price: str


@pytest.mark.parametrize("model", [Product, ProductRecord])
def test_documents_become_models_and_models_documents(client: Any, model: type[Any]) -> None:
    products = client.doctype("Product", model)
    made = products.create(NewRecord("A", date(2026, 1, 31)))
    assert isinstance(made, model) and isinstance(made.id, UUID)
    assert (made.sku, made.price, made.since) == ("A", Decimal("1.00"), date(2026, 1, 31))
    changed = products.update(made, NewProduct(sku="B"))
    assert (changed.sku, changed.price) == ("B", Decimal("1.00"))  # unset fields are not sent
    with pytest.raises(VersionConflictError):
        products.update(made, {"sku": "C"})
    assert products.get(changed) == changed
    assert products.list().items == [changed] == [*products.iterate()] == products.get_many([changed.id])


def test_a_typed_dict_is_what_was_served(client: Any) -> None:
    made = client.doctype("Product", ProductDict).create({"sku": "A"})
    assert made["price"] == "1.00"


def test_without_pydantic_a_model_is_refused_and_typed_dicts_work(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "TypeAdapter", None)
    with pytest.raises(TypeError, match="pydantic"):
        client.doctype("Product", ProductRecord)
    assert client.doctype("Product", ProductDict).list().items == []


def test_what_is_no_document_is_refused(client: Any) -> None:
    with pytest.raises(TypeError, match="expected a mapping"):
        client.doctype("Product").create(["sku"])


def test_types_are_known_to_type_checkers(shop: Shop) -> None:
    with Client("http://shop.test") as client:
        assert_type(client.doctype("Product"), DocTypeClient[dict[str, Any]])
        assert_type(client.doctype("Product", Product), DocTypeClient[Product])
        assert_type(client.doctype("Product", ProductDict), DocTypeClient[ProductDict])
