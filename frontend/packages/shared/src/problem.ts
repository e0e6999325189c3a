/** Problem documents of the server as errors that react-admin and refine understand. */

export interface FieldProblem {
  field: string;
  code: string;
  message: string;
  params?: Record<string, unknown>;
}

export interface Problem {
  status: number;
  code: string;
  detail: string;
  title?: string;
  request_id?: string;
  rule?: string;
  errors?: FieldProblem[];
}

/** The server refused a request. `body.errors` is what react-admin shows beside fields, `errors` what refine does. */
export class ProblemError extends Error {
  readonly status: number;
  readonly statusCode: number;
  readonly code: string;
  readonly problem: Problem;
  readonly errors: Record<string, string[]>;
  readonly body: { errors: Record<string, string>; problem: Problem };
  /** Seconds after which the server may be asked again. */
  readonly retryAfter: number | null;

  constructor(problem: Problem, retryAfter: number | null = null) {
    super(problem.detail);
    this.name = new.target.name;
    this.status = this.statusCode = problem.status;
    this.code = problem.code;
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.errors = {};
    for (const { field, message } of Array.isArray(problem.errors) ? problem.errors : []) {
      (this.errors[field] ??= []).push(message);
    }
    const joined = Object.entries(this.errors).map(([field, messages]) => [field, messages.join("; ")]);
    this.body = { errors: Object.fromEntries(joined) as Record<string, string>, problem };
  }
}

/** The document has changed since it was read. */
export class VersionConflictError extends ProblemError {}

const CONFLICTS = new Set(["version_conflict", "precondition_failed"]);

/** Return the error of a response, also of one that a proxy made. */
export async function problemError(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const problem = parseProblem(text) ?? {
    status: response.status,
    code: "unknown",
    detail: `${response.statusText} ${text.slice(0, 200)}`.trim(),
  };
  const stated = response.headers.get("retry-after") ?? "";
  const kind = CONFLICTS.has(problem.code) ? VersionConflictError : ProblemError;
  return new kind(problem, /^\d+$/.test(stated) ? Number(stated) : null);
}

function parseProblem(text: string): Problem | null {
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null;
    return typeof problem?.code === "string" && typeof problem.status === "number" ? (problem as Problem) : null;
  } catch {
    return null;
  }
}
