/** A refine data provider for apps of Framework M. */

import type { BaseRecord, DataProvider, GetListParams, MetaQuery } from "@refinedev/core";
import type { Window } from "../../shared/src/documents.ts";
import { Documents, metaOf, typed, versionOf } from "../../shared/src/documents.ts";
import type { Connection } from "../../shared/src/transport.ts";
import { Transport } from "../../shared/src/transport.ts";
import { toFilters, toOrder } from "./filters.ts";

export type { FieldProblem, Problem } from "../../shared/src/problem.ts";
export { ProblemError, VersionConflictError } from "../../shared/src/problem.ts";
export type { Auth, Connection } from "../../shared/src/transport.ts";

export interface Options extends Connection {
  /** Without a count, `total` says only whether there is a next page, and lists are cheaper. */
  count?: "exact" | "none";
}

const MAX_DOCUMENTS = 10_000;

/** `meta` takes `fields`, `expand`, `titles` and `include_deleted` for reads, and `version` for changes. */
export function createDataProvider(options: Options): Required<
  Pick<DataProvider, "getList" | "getOne" | "getMany" | "create" | "update" | "deleteOne" | "custom" | "getApiUrl">
> {
  const transport = new Transport(options);
  const documents = new Documents(transport);

  async function list(params: GetListParams): Promise<Window & { offset: number }> {
    const { currentPage = 1, pageSize = 10, mode = "server" } = params.pagination ?? {};
    const isPaged = mode === "server";
    const [offset, limit] = isPaged ? [(currentPage - 1) * pageSize, pageSize] : [0, MAX_DOCUMENTS];
    const selection = {
      ...metaOf(params.meta),
      filters: toFilters(params.filters),
      order_by: toOrder(params.sorters),
    };
    const count = options.count ?? "exact";
    const found = await documents.window(params.resource, selection, offset, limit, count, signalOf(params.meta));
    if (!isPaged && found.hasMore) {
      throw new RangeError(`expected at most ${MAX_DOCUMENTS} documents without pages: use pagination mode "server"`);
    }
    return { ...found, offset };
  }

  return {
    getApiUrl: () => transport.apiUrl,
    getList: async <TData extends BaseRecord>(params: GetListParams) => {
      const { items, total, hasMore, offset } = await list(params);
      return { data: typed<TData[]>(items), total: total ?? offset + items.length + Number(hasMore) };
    },
    getOne: async <TData extends BaseRecord>({ resource, id, meta }: Parameters<DataProvider["getOne"]>[0]) => ({
      data: typed<TData>(await documents.get(resource, id, metaOf(meta), signalOf(meta))),
    }),
    getMany: async <TData extends BaseRecord>({
      resource,
      ids,
      meta,
    }: Parameters<NonNullable<DataProvider["getMany"]>>[0]) => ({
      data: typed<TData[]>(await documents.getMany(resource, ids, metaOf(meta), signalOf(meta))),
    }),
    create: async ({ resource, variables }) => ({
      data: typed(await documents.create(resource, variables as object)),
    }),
    update: async ({ resource, id, variables, meta }) => {
      const version = versionIn(meta) ?? versionOf(variables);
      return { data: typed(await documents.update(resource, id, variables as object, version)) };
    },
    deleteOne: async ({ resource, id, meta }) => {
      await documents.remove(resource, id, versionIn(meta));
      return { data: typed({ id }) };
    },
    custom: async ({ url, method, filters, sorters, payload, query, headers, meta }) => {
      const listed = {
        ...(filters?.length ? { filters: JSON.stringify(toFilters(filters)) } : {}),
        ...(sorters?.length ? { order_by: toOrder(sorters).join(",") } : {}),
      };
      const answer = await transport.send(method.toUpperCase(), url, {
        query: { ...(query as Record<string, string> | undefined), ...listed },
        headers: headers as Record<string, string> | undefined,
        body: payload,
        signal: signalOf(meta),
      });
      return { data: typed(answer) };
    },
  };
}

function versionIn(meta: MetaQuery | undefined): number | undefined {
  return versionOf({ _version: meta?.["version"] });
}

/** The signal of react-query, which refine hands on in `meta`. */
function signalOf(meta: MetaQuery | undefined): AbortSignal | undefined {
  return meta?.queryContext?.signal as AbortSignal | undefined;
}
