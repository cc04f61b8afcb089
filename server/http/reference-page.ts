import { hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

type Json = Record<string, unknown>;

interface Operation {
  tags: string[];
  summary: string;
  description: string;
  parameters: { name: string; in: string; required?: boolean; description?: string; schema: Json }[];
  requestBody?: Json;
  responses: Record<string, { description: string; content?: Json }>;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h2{border-bottom:1px solid #ccc;margin-top:3rem}summary{cursor:pointer;padding:.4rem 0}code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f5f5f5;padding:.75rem;overflow:auto}.m{display:inline-block;width:4.5rem;font-weight:600}.s{color:#555}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ddd;padding:.25rem .5rem;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#222}td,th{border-color:#444}.s{color:#aaa}}`;

/** What the page may load: its own style, and nothing else from anywhere. */
export const REFERENCE_POLICY = `default-src 'none'; style-src 'sha256-${hash("sha256", STYLE, "base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The reference as a page that needs no script. @param api as `describeApi` gives it */
export async function renderReference(api: Json): Promise<string> {
  const info = api["info"] as { title: string; version: string; description: string };
  const tags = (api["tags"] as { name: string }[]).map(({ name }) => name);
  const operations = Object.entries(api["paths"] as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections: string[] = [];
  for (const tag of tags) {
    sections.push(`<h2>${escape(tag)}</h2>`);
    for (const operation of operations.filter(({ operation: { tags: own } }) => own.includes(tag))) {
      // Others get their turn: all of it takes a while.
      await setImmediate();
      sections.push(renderOperation(operation));
    }
  }
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(info.title)} API</title><style>${STYLE}</style></head><body>
<h1>${escape(info.title)} API ${escape(info.version)}</h1><p>${escape(info.description)}</p>
<p>As OpenAPI 3.1: <a href="openapi.json">openapi.json</a></p>
${sections.join("\n")}</body></html>`;
}

function renderOperation({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: Operation;
}): string {
  const { summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(
    (parameter) =>
      `<tr><td><code>${escape(parameter.name)}</code></td><td>${parameter.in}</td><td>${escape(parameter.description ?? "")} <code>${escape(JSON.stringify(parameter.schema))}</code></td></tr>`,
  );
  const table =
    rows.length > 0 ? `<table><tr><th>parameter</th><th>in</th><th></th></tr>${rows.join("")}</table>` : "";
  const body = requestBody ? `<p>Body</p>${renderJson(requestBody["content"])}` : "";
  const answers = Object.entries(responses).map(
    ([status, response]) =>
      `<tr><td>${escape(status)}</td><td>${escape(response.description)}${Number(status) < 400 && response.content ? renderJson(response.content) : ""}</td></tr>`,
  );
  return `<details><summary><code class="m">${method.toUpperCase()}</code> <code>${escape(path)}</code> <span class="s">${escape(summary)}</span></summary>
<p>${escape(description)}</p>${table}${body}<table><tr><th>status</th><th></th></tr>${answers.join("")}</table></details>`;
}

function renderJson(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, null, 1))}</pre>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}
