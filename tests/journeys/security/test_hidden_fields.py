"""Item.cost is for managers: a sales user neither reads it nor learns it by asking around it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from framework_m_core.domain.filters.tree import OPERATORS
from tests.journeys.security.responses import faceless, refused

CHEAP, DEAR = "1.11", "987654.32"


@dataclass(frozen=True)
class Shelf:
    """Two items of alice's that differ in what she cannot see."""

    mark: str
    cheap: str
    dear: str

    @property
    def wanted(self) -> str:
        """The filter for both."""
        return json.dumps([{"field": "description", "operator": "eq", "value": self.mark}])


@pytest.fixture(scope="module")
def shelf(alice: httpx.Client, manager: httpx.Client) -> Shelf:
    mark, ids = uuid4().hex, []
    for cost in (CHEAP, DEAR):
        item = alice.post("/api/v1/Item", json={"item_code": str(uuid4()), "description": mark, "rate": "5.00"}).json()
        assert manager.patch(f"/api/v1/Item/{item['id']}", json={"cost": cost}).json()["cost"] == cost
        ids.append(item["id"])
    return Shelf(mark, *ids)


def _alike(first: httpx.Response, second: httpx.Response, *names: str) -> None:
    assert faceless(first, *names) == faceless(second, *names)


def test_it_is_in_no_answer(alice: httpx.Client, manager: httpx.Client, shelf: Shelf) -> None:
    assert manager.get(f"/api/v1/Item/{shelf.dear}").json()["cost"] == DEAR
    assert manager.get("/api/v1/Item", params={"filters": shelf.wanted, "order_by": "cost"}).text.count('"cost"') == 2
    seen = [
        alice.get(f"/api/v1/Item/{shelf.dear}"),
        alice.get("/api/v1/Item", params={"filters": shelf.wanted}),
        alice.get("/api/v1/Item", params={"filters": shelf.wanted, "include_deleted": "true"}),
        alice.patch(f"/api/v1/Item/{shelf.dear}", json={"is_active": True}),
        alice.put(f"/api/v1/Item/{shelf.dear}", json=alice.get(f"/api/v1/Item/{shelf.dear}").json()),
        alice.post("/api/v1/Item", json={"item_code": str(uuid4())}),
        alice.patch(f"/api/v1/Item/{shelf.dear}", json={"rate": "-1"}),
        alice.patch(f"/api/v1/Item/{shelf.dear}", json={"_version": 1}),
        alice.get("/api/v1/Item", params={"order_by": "nonsense"}),
        alice.get("/api/meta/Item"),
        alice.get("/api/meta"),
    ]
    for response in seen:
        assert "cost" not in response.text and DEAR not in response.text, response.text


def test_metadata_shows_it_to_managers_alone(alice: httpx.Client, manager: httpx.Client) -> None:
    for client, there in ((alice, False), (manager, True)):
        described = client.get("/api/meta/Item").json()
        assert ("cost" in {field["name"] for field in described["fields"]}) is there, there
        assert ("cost" in described["schema"]["properties"]) is there, there
    tags = {client.get("/api/meta/Item").headers["etag"] for client in (alice, manager)}
    assert len(tags) == 2
    for tag in tags:
        responses = [
            client.get("/api/meta/Item", headers={"if-none-match": tag}).status_code for client in (alice, manager)
        ]
        assert sorted(responses) == [200, 304]


def test_a_managers_tag_shows_it_to_nobody_else(alice: httpx.Client, manager: httpx.Client, shelf: Shelf) -> None:
    for path in (f"/api/v1/Item/{shelf.dear}", "/api/v1/Item", f"/api/v1/Item/{shelf.dear}?fields=rate"):
        tag = manager.get(path).headers["etag"]
        assert manager.get(path, headers={"if-none-match": tag}).status_code == 304, path
        shown = alice.get(path, headers={"if-none-match": tag})
        if "fields" not in path:
            assert shown.status_code == 200, path
            assert DEAR not in shown.text, path


