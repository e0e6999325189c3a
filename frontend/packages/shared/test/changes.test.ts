import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFields } from "../src/changes.ts";

const previous = { id: "1", _version: 3, title: "a", rows: [{ id: "r", qty: "1" }], tags: ["x"], due: null };

for (const [name, record, expected] of [
  ["nothing", { ...previous, rows: [{ id: "r", qty: "1" }], tags: ["x"] }, {}],
  ["a text", { ...previous, title: "b" }, { title: "b" }],
  ["a row", { ...previous, rows: [{ id: "r", qty: "2" }] }, { rows: [{ id: "r", qty: "2" }] }],
  ["a row more", { ...previous, rows: [...previous.rows, {}] }, { rows: [...previous.rows, {}] }],
  ["a row without a field", { ...previous, rows: [{ id: "r" }] }, { rows: [{ id: "r" }] }],
  ["an order", { ...previous, tags: [] }, { tags: [] }],
  ["null", { ...previous, title: null }, { title: null }],
  ["a field that was not read", { ...previous, note: "n" }, { note: "n" }],
] as const) {
  test(`a form that changes ${name}`, () => {
    assert.deepEqual(changedFields(record, previous), expected);
  });
}

test("without a previous record everything is sent", () => {
  assert.deepEqual(changedFields({ id: "1", title: "a" }, undefined), { title: "a" });
});
