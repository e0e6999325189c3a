/** Documents of the API: pages at any depth, documents by their ids, and changes that state a version. */

import type { Filter } from "./filters.ts";
import { compare } from "./filters.ts";
import { ProblemError } from "./problem.ts";
import type { Transport } from "./transport.ts";

export type Id = string | number;
export type Document = Record<string, unknown> & { id: string };

export interface Selection {
  filters?: Filter[];
  order_by?: string[];
  fields?: string[];
  expand?: string[];
  include_deleted?: boolean;
  titles?: boolean;
}

export interface Window {
  items: Document[];
  total: number | null;
  hasMore: boolean;
}

interface Page {
  items: Document[];
  total: number | null;
  has_more: boolean;
  next_cursor: string | null;
}

type PageQuery = Selection & { limit?: number; offset?: number; cursor?: string; count?: "exact" | "none" };

const MAX_PAGE = 500;
const MAX_OFFSET = 10_000;
const MAX_QUERY = 1_500;
const MAX_REQUESTS = 200;
const MAX_CURSORS = 200;
const IDS_AT_ONCE = 200;
const WRITES_AT_ONCE = 4;

export class Documents {
  readonly #transport: Transport;
  readonly #maxOffset: number;
  readonly #cursors = new Map<string, string>();

  constructor(transport: Transport, maxOffset = MAX_OFFSET) {
    this.#transport = transport;
    this.#maxOffset = maxOffset;
  }

