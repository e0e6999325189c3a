"""The DocTypes, controllers and functions that the tests of HTTP serve."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pydantic
from pydantic import BaseModel

from framework_m import (
    Comparison,
    Controller,
    DocType,
    Documents,
    Field,
    RequestContext,
    requires_permission,
    rpc,
    whitelist,
)
from framework_m_core.domain.context import GUEST
from framework_m_core.domain.errors import TransientError


class Line(DocType):
    """A row of a sale."""

    text: str
    price: Decimal = Field(default=Decimal(0), ge=0, scale=2)
    margin: Decimal = Field(default=Decimal(0), scale=2, permlevel=1)
    code: str | None = Field(default=None, sensitive=True)

    class Meta:
        is_child_table = True
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}


class Sale(DocType):
    """Everything that a route may meet: children, levels, submit, scopes of every kind."""

    title: str = Field(in_list=True)
    color: Literal["red", "blue"] = "red"
    rate: Decimal = Field(default=Decimal(0), scale=8)
    secret: str | None = Field(default=None, permlevel=1, sensitive=True)
    total: Decimal = Field(default=Decimal(0), read_only=True, scale=2)
    extra: dict[str, Any] = Field(default_factory=dict)
    partner: UUID | None = Field(default=None, link="Sale")
    lines: list[Line] = []

    class Meta:
        naming = "S-.####"
        title_field = "color"
        submittable = True
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}
        permissions = {
            "read": {"Reader": "all", "Owner": "own", "Boss": "all", "Blue": Comparison("color", "eq", "blue")},
            "create": {"Reader": Comparison("color", "eq", "blue"), "Owner": "own", "Boss": "all"},
            "write": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "delete": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "purge": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "submit": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "cancel": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "amend": {"Reader": "own", "Owner": "own", "Boss": "all"},
        }


class SaleController(Controller[Sale]):
    """Adds the lines up."""

    async def validate(self) -> None:
        """Sets the total; one title breaks."""
        if self.doc.title == "break":
            raise RuntimeError("SELECT password FROM users")
        self.doc.total = sum((line.price for line in self.doc.lines), Decimal(0))

    @whitelist
    @requires_permission("write")
    async def priced(self, factor: Decimal = Decimal(1)) -> dict[str, Any]:
        """The title and the total, times a factor."""
        return {"title": self.doc.title, "total": (self.doc.total * factor).quantize(Decimal("0.01"))}

    @whitelist
    @requires_permission("submit")
    async def retitle(self, title: str, first_line: str = "") -> str:
        """Changes the document."""
        self.doc.title = title
        if first_line:
            self.doc.lines[0].text = first_line
        return self.doc.title

    @whitelist
    @requires_permission("submit")
    async def retitle_twice(self, how: Literal["update", "rename", "submit", "delete"], assigns: bool = True) -> None:
        """Changes the document by a service and, if it assigns, by assigning to it."""
        values: dict[str, Any] = {"update": ({"title": "by update"},), "rename": ("S-other",)}
        await getattr(self.documents, how)("Sale", self.doc.id, *values.get(how, ()))
        if assigns:
            self.doc.total = Decimal(7)

    @whitelist
    @requires_permission("read")
    async def retitle_unasked(self) -> None:
        """Changes the document under an action that changes nothing."""
        self.doc.title = "unasked"

    @whitelist(document=False)
    @requires_permission("read")
    async def has_document(self) -> bool:
        """Whether one was named."""
        return self.doc is not None

    @whitelist
    @requires_permission("create")
    async def split(self, parts: int, breaks: bool = False) -> list[UUID]:
        """Makes copies."""
        made = [await self.documents.create("Sale", {"title": self.doc.title}) for _ in range(parts)]
        if breaks:
            raise RuntimeError("after the last")
        return [sale["id"] for sale in made]

    @whitelist(allow_guest=True, document=False)
    async def greet(self) -> str:
        """Says hello to everybody."""
        return "hello"

    @whitelist
    @requires_permission("read")
    async def leaks(self) -> Any:
        """Returns the document itself, hidden fields and all."""
        return {"sale": self.doc}

    async def helper(self) -> None:
        """Is not declared callable."""


@rpc("sales.titles")
@requires_permission("read", "Sale")
async def titles(starting: str, documents: Documents, context: RequestContext) -> dict[str, Any]:
    """Titles that start so."""
    filters = [{"field": "title", "operator": "starts_with", "value": starting}]
    page = await documents.list("Sale", filters)
    return {"titles": [sale["title"] for sale in page.items], "asked_by": context.principal.id}


@rpc("sales.ping", allow_guest=True)
async def ping_guests() -> str:
    """Answers."""
    return "pong"


@rpc("sales.all_titles", allow_guest=True)
async def all_titles(documents: Documents) -> list[str]:
    """Reads as the caller, which for guests means not at all."""
    return [sale["title"] for sale in (await documents.list("Sale")).items]


@rpc("sales.sign_up", allow_guest=True)
async def sign_up(title: str, documents: Documents) -> UUID:
    """Makes a sale as the system."""
    made: UUID = (await documents.elevated("a guest signs up").create("Sale", {"title": title}))["id"]
    return made


class Circle(BaseModel):
    """A shape."""

    kind: Literal["circle"]
    radius: Annotated[int, Field(ge=1, le=10)]


class Square(BaseModel):
    """Another."""

    kind: Literal["square"]
    side: int


@rpc("sales.area", allow_guest=True)
async def area(shape: Annotated[Circle | Square, pydantic.Field(discriminator="kind")], factor: float = 1) -> float:
    """The area of a shape, more or less."""
    return factor * (3 * shape.radius**2 if isinstance(shape, Circle) else shape.side**2)


@rpc("sales.several", allow_guest=True)
async def several(count: Annotated[int, Field(ge=1, le=10)], label: str = "") -> str:
    """Says it so often."""
    return label * count


@rpc("sales.seal", allow_guest=True)
async def seal(picture: bytes, weight: Decimal = Decimal("0.5"), frame: bytes = b"\xff") -> bytes:
    """Puts a frame around a picture."""
    return frame + picture + frame if weight else picture


@rpc("sales.unsendable", allow_guest=True)
async def unsendable(documents: Documents) -> Any:
    """Stores a sale and returns a value that has no JSON form."""
    await documents.elevated("a test").create("Sale", {"title": "unsent"})
    return {1j}


@rpc("sales.consumes", allow_guest=True)
async def consumes(lines: list[dict[str, Any]], context: RequestContext) -> int:
    """Eats its arguments, and meets a conflict at its first try."""
    found = sum(len(line.pop("parts")) for line in lines)
    if context.request_id not in _TRIED:
        _TRIED.add(context.request_id)
        raise TransientError("a conflict")
    return found


_TRIED: set[UUID] = set()


class Problem(DocType):
    """Named like a part of the API's description."""

    flaw: str = ""

    class Meta:
        permissions = {"read": {"Boss": "all"}}


class SalePage(DocType):
    """Likewise."""

    leaf: str = ""

    class Meta:
        permissions = {"read": {"Boss": "all"}}


class Tag(DocType):
    """Named by its creator, open to guests."""

    text: str = ""

    class Meta:
        naming = "prompt"
        permissions = {"read": {GUEST: "all"}, "create": {"Boss": "all", GUEST: "all"}, "write": {"Boss": "all"}}


class Hidden(DocType):
    """Has no API."""

    text: str = ""

    class Meta:
        api_resource = False
        permissions = {"read": {GUEST: "all"}}
