import assert from "node:assert/strict";
import { test } from "node:test";
import { createDataProvider, ProblemError, VersionConflictError } from "@framework-m/ra-data-provider";
import { apiUrl, auth, browser, recorded, unique } from "../../shared/test/crm.ts";

const searchFields = { Customer: ["full_name", "email"] };
const provider = createDataProvider({ apiUrl, auth, searchFields });
const lines = [{ description: "Chair", qty: "2", rate: "2.10" }];

async function customers(count: number): Promise<{ label: string; made: any[] }> {
  const label = unique();
  const made = [];
  for (let number = 0; number < count; number += 1) {
    const data = { full_name: `Ada_${number}`, territory: label, email: number ? `${label}${number}@example.com` : null };
    made.push((await provider.create("Customer", { data })).data);
  }
  return { label, made };
}

test("the life of a record", async () => {
  const { made } = await customers(1);
  const { data: invoice } = await provider.create("Invoice", { data: { customer: made[0].id, items: lines } });
  const { data: read } = await provider.getOne("Invoice", { id: invoice.id });
  assert.deepEqual(read, invoice);
  const form = { ...read, items: [...read.items, { description: "Desk", qty: "1", rate: "3" }] };
  const { data: changed } = await provider.update("Invoice", { id: read.id, data: form, previousData: read });
  assert.equal(changed.total, "7.20");
  const name = unique();
  const { data: renamed } = await provider.rename("Invoice", { id: read.id, name, previousData: changed });
  assert.equal(renamed.name, name);
  await assert.rejects(provider.rename("Invoice", { id: read.id, name: "x", previousData: changed }), { status: 409 });
  const { data: submitted } = await provider.submit("Invoice", { id: read.id, previousData: renamed });
  assert.equal(submitted.docstatus, 1);
  const { data: cancelled } = await provider.cancel("Invoice", { id: read.id });
  assert.equal(cancelled.docstatus, 2);
  const amended = { id: read.id, data: { items: lines }, previousData: submitted };
  await assert.rejects(provider.amend("Invoice", amended), { status: 409 });
  const { data: amendment } = await provider.amend("Invoice", { ...amended, previousData: cancelled });
  assert.deepEqual([amendment.docstatus, amendment.amended_from, amendment.total], [0, read.id, "4.20"]);
  const { data: copy } = await provider.duplicate("Invoice", { id: read.id, data: { items: lines } });
  assert.deepEqual([copy.docstatus, copy.total], [0, "4.20"]);
  await provider.delete("Invoice", { id: copy.id });
  const { data: restored } = await provider.restore("Invoice", { id: copy.id });
  assert.equal(restored.id, copy.id);
  const { data: item } = await provider.create("Item", { data: { item_code: unique() } });
  assert.deepEqual(await provider.delete("Item", { id: item.item_code, previousData: item }), { data: item });
  await assert.rejects(provider.getOne("Item", { id: item.id }), { status: 404, code: "not_found" });
});

test("a form sends what it has changed, and the version that it was opened with", async () => {
  const { made } = await customers(1);
  const { fetch, requests } = recorded();
  const watched = createDataProvider({ apiUrl, auth, fetch });
  const data = { ...made[0], phone: "1" };
  await watched.update("Customer", { id: made[0].id, data, previousData: made[0] });
  assert.deepEqual(await requests[0]?.json(), { phone: "1", _version: made[0]._version });
});

test("stale records are refused", async () => {
  const { made } = await customers(1);
  const [record] = made;
  await provider.update("Customer", { id: record.id, data: { phone: "1" }, previousData: record });
  const late = { id: record.id, data: { ...record, phone: "2" }, previousData: record };
  for (const [work, status] of [
    [() => provider.update("Customer", late), 409],
    [() => provider.delete("Customer", { id: record.id, previousData: record }), 412],
  ] as const) {
    await assert.rejects(work, (error: VersionConflictError) => {
      assert.ok(error instanceof VersionConflictError);
      assert.equal(error.status, status);
      return true;
    });
  }
});

test("what is wrong with fields is what react-admin shows beside them", async () => {
  const { made } = await customers(1);
  const data = { customer: made[0].id, items: [{ ...lines[0], qty: "x" }], colour: "red" };
  await assert.rejects(provider.create("Invoice", { data }), (error: ProblemError) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 400);
    assert.deepEqual(Object.keys(error.body.errors).sort(), ["colour", "items.0.qty"]);
    assert.ok(Object.values(error.body.errors).every((message) => typeof message === "string" && message));
    return true;
  });
});

