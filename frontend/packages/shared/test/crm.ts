/** The running CRM that the tests talk to. */

import type { Auth } from "../src/transport.ts";

const address = process.env["CRM_ADDRESS"] ?? "";

export const apiUrl = `${address}/api/v1`;
export const auth: Auth = { kind: "bearer", token: () => process.env["CRM_TOKEN"] ?? "" };

/** A browser's part in a session: it keeps cookies and sends them where credentials are included. */
export async function browser(): Promise<{ fetch: typeof fetch; csrfToken: () => string | null }> {
  const credentials = { username: process.env["CRM_EMAIL"], password: process.env["CRM_PASSWORD"] };
  const login = await fetch(`${apiUrl}/auth/login?session=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(credentials),
  });
  const cookies = login.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  const csrf = cookies.find((cookie) => cookie.startsWith("m_csrf="))?.slice("m_csrf=".length) ?? null;
  return {
    csrfToken: () => csrf,
    fetch: (url, init = {}) => {
      const headers = new Headers(init.headers);
      if (init.credentials === "include") {
        headers.set("cookie", cookies.join("; "));
      }
      return fetch(url, { ...init, headers });
    },
  };
}

/** A fetch that keeps what was asked. */
export function recorded(): { fetch: typeof fetch; requests: Request[] } {
  const requests: Request[] = [];
  return {
    requests,
    fetch: (url, init) => {
      requests.push(new Request(url, init));
      return fetch(url, init);
    },
  };
}

/** A text that no other test has in its documents. */
export function unique(): string {
  return Math.random().toString(36).slice(2, 10);
}
