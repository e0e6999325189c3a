"""What belongs together."""

from framework_m import DocType, Field


class TodoList(DocType):
    """A list of todos. Closing it closes them, see `todo/closing.py`."""

    title: str = Field(min_length=1, max_length=100, in_list=True)
    closed: bool = Field(default=False, index=True, in_list=True)

    class Meta:
        permissions = {
            "read": {"Todo User": "own", "Todo Manager": "all"},
            "create": ["Todo User", "Todo Manager"],
            "write": {"Todo User": "own", "Todo Manager": "all"},
            "delete": {"Todo User": "own", "Todo Manager": "all"},
        }
