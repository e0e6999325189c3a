/** Filters as the server takes them. */

export type Filter =
  | { field: string; operator: string; value: unknown }
  | { and: Filter[] }
  | { or: Filter[] }
  | { not: Filter };

export function compare(field: string, operator: string, value: unknown): Filter {
  return { field, operator, value };
}

export function isNull(field: string, value = true): Filter {
  return compare(field, "is_null", value);
}

/** Compare by a pattern in which the text stands for itself. */
export function pattern(field: string, operator: "like" | "ilike", start: string, text: unknown, end: string): Filter {
  return compare(field, operator, start + String(text).replace(/[\\%_]/g, "\\$&") + end);
}