for (const [filter, expected] of [
  [{}, [0, 1, 2, 3]],
  [{ full_name: "Ada_1" }, [1]],
  [{ full_name: ["Ada_1", "Ada_3"] }, [1, 3]],
  [{ full_name_eq: "Ada_1" }, [1]],
  [{ full_name_neq: "Ada_1" }, [0, 2, 3]],
  [{ full_name_eq_any: ["Ada_1", "Ada_2"] }, [1, 2]],
  [{ full_name_neq_any: ["Ada_1", "Ada_2"] }, [0, 3]],
  [{ full_name_gt: "Ada_1", full_name_lte: "Ada_3" }, [2, 3]],
  [{ full_name_gte: "Ada_1", full_name_lt: "Ada_3" }, [1, 2]],
  [{ full_name_q: "ADA_" }, [0, 1, 2, 3]],
  [{ full_name_q: "a%" }, []],
  [{ email: null }, [0]],
  [{ "email@is_null": false }, [1, 2, 3]],
  [{ "full_name@starts_with": "Ada_2" }, [2]],
  [{ q: "ada_2" }, [2]],
  [{ q: "3@EXAMPLE" }, [3]],
  [{ q: "", phone: undefined }, [0, 1, 2, 3]],
  [{ filters: [{ not: { field: "full_name", operator: "eq", value: "Ada_0" } }] }, [1, 2, 3]],
] as const) {
  test(`the filter ${JSON.stringify(filter)}`, async () => {
    const { label, made } = await customers(4);
    const params = {
      pagination: { page: 1, perPage: 10 },
      sort: { field: "full_name", order: "ASC" as const },
      filter: { ...filter, territory: label },
    };
    const { data, total } = await provider.getList("Customer", params);
    assert.deepEqual(data.map((one) => one.id), expected.map((number) => made[number].id));
    assert.equal(total, expected.length);
  });
}

test("q without fields to search says what to do", async () => {
  await assert.rejects(provider.getList("Item", { filter: { q: "a" } }), /searchFields/);
});

test("pages, orders and counts", async () => {
  const { label, made } = await customers(5);
  const lean = createDataProvider({ apiUrl, auth, count: "none" });
  const params = {
    pagination: { page: 2, perPage: 2 },
    sort: { field: "full_name", order: "DESC" as const },
    filter: { territory: label },
    meta: { fields: ["full_name"] },
  };
  const page = await provider.getList("Customer", params);
  assert.deepEqual(page.data.map((one) => one.id), [made[2].id, made[1].id]);
  assert.equal(page.data[0].territory, undefined);
  assert.deepEqual([page.total, page.pageInfo], [5, { hasNextPage: true, hasPreviousPage: true }]);
  assert.equal((await lean.getList("Customer", params)).total, undefined);
});

test("records by their ids, and those that link to one", async () => {
  const { made } = await customers(3);
  const ids = [made[2].id, made[0].id];
  assert.deepEqual((await provider.getMany("Customer", { ids })).data.map((one) => one.id), ids);
  const { data: contact } = await provider.create("Contact", { data: { full_name: "Bob", customer: made[0].id } });
  const { data, total } = await provider.getManyReference("Contact", {
    target: "customer",
    id: made[0].id,
    pagination: { page: 1, perPage: 10 },
    sort: { field: "full_name", order: "ASC" },
    filter: {},
  });
  assert.deepEqual([data.map((one) => one.id), total], [[contact.id], 1]);
});

test("many records at once", async () => {
  const { label, made } = await customers(6);
  const ids = made.map((one) => one.id);
  assert.deepEqual(await provider.updateMany("Customer", { ids, data: { status: "Active" } }), { data: ids });
  const filter = { territory: label, status: "Active" };
  assert.equal((await provider.getList("Customer", { filter })).total, 6);
  assert.deepEqual(await provider.deleteMany("Customer", { ids }), { data: ids });
  assert.equal((await provider.getList("Customer", { filter })).total, 0);
});

test("a session of cookies echoes its CSRF token", async () => {
  const { fetch, csrfToken } = await browser();
  const session = createDataProvider({ apiUrl, fetch, auth: { kind: "session", csrfToken } });
  const { data } = await session.create("Customer", { data: { full_name: "Ada" } });
  assert.equal((await session.getOne("Customer", { id: data.id })).data.full_name, "Ada");
  const careless = createDataProvider({ apiUrl, fetch, auth: { kind: "session", csrfToken: () => null } });
  await assert.rejects(careless.create("Customer", { data }), { status: 403, code: "csrf_failed" });
});

test("a caller without credentials is told", async () => {
  const anonymous = createDataProvider({ apiUrl, auth: { kind: "bearer", token: async () => null } });
  await assert.rejects(anonymous.getList("Customer", {}), { status: 401, code: "unauthenticated" });
});

test("a query that is no longer needed is aborted", async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(provider.getList("Customer", { signal }), { name: "AbortError" });
});
