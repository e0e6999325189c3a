/** refine's filters and sorters as the server takes them. */

import type { CrudFilter, CrudSort, LogicalFilter } from "@refinedev/core";
import type { Filter } from "../../shared/src/filters.ts";
import { compare, isNull, pattern } from "../../shared/src/filters.ts";

type Convert = (field: string, value: unknown) => Filter;

const by =
  (operator: string): Convert =>
  (field, value) =>
    compare(field, operator, value);
const anyOf: Convert = (field, value) => ({ or: (value as unknown[]).map((one) => compare(field, "has", one)) });
const like =
  (operator: "like" | "ilike", start: string, end: string): Convert =>
  (field, value) =>
    pattern(field, operator, start, value, end);
const not =
  (convert: Convert): Convert =>
  (field, value) => ({ not: convert(field, value) });

const [contains, starts, ends] = [like("ilike", "%", "%"), like("ilike", "", "%"), like("ilike", "%", "")];
const [containsCase, startsCase, endsCase] = [by("contains"), by("starts_with"), like("like", "%", "")];

const OPERATORS: Record<LogicalFilter["operator"], Convert> = {
  eq: by("eq"),
  eqs: by("eq"),
  ne: by("ne"),
  nes: by("ne"),
  lt: by("lt"),
  lte: by("lte"),
  gt: by("gt"),
  gte: by("gte"),
  in: by("in"),
  nin: by("not_in"),
  ina: anyOf,
  nina: not(anyOf),
  contains,
  ncontains: not(contains),
  containss: containsCase,
  ncontainss: not(containsCase),
  between: by("between"),
  nbetween: not(by("between")),
  null: (field) => isNull(field),
  nnull: (field) => isNull(field, false),
  startswith: starts,
  nstartswith: not(starts),
  startswiths: startsCase,
  nstartswiths: not(startsCase),
  endswith: ends,
  nendswith: not(ends),
  endswiths: endsCase,
  nendswiths: not(endsCase),
};

/** Return the server's filters; those without a value are left out, as refine's forms send them. */
export function toFilters(given: readonly CrudFilter[] = []): Filter[] {
  return given.flatMap((filter): Filter[] => {
    if (filter.operator === "or" || filter.operator === "and") {
      const parts = toFilters(filter.value);
      return parts.length ? [filter.operator === "or" ? { or: parts } : { and: parts }] : [];
    }
    const { field, operator, value } = filter as LogicalFilter;
    const isNullTest = operator === "null" || operator === "nnull";
    if (!isNullTest && (value === undefined || value === null || value === "")) {
      return [];
    }
    return [OPERATORS[operator](field, value)];
  });
}

export function toOrder(sorters: readonly CrudSort[] = []): string[] {
  return sorters.map(({ field, order }) => (order === "desc" ? `-${field}` : field));
}
