import assert from "node:assert/strict";
import { test } from "node:test";
import { createDataProvider, ProblemError, VersionConflictError } from "@framework-m/refine-data-provider";
import type { BaseRecord, CrudFilter, CrudSort } from "@refinedev/core";
import { apiUrl, auth, browser, recorded, unique } from "../../shared/test/crm.ts";

const provider = createDataProvider({ apiUrl: `${apiUrl}/`, auth });
const ascending: CrudSort[] = [{ field: "full_name", order: "asc" }];
const lines = [{ description: "Chair", qty: "2", rate: "2.10" }];

async function create(resource: string, variables: object): Promise<BaseRecord> {
  return (await provider.create({ resource, variables })).data;
}

async function customers(count: number): Promise<{ label: string; made: BaseRecord[] }> {
  const label = unique();
  const made: BaseRecord[] = [];
  for (let number = 0; number < count; number += 1) {
    made.push(await create("Customer", { full_name: `Ada_${number}`, territory: label, email: number ? "a@b.c" : null }));
  }
  return { label, made };
}

function ours(label: string): CrudFilter {
  return { field: "territory", operator: "eq", value: label };
}

test("the life of a record", async () => {
  const { made } = await customers(1);
  const invoice = await create("Invoice", { customer: made[0]?.id, items: lines });
  const id = invoice.id ?? "";
  const { data: read } = await provider.getOne({ resource: "Invoice", id, meta: { expand: ["customer"] } });
  assert.equal(read["customer"].full_name, "Ada_0");
  const variables = { remarks: "soon", _version: invoice["_version"] };
  const { data: changed } = await provider.update({ resource: "Invoice", id, variables });
  assert.equal(changed["remarks"], "soon");
  const payload = { name: unique() };
  const { data: renamed } = await provider.custom({ url: `Invoice/${id}/rename`, method: "post", payload });
  assert.equal(renamed["name"], payload.name);
  const { data: submitted } = await provider.custom({ url: `Invoice/${id}/submit`, method: "post", payload: {} });
  assert.equal(submitted["docstatus"], 1);
  const item = await create("Item", { item_code: unique() });
  const target = { resource: "Item", id: item.id ?? "" };
  assert.deepEqual(await provider.deleteOne(target), { data: { id: item.id } });
  await assert.rejects(provider.getOne(target), { statusCode: 404, code: "not_found" });
});

test("stale records are refused", async () => {
  const { made } = await customers(1);
  const [{ id = "", _version: version } = {} as BaseRecord] = made;
  const target = { resource: "Customer", id, meta: { version } };
  await provider.update({ ...target, variables: { phone: "1" } });
  for (const [work, status] of [
    [() => provider.update({ ...target, variables: { phone: "2" } }), 409],
    [() => provider.update({ resource: "Customer", id, variables: { phone: "2", _version: version } }), 409],
    [() => provider.deleteOne(target), 412],
  ] as const) {
    await assert.rejects(work, (error: VersionConflictError) => {
      assert.ok(error instanceof VersionConflictError);
      assert.equal(error.statusCode, status);
      return true;
    });
  }
});

test("what is wrong with fields is what refine shows beside them", async () => {
  const { made } = await customers(1);
  const work = create("Invoice", { customer: made[0]?.id, items: [{ ...lines[0], qty: "x" }], colour: "red" });
  await assert.rejects(work, (error: ProblemError) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.statusCode, 400);
    assert.deepEqual(Object.keys(error.errors).sort(), ["colour", "items.0.qty"]);
    assert.ok(Object.values(error.errors).every(([message]) => typeof message === "string" && message));
    return true;
  });
});

const name = (operator: string, value: unknown) => ({ field: "full_name", operator, value }) as CrudFilter;

for (const [filter, expected] of [
  [name("eq", "Ada_1"), [1]],
  [name("eqs", "Ada_1"), [1]],
  [name("ne", "Ada_1"), [0, 2, 3]],
  [name("nes", "Ada_1"), [0, 2, 3]],
  [name("lt", "Ada_1"), [0]],
  [name("lte", "Ada_1"), [0, 1]],
  [name("gt", "Ada_1"), [2, 3]],
  [name("gte", "Ada_1"), [1, 2, 3]],
  [name("in", ["Ada_1", "Ada_2"]), [1, 2]],
  [name("nin", ["Ada_1", "Ada_2"]), [0, 3]],
  [name("contains", "DA_2"), [2]],
  [name("contains", "a%"), []],
  [name("ncontains", "DA_2"), [0, 1, 3]],
  [name("containss", "DA_2"), []],
  [name("containss", "da_2"), [2]],
  [name("ncontainss", "da_2"), [0, 1, 3]],
  [name("startswith", "ADA_3"), [3]],
  [name("nstartswith", "ADA_3"), [0, 1, 2]],
  [name("startswiths", "ADA_3"), []],
  [name("nstartswiths", "Ada_3"), [0, 1, 2]],
  [name("endswith", "A_0"), [0]],
  [name("nendswith", "A_0"), [1, 2, 3]],
  [name("endswiths", "A_0"), []],
  [name("nendswiths", "a_0"), [1, 2, 3]],
  [name("between", ["Ada_1", "Ada_2"]), [1, 2]],
  [name("nbetween", ["Ada_1", "Ada_2"]), [0, 3]],
  [{ field: "email", operator: "null", value: true }, [0]],
  [{ field: "email", operator: "nnull", value: true }, [1, 2, 3]],
  [{ operator: "or", value: [name("eq", "Ada_0"), name("eq", "Ada_3")] }, [0, 3]],
  [{ operator: "and", value: [name("gt", "Ada_0"), { operator: "or", value: [name("lt", "Ada_2")] }] }, [1]],
  [name("eq", ""), [0, 1, 2, 3]],
  [name("contains", undefined), [0, 1, 2, 3]],
  [{ operator: "or", value: [] }, [0, 1, 2, 3]],
] as [CrudFilter, number[]][]) {
  test(`the filter ${JSON.stringify(filter)}`, async () => {
    const { label, made } = await customers(4);
    const filters = [ours(label), filter];
    const { data, total } = await provider.getList({ resource: "Customer", filters, sorters: ascending });
    assert.deepEqual(data.map((one) => one.id), expected.map((number) => made[number]?.id));
    assert.equal(total, expected.length);
  });
}

