"""What is to be done."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from framework_m import Controller, DocType, Field, FieldError, ValidationError, requires_permission, whitelist

_NO_LATER = "expected a todo that can be due later"


class Priority(StrEnum):
    """How much it matters."""

    LOW = "Low"
    NORMAL = "Normal"
    HIGH = "High"


class Todo(DocType):
    """Something to be done."""

    title: str = Field(min_length=1, max_length=200, in_list=True)
    todo_list: UUID = Field(link="TodoList")
    list_title: str | None = Field(default=None, fetch_from="todo_list.title", in_list=True)
    due: date | None = Field(default=None, index=True, in_list=True)
    priority: Priority = Field(default=Priority.NORMAL, in_list=True)
    done: bool = Field(default=False, index=True, in_list=True)
    done_at: datetime | None = Field(default=None, read_only=True)

    class Meta:
        naming = "TODO-.#####"
        permissions = {
            "read": {"Todo User": "own", "Todo Manager": "all"},
            "create": ["Todo User", "Todo Manager"],
            "write": {"Todo User": "own", "Todo Manager": "all"},
            "delete": {"Todo User": "own", "Todo Manager": "all"},
        }


class TodoController(Controller[Todo]):
    """Keeps when it was done, and keeps closed lists closed."""

    async def validate(self) -> None:
        """Sets or takes away the time; refuses a list that is closed."""
        if not self.doc.done:
            self.doc.done_at = None
        elif self.doc.done_at is None:
            self.doc.done_at = self.context.clock()
        if not self.doc.done:
            await self._check_list()

    @whitelist
    @requires_permission("write")
    async def postpone(self, days: Annotated[int, Field(ge=1, le=3650)] = 1) -> date:
        """Makes it due later, counted from today where it is due already or not at all."""
        today = self.context.clock().date()
        begin = max(self.doc.due or today, today)
        if days > (date.max - begin).days:
            raise ValidationError("the todo is due at the end of time", [FieldError("days", "no_later_day", _NO_LATER)])
        due = begin + timedelta(days=days)
        await self.documents.update("Todo", self.doc.id, {"due": due})
        return due

    async def _check_list(self) -> None:
        todo_list = await self.documents.get("TodoList", self.doc.todo_list)
        if todo_list["closed"]:
            error = FieldError("todo_list", "closed", "expected a list that is not closed")
            raise ValidationError(f"the list {todo_list['title']!r} is closed", [error])
