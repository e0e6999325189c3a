/** react-admin's filters: `{ status: "Lead", total_gte: 100, "due@is_null": true, q: "ada" }`. */

import type { Filter } from "../../shared/src/filters.ts";
import { compare, isNull, pattern } from "../../shared/src/filters.ts";

type Convert = (field: string, value: unknown) => Filter;

const SUFFIXES: Record<string, Convert> = {
  _eq: (field, value) => compare(field, "eq", value),
  _neq: (field, value) => compare(field, "ne", value),
  _eq_any: (field, value) => compare(field, "in", value),
  _neq_any: (field, value) => compare(field, "not_in", value),
  _inc: (field, value) => compare(field, "has", value),
  _gt: (field, value) => compare(field, "gt", value),
  _gte: (field, value) => compare(field, "gte", value),
  _lt: (field, value) => compare(field, "lt", value),
  _lte: (field, value) => compare(field, "lte", value),
  _q: (field, value) => pattern(field, "ilike", "%", value, "%"),
};
/** The longest first: `_neq_any` also ends in `_any`, and `_neq` in `_eq`'s letters. */
const ENDINGS = Object.keys(SUFFIXES).sort((one, other) => other.length - one.length);

/** Return the server's filters. `q` searches in the given fields; `filters` holds filters of the server as they are. */
export function toFilters(given: Record<string, unknown>, searched: readonly string[]): Filter[] {
  return Object.entries(given).flatMap(([key, value]) => {
    if (value === undefined || value === "") {
      return [];
    }
    if (key === "filters") {
      return value as Filter[];
    }
    return [key === "q" ? search(value, searched) : comparison(key, value)];
  });
}

function search(text: unknown, fields: readonly string[]): Filter {
  if (fields.length === 0) {
    throw new TypeError("expected searchFields for the DocType of a filter `q`: name its fields in the options");
  }
  return { or: fields.map((field) => pattern(field, "ilike", "%", text, "%")) };
}

function comparison(key: string, value: unknown): Filter {
  const [field, operator] = split(key, "@");
  if (operator) {
    return compare(field, operator, value);
  }
  const ending = ENDINGS.find((one) => key.endsWith(one) && key.length > one.length);
  const convert = ending === undefined ? undefined : SUFFIXES[ending];
  if (ending !== undefined && convert !== undefined) {
    return convert(key.slice(0, -ending.length), value);
  }
  if (value === null) {
    return isNull(key);
  }
  return compare(key, Array.isArray(value) ? "in" : "eq", value);
}

function split(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