def test_it_cannot_be_filtered_by(
    alice: httpx.Client, manager: httpx.Client, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    for operator in (*OPERATORS, "nonsense"):
        with subtests.test(operator):
            values: list[Any] = [CHEAP, 1.11, "500", [CHEAP], [CHEAP, DEAR], True, False, None, "x", "%", {}]
            for value in values:
                comparison = {"field": "cost", "operator": operator, "value": value}
                for tree in (
                    comparison,
                    {"not": comparison},
                    {"or": [comparison, {"or": []}]},
                    [json.loads(shelf.wanted)[0], comparison],
                ):
                    given = [tree] if tree is comparison else tree
                    hidden = alice.get("/api/v1/Item", params={"filters": json.dumps(given), "count": "exact"})
                    refused(hidden, 400, "bad_query")
                    unknown = alice.get("/api/v1/Item", params={"filters": json.dumps(given).replace("cost", "cozt")})
                    _alike(hidden, unknown, "cost", "cozt")
            between = [{"field": "cost", "operator": "between", "value": ["500", "1000000"]}, *json.loads(shelf.wanted)]
            shown = manager.get("/api/v1/Item", params={"filters": json.dumps(between)}).json()["items"]
            assert [item["id"] for item in shown] == [shelf.dear]


@pytest.mark.parametrize(
    "asked",
    [
        {"order_by": "cost"},
        {"order_by": "-cost"},
        {"order_by": "rate,cost"},
        {"fields": "cost"},
        {"fields": "rate,cost"},
        {"fields": "Item.cost"},
        {"expand": "cost"},
        {"order_by": "cost", "cursor": "W10"},
    ],
    ids=str,
)
def test_it_cannot_be_asked_for(alice: httpx.Client, shelf: Shelf, asked: dict[str, str]) -> None:
    unknown = {name: value.replace("cost", "cozt") for name, value in asked.items()}
    hidden = alice.get("/api/v1/Item", params=asked)
    refused(hidden, 400, "bad_query")
    _alike(hidden, alice.get("/api/v1/Item", params=unknown), "cost", "cozt")
    if not {"order_by", "cursor"} & asked.keys():
        one = alice.get(f"/api/v1/Item/{shelf.dear}", params=asked)
        refused(one, 400, "bad_query")
        _alike(one, alice.get(f"/api/v1/Item/{shelf.dear}", params=unknown), "cost", "cozt")


def test_no_cursor_compares_with_it(alice: httpx.Client, manager: httpx.Client, shelf: Shelf) -> None:
    page = manager.get("/api/v1/Item", params={"order_by": "cost", "limit": 1, "filters": shelf.wanted}).json()
    forged = json.dumps(["cost,id", ["500.00", "00000000-0000-0000-0000-000000000000"]]).encode()
    for cursor in (page["next_cursor"], base64.urlsafe_b64encode(forged).rstrip(b"=").decode()):
        for order in ({}, {"order_by": "rate"}, {"order_by": "cost"}, {"order_by": "cost,id"}):
            asked = {"cursor": cursor, "filters": shelf.wanted, **order}
            refused(alice.get("/api/v1/Item", params=asked), 400, "bad_query")


def test_a_guess_is_refused_alike_whether_right_or_wrong(alice: httpx.Client, shelf: Shelf) -> None:
    path = f"/api/v1/Item/{shelf.dear}"
    version = alice.get(path).json()["_version"]
    for method in ("PUT", "PATCH"):
        for headers in ({}, {"if-match": f'"{shelf.dear}-{version}"'}, {"if-match": "*"}):
            responses = [
                alice.request(method, path, json={"_version": version, "cost": guess}, headers=headers)
                for guess in (DEAR, "987654.320", 987654.32, CHEAP, None, "0", -1, "x", True, "1.001")
            ]
            for response in responses:
                refused(response, 400, "validation_failed")
                _alike(response, responses[0])
    assert alice.get(path).json()["_version"] == version


def test_tags_and_answers_do_not_depend_on_it(alice: httpx.Client, shelf: Shelf) -> None:
    cheap, dear = (alice.get(f"/api/v1/Item/{id}") for id in (shelf.cheap, shelf.dear))
    for response in (cheap, dear):
        document = response.json()
        assert re.fullmatch(f'"{document["id"]}-{document["_version"]}-[0-9a-f]{{16}}"', response.headers["etag"]), (
            response.request.url
        )
    assert cheap.headers["etag"][-17:] == dear.headers["etag"][-17:]
    assert cheap.json().keys() == dear.json().keys()
    both = alice.get("/api/v1/Item", params={"filters": shelf.wanted, "order_by": "rate,description"}).json()["items"]
    assert [item["id"] for item in both] == sorted([shelf.cheap, shelf.dear])
