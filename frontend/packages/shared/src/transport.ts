/** Requests to the API, with the credentials of the caller. */

import { problemError } from "./problem.ts";

/** A bearer token, or the session cookie of a login with `?session=true` and its CSRF token. */
export type Auth =
  | { kind: "bearer"; token: () => string | null | Promise<string | null> }
  | { kind: "session"; csrfToken?: () => string | null };

export interface Connection {
  /** The address of the API, such as `https://crm.example.com/api/v1`. */
  apiUrl: string;
  auth?: Auth;
  fetch?: typeof fetch;
}

export interface Sent {
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

export class Transport {
  readonly apiUrl: string;
  readonly #auth: Auth | undefined;
  readonly #fetch: typeof fetch;

  constructor(connection: Connection) {
    this.apiUrl = connection.apiUrl.replace(/\/+$/, "");
    this.#auth = connection.auth;
    this.#fetch = connection.fetch ?? ((...given) => fetch(...given));
  }

  /** Send a request and return the JSON of its response, null if it has none. Throws ProblemError. */
  async send(method: string, path: string, sent: Sent = {}): Promise<unknown> {
    const url = this.#resolve(path, sent.query);
    const headers: Record<string, string> = { accept: "application/json", ...sent.headers };
    if (sent.body !== undefined) {
      headers["content-type"] = "application/json";
    }
    const ours = this.#isOurs(url);
    if (ours) {
      Object.assign(headers, await this.#credentials(method));
    }
    const response = await this.#fetch(url, {
      method,
      headers,
      credentials: ours && this.#auth?.kind === "session" ? "include" : "omit",
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
      ...(sent.signal ? { signal: sent.signal } : {}),
    });
    if (!response.ok) {
      throw await problemError(response);
    }
    const text = await response.text();
    return text ? (JSON.parse(text) as unknown) : null;
  }

  async #credentials(method: string): Promise<Record<string, string>> {
    if (this.#auth?.kind === "bearer") {
      const token = await this.#auth.token();
      return token === null ? {} : { authorization: `Bearer ${token}` };
    }
    if (this.#auth?.kind !== "session" || SAFE.has(method)) {
      return {};
    }
    const token = (this.#auth.csrfToken ?? csrfCookie)();
    return token === null ? {} : { "x-csrf-token": token };
  }

  #resolve(path: string, query: Record<string, string> = {}): string {
    const url = /^([a-z][a-z0-9+.-]*:)?\/\//i.test(path) ? path : `${this.apiUrl}/${path.replace(/^\/+/, "")}`;
    const text = new URLSearchParams(query).toString();
    return text ? `${url}${url.includes("?") ? "&" : "?"}${text}` : url;
  }

  /** Whether an address is the server's: credentials are sent nowhere else. */
  #isOurs(url: string): boolean {
    const here = globalThis.location?.href;
    return new URL(url, here).origin === new URL(this.apiUrl, here).origin;
  }
}

function csrfCookie(): string | null {
  const cookie = globalThis.document?.cookie.split("; ").find((one) => one.startsWith("m_csrf="));
  return cookie === undefined ? null : cookie.slice("m_csrf=".length);
}
