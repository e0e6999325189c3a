// A round trip with the client of hey-api.
import assert from "node:assert/strict";
import { createCustomer, createInvoice, type Invoice, searchInvoice, submitInvoice, updateInvoice } from "./hey-client";
import { client } from "./hey-client/client.gen";
import { address, token } from "./server";

client.setConfig({ baseUrl: address, auth: (scheme) => (scheme.scheme === "bearer" ? token : undefined) });
const lines = [
  { description: "Chair", qty: "1.5", rate: "2.10" },
  { description: "Desk", qty: "1", rate: "3.00" },
];

function rows(invoice: Invoice): string[] {
  return (invoice.items ?? []).map((row) => `${row.description} ${row.qty} ${row.rate}`);
}

async function main(): Promise<void> {
  const customer = await createCustomer({ body: { full_name: "Ada" }, throwOnError: true });
  assert.equal(customer.data.status, "Lead");

  const made = await createInvoice({ body: { customer: customer.data.id, items: lines }, throwOnError: true });
  assert.deepEqual(rows(made.data), ["Chair 1.500 2.10", "Desk 1.000 3.00"]);

  const found = await searchInvoice({
    body: {
      filters: [{ field: "name", operator: "eq", value: made.data.name }],
      order_by: ["-creation"],
      fields: ["customer", "total"],
      expand: ["customer"],
    },
    throwOnError: true,
  });
  const [listed] = found.data.items;
  assert.ok(listed);
  assert.equal(typeof listed.customer === "object" ? listed.customer.full_name : undefined, "Ada");
  assert.equal(listed.total, "6.15");

  const path = { id: made.data.id };
  const changed = await updateInvoice({
    path,
    body: {
      _version: made.data._version,
      items: [
        { id: made.data.items?.[1]?.id ?? "", qty: "2" },
        { description: "Lamp", qty: "1", rate: "5.00" },
      ],
    },
    throwOnError: true,
  });
  assert.deepEqual(rows(changed.data), ["Desk 2.000 3.00", "Lamp 1.000 5.00"]);
  assert.equal(changed.data.remarks, null);

  const submitted = await submitInvoice({ path, throwOnError: true });
  assert.equal(submitted.data.docstatus, 1);

  const refused = await updateInvoice({ path, body: { items: [] } });
  assert.equal(refused.error?.code, "document_submitted");
}

void main();
