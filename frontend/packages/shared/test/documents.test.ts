import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Documents, forEach } from "../src/documents.ts";
import { compare } from "../src/filters.ts";
import { ProblemError } from "../src/problem.ts";
import { Transport } from "../src/transport.ts";
import { apiUrl, auth, recorded, unique } from "./crm.ts";

const label = unique();
const selection = { filters: [compare("description", "eq", label)], order_by: ["-item_code"], fields: ["item_code"] };
const codes = Array.from({ length: 30 }, (_, number) => `${label}-${String(number).padStart(2, "0")}`);
const descending = codes.toReversed();

function open(maxOffset?: number) {
  const { fetch, requests } = recorded();
  return { documents: new Documents(new Transport({ apiUrl, auth, fetch }), maxOffset), requests };
}

before(async () => {
  const { documents } = open();
  await forEach(codes, (item_code) => documents.create("Item", { item_code, description: label, rate: "1" }));
});

for (const maxOffset of [10_000, 10, 0]) {
  for (const [offset, limit] of [[0, 5], [7, 5], [10, 5], [11, 5], [23, 5], [28, 5], [29, 1], [30, 5], [99, 5]] as const) {
    test(`documents ${offset} to ${offset + limit}, offsets up to ${maxOffset}`, async () => {
      const { documents } = open(maxOffset);
      const found = await documents.window("Item", selection, offset, limit, "exact");
      assert.deepEqual(found.items.map((item) => item["item_code"]), descending.slice(offset, offset + limit));
      assert.equal(found.total, 30);
      assert.equal(found.hasMore, offset + limit < 30);
    });
  }
}

test("going on page by page follows cursors", async () => {
  const { documents, requests } = open(4);
  const seen: unknown[] = [];
  for (let offset = 0; offset < 30; offset += 5) {
    const { items } = await documents.window("Item", selection, offset, 5, "none");
    seen.push(...items.map((item) => item["item_code"]));
  }
  assert.deepEqual(seen, descending);
  assert.equal(requests.length, 6);
});

test("an offset that the server would refuse is not sent", async () => {
  const { documents, requests } = open();
  const { items } = await documents.window("Item", selection, 20_000, 5, "none");
  assert.deepEqual(items, []);
  assert.ok(requests.every((request) => Number(new URL(request.url).searchParams.get("offset") ?? 0) <= 10_000));
});

test("pages of large documents, which end early, are filled", async () => {
  const { documents, requests } = open();
  const [territory, notes] = [unique(), "x".repeat(5_000_000)];
  for (const full_name of ["a", "b", "c"]) {
    await documents.create("Customer", { full_name, territory, notes });
  }
  const large = { filters: [compare("territory", "eq", territory)], order_by: ["full_name"] };
  for (const [offset, expected] of [[0, ["a", "b", "c"]], [1, ["b", "c"]]] as const) {
    const before = requests.length;
    const found = await documents.window("Customer", large, offset, 3, "exact");
    assert.deepEqual(found.items.map((item) => item["full_name"]), expected);
    assert.deepEqual([found.total, found.hasMore], [3, false]);
    assert.ok(requests.length - before > 1);
  }
});

test("many ids go into bodies, and come in their order", async () => {
  const { documents, requests } = open();
  const { items } = await documents.window("Item", selection, 0, 3, "none");
  const wanted = items.map((item) => item.id).toReversed();
  const absent = Array.from({ length: 450 }, () => crypto.randomUUID());
  const found = await documents.getMany("Item", [...wanted, ...absent]);
  assert.deepEqual(found.map((item) => item.id), wanted);
  assert.deepEqual(requests.slice(1).map((request) => request.method), ["POST", "POST", "POST"]);
  assert.deepEqual(await documents.getMany("Item", []), []);
});

test("all are tried where one fails", async () => {
  const tried: number[] = [];
  const work = forEach([1, 2, 3, 4, 5, 6], async (number) => {
    tried.push(number);
    if (number % 2) {
      throw new Error(String(number));
    }
  });
  await assert.rejects(work, { message: "1" });
  assert.deepEqual(tried, [1, 2, 3, 4, 5, 6]);
});

test("names are segments of the path", async () => {
  const { documents } = open();
  await assert.rejects(documents.get("Item", "a/b?c#d%2F"), (error: ProblemError) => error.code === "not_found");
});

test("a response that is not a problem document", async () => {
  const fetch = async () => new Response("<html>a proxy</html>", { status: 502, headers: { "retry-after": "7" } });
  const documents = new Documents(new Transport({ apiUrl, fetch }));
  await assert.rejects(documents.get("Item", "x"), (error: ProblemError) => {
    assert.ok(error instanceof ProblemError);
    assert.deepEqual([error.status, error.code, error.retryAfter], [502, "unknown", 7]);
    return true;
  });
});
