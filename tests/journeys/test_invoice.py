"""The main journey: two users, a manager, customers and invoices."""

from __future__ import annotations

import time
from decimal import Decimal
from uuid import uuid4

from tests.journeys.product import Product

LINES = [{"description": "Chair", "qty": "1.5", "rate": "2.10"}, {"description": "Desk", "qty": 1, "rate": 3}]


def test_two_users_invoice_and_a_manager_submits(crm: Product) -> None:
    with crm.client("alice") as alice, crm.client("bob") as bob, crm.client("manager") as manager:
        made = alice.post("/api/v1/Customer", json={"full_name": "AT&T <b> ☃"})
        assert made.status_code == 201 and made.json()["full_name"] == "AT&T <b> ☃"
        assert made.headers["location"] == f"/api/v1/Customer/{made.json()['id']}"
        customer = made.json()["id"]

        response = alice.post("/api/v1/Invoice", json={"customer": customer, "items": LINES})
        assert response.status_code == 201, response.text
        invoice = response.json()
        assert invoice["name"].startswith("INV-") and invoice["customer_name"] == "AT&T <b> ☃"
        assert Decimal(invoice["total"]) == Decimal("6.15") and [len(line) for line in invoice["items"]] == [5, 5]
        path = f"/api/v1/Invoice/{invoice['id']}"
        assert alice.get(path).json() == invoice == alice.get(f"/api/v1/Invoice/{invoice['name']}").json()
        assert manager.get(path).json() == invoice

        assert bob.get(path).status_code == 404
        by_name = f'[{{"field": "name", "operator": "eq", "value": "{invoice["name"]}"}}]'
        seen_by_bob = bob.get("/api/v1/Invoice", params={"filters": by_name, "count": "exact"}).json()
        assert (seen_by_bob["items"], seen_by_bob["total"]) == ([], 0)
        assert bob.post("/api/v1/Invoice", json={"customer": customer}).json()["errors"][0]["field"] == "customer"
        assert alice.post(f"{path}/submit").status_code == 403

        changed = alice.put(path, json={"_version": 1, "items": [{"id": invoice["items"][1]["id"], "qty": "2"}]})
        assert changed.status_code == 200 and changed.json()["total"] == "6.00"
        assert [line["description"] for line in changed.json()["items"]] == ["Desk"]
        assert alice.put(path, json={"_version": 1, "remarks": "late"}).status_code == 409

        submitted = manager.post(f"{path}/submit")
        assert submitted.status_code == 200 and submitted.json()["docstatus"] == 1
        assert alice.patch(path, json={"items": []}).status_code == 409
        assert alice.patch(path, json={"remarks": "paid"}).json()["remarks"] == "paid"
        assert alice.delete(path).status_code == 409
        assert alice.delete(f"/api/v1/Customer/{customer}").status_code == 409
        assert manager.post(f"{path}/cancel").json()["docstatus"] == 2
        assert alice.delete(path).status_code == 204
        assert alice.get(path).status_code == 404
        assert alice.delete(f"/api/v1/Customer/{customer}").status_code == 204


def test_lists_page_filter_and_count(crm: Product) -> None:
    with crm.client("alice") as alice:
        mark = uuid4().hex
        for number in range(25):
            alice.post("/api/v1/Contact", json={"full_name": f"{mark} {number:02d}"}).raise_for_status()
        wanted = f'[{{"field": "full_name", "operator": "starts_with", "value": "{mark}"}}]'
        seen, cursor = [], None
        while True:
            asked: dict[str, str | int] = {"filters": wanted, "order_by": "-full_name", "limit": 10, "count": "exact"}
            page = alice.get("/api/v1/Contact", params=asked | ({"cursor": cursor} if cursor else {})).json()
            assert page["total"] == 25
            seen += [item["full_name"] for item in page["items"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        assert seen == [f"{mark} {number:02d}" for number in reversed(range(25))]


def test_a_submitted_invoice_activates_its_customer(crm: Product) -> None:
    with crm.client("alice") as alice, crm.client("manager") as manager:
        customer = alice.post("/api/v1/Customer", json={"full_name": "Lead"}).json()
        invoice = alice.post("/api/v1/Invoice", json={"customer": customer["id"], "items": LINES}).json()
        manager.post(f"/api/v1/Invoice/{invoice['id']}/submit").raise_for_status()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            status = alice.get(f"/api/v1/Customer/{customer['id']}").json()["status"]
            if status == "Active":
                return
            time.sleep(0.1)
        raise AssertionError(f"the event handler did not run: {status}")