for (const [operator, expected] of [
  ["ina", true],
  ["nina", false],
] as const) {
  test(`the filter ${operator} compares lists`, async () => {
    const { fetch, requests } = recorded();
    const watched = createDataProvider({ apiUrl, auth, fetch });
    const filters: CrudFilter[] = [{ field: "roles", operator, value: ["a", "b"] }];
    await assert.rejects(watched.getList({ resource: "User", filters }), { statusCode: 400 });
    const any = { or: ["a", "b"].map((value) => ({ field: "roles", operator: "has", value })) };
    const sent = new URL(requests[0]?.url ?? "").searchParams.get("filters") ?? "";
    assert.deepEqual(JSON.parse(sent), [expected ? any : { not: any }]);
  });
}

test("pages, orders and counts", async () => {
  const { label, made } = await customers(5);
  const lean = createDataProvider({ apiUrl, auth, count: "none" });
  const params = {
    resource: "Customer",
    pagination: { currentPage: 2, pageSize: 2 },
    sorters: [{ field: "status", order: "asc" }, { field: "full_name", order: "desc" }] as CrudSort[],
    filters: [ours(label)],
    meta: { fields: ["full_name"] },
  };
  const page = await provider.getList(params);
  assert.deepEqual(page.data.map((one) => one.id), [made[2]?.id, made[1]?.id]);
  assert.deepEqual([page.total, page.data[0]?.["territory"]], [5, undefined]);
  assert.equal((await lean.getList(params)).total, 5); // four up to here, and at least one more
  const all = await provider.getList({ ...params, pagination: { mode: "off" } });
  assert.equal(all.data.length, 5);
});

test("records by their ids", async () => {
  const { made } = await customers(3);
  const ids = [made[2]?.id ?? "", made[0]?.id ?? ""];
  const { data } = await provider.getMany({ resource: "Customer", ids });
  assert.deepEqual(data.map((one) => one.id), ids);
});

test("custom requests, with filters and sorters", async () => {
  const { label, made } = await customers(2);
  assert.equal(provider.getApiUrl(), apiUrl);
  const { data } = await provider.custom({
    url: `${provider.getApiUrl()}/Customer`,
    method: "get",
    filters: [ours(label)],
    sorters: [{ field: "full_name", order: "desc" }],
    query: { limit: 1 },
  });
  assert.deepEqual(data["items"].map((one: BaseRecord) => one.id), [made[1]?.id]);
});

test("credentials go to the server alone", async () => {
  const seen: [string, string | null, string][] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const request = new Request(url, init);
    seen.push([request.url, request.headers.get("authorization"), request.credentials]);
    return new Response("{}");
  };
  const bearer = createDataProvider({ apiUrl, fetch, auth: { kind: "bearer", token: () => "secret" } });
  const session = createDataProvider({ apiUrl, fetch, auth: { kind: "session", csrfToken: () => "secret" } });
  const { hostname, host } = new URL(apiUrl);
  for (const url of ["https://elsewhere.example/x", `http://${hostname}.example/x`, `https://${host}/api/v1/Customer`]) {
    await bearer.custom({ url, method: "get" });
    await session.custom({ url, method: "post", payload: {} });
  }
  assert.ok(seen.length === 6 && seen.every(([, header, credentials]) => header === null && credentials === "omit"));
  await bearer.custom({ url: "Customer", method: "get" });
  assert.deepEqual(seen.at(-1), [`${apiUrl}/Customer`, "Bearer secret", "omit"]);
});

test("a session of cookies echoes its CSRF token", async () => {
  const { fetch, csrfToken } = await browser();
  const session = createDataProvider({ apiUrl, fetch, auth: { kind: "session", csrfToken } });
  const { data } = await session.create({ resource: "Customer", variables: { full_name: "Ada" } });
  assert.equal((await session.getOne({ resource: "Customer", id: data.id ?? "" })).data["full_name"], "Ada");
});
