// A round trip with the functions of orval, whose paths are those of the page that calls them.
import assert from "node:assert/strict";
import { createCustomer, createInvoice, type Invoice, searchInvoice, submitInvoice, updateInvoice } from "./orval-client";
import { address, token } from "./server";

const send = globalThis.fetch;
globalThis.fetch = (path, init) =>
  send(`${address}${String(path)}`, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } });
const lines = [
  { description: "Chair", qty: "1.5", rate: "2.10" },
  { description: "Desk", qty: "1", rate: "3.00" },
];

function rows(invoice: Invoice): string[] {
  return (invoice.items ?? []).map((row) => `${row.description} ${row.qty} ${row.rate}`);
}

async function main(): Promise<void> {
  const customer = await createCustomer({ full_name: "Ada" });
  assert.ok(customer.status === 201);
  assert.equal(customer.data.status, "Lead");

  const made = await createInvoice({ customer: customer.data.id, items: lines });
  assert.ok(made.status === 201);
  assert.deepEqual(rows(made.data), ["Chair 1.500 2.10", "Desk 1.000 3.00"]);

  const found = await searchInvoice({
    filters: [{ field: "name", operator: "eq", value: made.data.name }],
    order_by: ["-creation"],
    fields: ["customer", "total"],
    expand: ["customer"],
  });
  assert.ok(found.status === 200);
  const [listed] = found.data.items;
  assert.ok(listed);
  assert.equal(typeof listed.customer === "object" ? listed.customer.full_name : undefined, "Ada");
  assert.equal(listed.total, "6.15");

  const changed = await updateInvoice(made.data.id, {
    _version: made.data._version,
    items: [
      { id: made.data.items?.[1]?.id ?? "", qty: "2" },
      { description: "Lamp", qty: "1", rate: "5.00" },
    ],
  });
  assert.ok(changed.status === 200);
  assert.deepEqual(rows(changed.data), ["Desk 2.000 3.00", "Lamp 1.000 5.00"]);
  assert.equal(changed.data.remarks, null);

  const submitted = await submitInvoice(made.data.id);
  assert.ok(submitted.status === 200);
  assert.equal(submitted.data.docstatus, 1);

  const refused = await updateInvoice(made.data.id, { items: [] });
  assert.ok(refused.status === 409);
  assert.equal(refused.data.code, "document_submitted");
}

void main();
