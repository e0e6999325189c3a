// A round trip with the types of openapi-typescript and the client openapi-fetch.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { address, token } from "./server";

type Invoice = components["schemas"]["Invoice"];

const client = createClient<paths>({ baseUrl: address, headers: { authorization: `Bearer ${token}` } });
const lines = [
  { description: "Chair", qty: "1.5", rate: "2.10" },
  { description: "Desk", qty: "1", rate: "3.00" },
];

function rows(invoice: Invoice): string[] {
  return (invoice.items ?? []).map((row) => `${row.description} ${row.qty} ${row.rate}`);
}

async function main(): Promise<void> {
  const customer = await client.POST("/api/v1/Customer", { body: { full_name: "Ada" } });
  assert.ok(customer.data);
  assert.equal(customer.data.status, "Lead");

  const made = await client.POST("/api/v1/Invoice", { body: { customer: customer.data.id, items: lines } });
  assert.ok(made.data);
  assert.deepEqual(rows(made.data), ["Chair 1.500 2.10", "Desk 1.000 3.00"]);

  const found = await client.POST("/api/v1/Invoice/search", {
    body: {
      filters: [{ field: "name", operator: "eq", value: made.data.name }],
      order_by: ["-creation"],
      fields: ["customer", "total"],
      expand: ["customer"],
    },
  });
  const [listed] = found.data?.items ?? [];
  assert.ok(listed);
  assert.equal(typeof listed.customer === "object" ? listed.customer.full_name : undefined, "Ada");
  assert.equal(listed.total, "6.15");

  const path = { id: made.data.id };
  const changed = await client.PATCH("/api/v1/Invoice/{id}", {
    params: { path },
    body: {
      _version: made.data._version,
      items: [
        { id: made.data.items?.[1]?.id ?? "", qty: "2" },
        { description: "Lamp", qty: "1", rate: "5.00" },
      ],
    },
  });
  assert.ok(changed.data);
  assert.deepEqual(rows(changed.data), ["Desk 2.000 3.00", "Lamp 1.000 5.00"]);
  assert.equal(changed.data.remarks, null);

  const submitted = await client.POST("/api/v1/Invoice/{id}/submit", { params: { path } });
  assert.equal(submitted.data?.docstatus, 1);

  const refused = await client.PATCH("/api/v1/Invoice/{id}", { params: { path }, body: { items: [] } });
  assert.equal(refused.error?.code, "document_submitted");
}

void main();