  async get(resource: string, id: Id, meta: Pick<Selection, "fields" | "expand" | "titles"> = {}, signal?: AbortSignal) {
    const names = (["fields", "expand"] as const).flatMap((name) =>
      meta[name]?.length ? [[name, meta[name].join(",")]] : [],
    );
    const query = Object.fromEntries([...names, ...(meta.titles ? [["titles", "true"]] : [])]) as Record<string, string>;
    return (await this.#transport.send("GET", pathOf(resource, id), { query, signal })) as Document;
  }

  /** Return documents from an offset on: by offset where the server takes it, else by cursors. */
  async window(
    resource: string,
    selection: Selection,
    offset: number,
    limit: number,
    count: "exact" | "none",
    signal?: AbortSignal,
  ): Promise<Window> {
    if (offset <= this.#maxOffset) {
      try {
        const first = await this.#page(resource, { ...selection, offset, limit: upTo(limit), count }, signal);
        return await this.#fill(resource, selection, offset, limit, first, signal);
      } catch (error) {
        if (!(error instanceof ProblemError && error.code === "answer_too_large" && offset > 0)) {
          throw error;
        }
      }
    }
    const counted = { ...selection, fields: [], expand: [], titles: false, limit: 1, count };
    const total = count === "exact" ? (await this.#page(resource, counted, signal)).total : null;
    const cursor = await this.#cursorAt(resource, selection, offset, signal);
    if (cursor === null) {
      return { items: [], total, hasMore: false };
    }
    const first = await this.#page(resource, { ...selection, cursor, limit: upTo(limit) }, signal);
    return { ...(await this.#fill(resource, selection, offset, limit, first, signal)), total };
  }

  /** Return the documents with these ids in this order, without those that are not found. */
  async getMany(resource: string, ids: Id[], meta: Pick<Selection, "fields" | "expand" | "titles"> = {}, signal?: AbortSignal) {
    const found = new Map<string, Document>();
    for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
      const some = ids.slice(start, start + IDS_AT_ONCE).map(String);
      const filters = [compare("id", "in", some)];
      const { items } = await this.window(resource, { ...meta, filters }, 0, some.length, "none", signal);
      items.forEach((document) => found.set(document.id, document));
    }
    return ids.flatMap((id) => found.get(String(id)) ?? []);
  }

  async create(resource: string, values: object): Promise<Document> {
    return (await this.#transport.send("POST", pathOf(resource), { body: values })) as Document;
  }

  /** Merge changes into a document, if it still has the stated version. */
  async update(resource: string, id: Id, changes: object, version?: number): Promise<Document> {
    const body = version === undefined ? changes : { ...changes, _version: version };
    return (await this.#transport.send("PATCH", pathOf(resource, id), { body })) as Document;
  }

  async remove(resource: string, id: Id, version?: number): Promise<void> {
    const sent = version === undefined ? {} : { headers: { "if-match": `"${id}-${version}"` } };
    await this.#transport.send("DELETE", pathOf(resource, id), sent);
  }

  /** Give a document another name, if it still has the stated version. */
  async rename(resource: string, id: Id, name: string, version?: number): Promise<Document> {
    const body = version === undefined ? { name } : { name, _version: version };
    return (await this.#transport.send("POST", `${pathOf(resource, id)}/rename`, { body })) as Document;
  }

  /** Submit, cancel or restore a document, or amend a cancelled one by a draft, if it still has the stated version. */
  async transition(
    resource: string,
    id: Id,
    word: "submit" | "cancel" | "restore" | "amend",
    version?: number,
    changes: object = {},
  ): Promise<Document> {
    const body = version === undefined ? changes : { ...changes, _version: version };
    return (await this.#transport.send("POST", `${pathOf(resource, id)}/${word}`, { body })) as Document;
  }

  /** Copy a document, without the fields that are not copied, and with changes. */
  async duplicate(resource: string, id: Id, changes: object): Promise<Document> {
    return (await this.#transport.send("POST", `${pathOf(resource, id)}/duplicate`, { body: changes })) as Document;
  }

  async #page(resource: string, query: PageQuery, signal?: AbortSignal): Promise<Page> {
    const text = queryText(query);
    if (query.fields?.length !== 0 && new URLSearchParams(text).toString().length <= MAX_QUERY) {
      return (await this.#transport.send("GET", pathOf(resource), { query: text, signal })) as Page;
    }
    return (await this.#transport.send("POST", `${pathOf(resource)}/search`, { body: query, signal })) as Page;
  }

  /** Read on until the window is full: pages of large documents end early. */
  async #fill(
    resource: string,
    selection: Selection,
    offset: number,
    limit: number,
    first: Page,
    signal?: AbortSignal,
  ): Promise<Window> {
    const items = [...first.items];
    let page = first;
    while (items.length < limit && page.has_more) {
      const cursor = cursorAfter(page);
      page = await this.#page(resource, { ...selection, cursor, limit: upTo(limit - items.length) }, signal);
      items.push(...page.items);
    }
    if (page.next_cursor !== null) {
      this.#remember(keyOf(resource, selection, offset + items.length), page.next_cursor);
    }
    return { items, total: first.total, hasMore: page.has_more };
  }

  /** Return the cursor to a position, null past the end. */
  async #cursorAt(
    resource: string,
    selection: Selection,
    offset: number,
    signal?: AbortSignal,
  ): Promise<string | null> {
    const known = this.#cursors.get(keyOf(resource, selection, offset));
    if (known !== undefined) {
      return known;
    }
    const lean = { ...selection, fields: [], expand: [], titles: false };
    let position = Math.min(this.#maxOffset, offset - 1);
    let page = await this.#page(resource, { ...lean, offset: position, limit: upTo(offset - position) }, signal);
    position += page.items.length;
    for (let requests = 1; position < offset && page.has_more; requests += 1) {
      if (requests === MAX_REQUESTS) {
        throw new RangeError(`document ${offset} is too far to jump to: filter, or go there page by page`);
      }
      const query = { ...lean, cursor: cursorAfter(page), limit: upTo(offset - position) };
      page = await this.#page(resource, query, signal);
      position += page.items.length;
    }
    return page.has_more ? cursorAfter(page) : null;
  }

  #remember(key: string, cursor: string): void {
    this.#cursors.delete(key);
    this.#cursors.set(key, cursor);
    const [oldest] = this.#cursors.keys();
    if (this.#cursors.size > MAX_CURSORS && oldest !== undefined) {
      this.#cursors.delete(oldest);
    }
  }
}

/** Do the same to several documents, a few at a time. Throws the first error after all were tried. */
export async function forEach<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: PromiseSettledResult<R>[] = [];
  for (let start = 0; start < items.length; start += WRITES_AT_ONCE) {
    results.push(...(await Promise.allSettled(items.slice(start, start + WRITES_AT_ONCE).map(work))));
  }
  return results.map((result) => {
    if (result.status === "rejected") {
      throw result.reason;
    }
    return result.value;
  });
}

/** Return the version of a document as it was read. */
export function versionOf(document: unknown): number | undefined {
  const version = (document as { _version?: unknown } | null | undefined)?._version;
  return typeof version === "number" ? version : undefined;
}

/** Return what a caller's `meta` says of the selection. */
export function metaOf(meta: unknown): Pick<Selection, "fields" | "expand" | "include_deleted" | "titles"> {
  const { fields, expand, include_deleted, titles } = (meta ?? {}) as Selection;
  return {
    ...(fields === undefined ? {} : { fields }),
    ...(expand === undefined ? {} : { expand }),
    ...(include_deleted === undefined ? {} : { include_deleted }),
    ...(titles === undefined ? {} : { titles }),
  };
}

/** Return what the server sent as the type that the caller expects. */
export function typed<T>(sent: unknown): T {
  return sent as T;
}

function pathOf(resource: string, id?: Id): string {
  const path = encodeURIComponent(resource);
  return id === undefined ? path : `${path}/${encodeURIComponent(id)}`;
}

function upTo(limit: number): number {
  return Math.min(limit, MAX_PAGE);
}

function cursorAfter(page: Page): string {
  if (page.next_cursor === null) {
    throw new RangeError("there are more documents, but no cursor to them: sort by shorter values");
  }
  return page.next_cursor;
}

function keyOf(resource: string, selection: Selection, offset: number): string {
  return JSON.stringify([resource, selection.filters, selection.order_by, selection.include_deleted, offset]);
}

function queryText(query: PageQuery): Record<string, string> {
  const entries = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) {
      return [];
    }
    const names = Array.isArray(value) && name !== "filters";
    return [[name, names ? value.join(",") : typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}
