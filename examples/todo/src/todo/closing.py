"""Who closes a list is done with all of it: an event handler."""

from framework_m import Documents, DocUpdated, on


@on("TodoList", DocUpdated)
async def close_todos(event: DocUpdated, documents: Documents) -> None:
    """Marks the todos of a closed list as done; doing it twice changes nothing more."""
    todo_list = await documents.get("TodoList", event.document_id)
    if not todo_list["closed"]:
        return
    left = [
        {"field": "todo_list", "operator": "eq", "value": todo_list["id"]},
        {"field": "done", "operator": "eq", "value": False},
    ]
    while todos := (await documents.list("Todo", left, limit=100)).items:
        for todo in todos:
            await documents.update("Todo", todo["id"], {"done": True})
