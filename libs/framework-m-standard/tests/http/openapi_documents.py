"""Readers of OpenAPI documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema

PATH = "/schema/openapi.json"
JSON_SCHEMA_WORDS = frozenset({
    "$ref", "additionalProperties", "anyOf", "const", "contentEncoding", "contentMediaType", "default", "description",
    "discriminator", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems",
    "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not",
    "oneOf", "pattern", "prefixItems", "properties", "required", "title", "type", "uniqueItems",
})  # fmt: skip
OURS = "x-framework-m-"
METHODS = frozenset({"get", "post", "put", "patch", "delete"})


async def document_for(site: Any, who: str) -> dict[str, Any]:
    async with site.client(who) as client:
        found: dict[str, Any] = (await client.get(PATH)).json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method in METHODS & found.keys():
            yield path, found[method]


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """A schema and those within it; `properties` holds names, not words."""
    if isinstance(node, dict):
        yield node
        for word, part in node.items():
            if word in {"properties", "$defs"}:
                for inner in part.values():
                    yield from schemas(inner)
            elif word in {"items", "not", "additionalProperties"}:
                yield from schemas(part)
            elif word in {"anyOf", "oneOf", "allOf"}:
                for inner in part:
                    yield from schemas(inner)


class Served:
    """Responses of a site, each checked against the document."""

    def __init__(self, client: Any, document: dict[str, Any]) -> None:
        self._client = client
        self._document = document

    async def __call__(self, method: str, path: str, template: str, **more: Any) -> Any:
        """Send a request and return the decoded body."""
        response = await self._client.request(method, path, **more)
        described = self._document["paths"][template][method.lower()]["responses"][str(response.status_code)]
        described = self._resolved(described)
        for name in described["headers"].keys() - {"Set-Cookie"}:
            assert name.lower() in response.headers, f"{method} {path}: {response.status_code} without {name}"
        if not response.content:
            assert "content" not in described
            return None
        media_type = response.headers["content-type"]
        schema = described["content"][media_type]["schema"]
        body = response.json()
        jsonschema.validate(
            body,
            {**self._closed(schema), "components": self._closed(self._document["components"])},
            jsonschema.Draft202012Validator,
        )
        return body

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        found: Any = self._document
        if "$ref" not in node:
            return node
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def _closed(self, node: Any) -> Any:
        """Schemas that allow no property but those that they name."""
        if isinstance(node, dict):
            closed = {key: self._closed(part) for key, part in node.items()}
            if isinstance(node.get("properties"), dict) and "type" in node:
                closed.setdefault("additionalProperties", False)
            return closed
        return [self._closed(part) for part in node] if isinstance(node, list) else node
