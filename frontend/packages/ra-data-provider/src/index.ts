/** A react-admin data provider for apps of Framework M. */

import type { DataProvider, GetListParams, GetListResult, Identifier, SortPayload } from "ra-core";
import { changedFields } from "../../shared/src/changes.ts";
import { Documents, forEach, metaOf, typed, versionOf } from "../../shared/src/documents.ts";
import type { Filter } from "../../shared/src/filters.ts";
import { compare } from "../../shared/src/filters.ts";
import type { Connection } from "../../shared/src/transport.ts";
import { Transport } from "../../shared/src/transport.ts";
import { toFilters } from "./filters.ts";

export type { Filter } from "../../shared/src/filters.ts";
export type { FieldProblem, Problem } from "../../shared/src/problem.ts";
export { ProblemError, VersionConflictError } from "../../shared/src/problem.ts";
export type { Auth, Connection } from "../../shared/src/transport.ts";

export interface Options extends Connection {
  /** The fields that a filter `q` searches, by DocType. */
  searchFields?: Record<string, readonly string[]>;
  /** Without a count, lists say only whether there is a next page, and are cheaper. */
  count?: "exact" | "none";
}

export interface TransitionParams {
  id: Identifier;
  /** The record that the user sees; the transition is refused if it has changed since. */
  previousData?: Record<string, unknown>;
}

export interface RenameParams extends TransitionParams {
  name: string;
}

export interface CopyParams extends TransitionParams {
  /** What is different in the new record. */
  data?: Record<string, unknown>;
}

export interface FrameworkDataProvider extends DataProvider {
  submit: (resource: string, params: TransitionParams) => Promise<{ data: any }>;
  cancel: (resource: string, params: TransitionParams) => Promise<{ data: any }>;
  /** Create the draft that takes the place of a cancelled record. */
  amend: (resource: string, params: CopyParams) => Promise<{ data: any }>;
  /** Bring a deleted record back. */
  restore: (resource: string, params: TransitionParams) => Promise<{ data: any }>;
  duplicate: (resource: string, params: Omit<CopyParams, "previousData">) => Promise<{ data: any }>;
  rename: (resource: string, params: RenameParams) => Promise<{ data: any }>;
}

export function createDataProvider(options: Options): FrameworkDataProvider {
  const documents = new Documents(new Transport(options));

  async function list(resource: string, params: GetListParams, more: Filter[]): Promise<GetListResult> {
    const { page, perPage } = params.pagination ?? { page: 1, perPage: 20 };
    const filters = [...toFilters(params.filter ?? {}, options.searchFields?.[resource] ?? []), ...more];
    const selection = { ...metaOf(params.meta), filters, order_by: order(params.sort) };
    const offset = (page - 1) * perPage;
    const count = options.count ?? "exact";
    const found = await documents.window(resource, selection, offset, perPage, count, params.signal);
    const pageInfo = { hasNextPage: found.hasMore, hasPreviousPage: page > 1 };
    return { data: found.items, pageInfo, ...(found.total === null ? {} : { total: found.total }) };
  }

  return {
    supportAbortSignal: true,
    getList: (resource: string, params: GetListParams) => list(resource, params, []),
    getManyReference: (resource: string, params: GetListParams & { target: string; id: Identifier }) =>
      list(resource, params, [compare(params.target, "eq", params.id)]),
    getOne: async (resource, { id, meta, signal }) => ({
      data: typed(await documents.get(resource, id, metaOf(meta), signal)),
    }),
    getMany: async (resource, { ids, meta, signal }) => ({
      data: typed(await documents.getMany(resource, ids, metaOf(meta), signal)),
    }),
    create: async (resource, { data }) => ({ data: typed(await documents.create(resource, data)) }),
    update: async (resource, { id, data, previousData }) => {
      const version = versionOf(data) ?? versionOf(previousData);
      return { data: typed(await documents.update(resource, id, changedFields(data, previousData), version)) };
    },
    updateMany: async (resource, { ids, data }) => {
      await forEach(ids, (id) => documents.update(resource, id, changedFields(data, undefined)));
      return { data: ids };
    },
    delete: async (resource, { id, previousData }) => {
      await documents.remove(resource, previousData?.id ?? id, versionOf(previousData));
      return { data: typed(previousData ?? { id }) };
    },
    deleteMany: async (resource, { ids }) => {
      await forEach(ids, (id) => documents.remove(resource, id));
      return { data: ids };
    },
    submit: async (resource, { id, previousData }) => ({
      data: await documents.transition(resource, id, "submit", versionOf(previousData)),
    }),
    cancel: async (resource, { id, previousData }) => ({
      data: await documents.transition(resource, id, "cancel", versionOf(previousData)),
    }),
    amend: async (resource, { id, data, previousData }) => ({
      data: await documents.transition(resource, id, "amend", versionOf(previousData), data),
    }),
    restore: async (resource, { id, previousData }) => ({
      data: await documents.transition(resource, id, "restore", versionOf(previousData)),
    }),
    duplicate: async (resource, { id, data }) => ({ data: await documents.duplicate(resource, id, data ?? {}) }),
    rename: async (resource, { id, name, previousData }) => ({
      data: await documents.rename(resource, id, name, versionOf(previousData)),
    }),
  };
}

function order(sort: SortPayload | undefined): string[] {
  return sort ? [`${sort.order === "DESC" ? "-" : ""}${sort.field}`] : [];
}
