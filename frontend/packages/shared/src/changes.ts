/** What a form has changed. */

/** Return the fields of a record that differ from those it was read with. */
export function changedFields(
  record: Record<string, unknown>,
  previous: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const changed = Object.entries(record).filter(
    ([name, value]) => name !== "id" && name !== "_version" && !isEqual(value, previous?.[name]),
  );
  return Object.fromEntries(changed);
}

function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) {
    return true;
  }
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return false;
  }
  if (Array.isArray(one) !== Array.isArray(other) || one instanceof Date || other instanceof Date) {
    return JSON.stringify(one) === JSON.stringify(other);
  }
  const [left, right] = [Object.entries(one), other as Record<string, unknown>];
  return left.length === Object.keys(right).length && left.every(([name, value]) => isEqual(value, right[name]));
}
