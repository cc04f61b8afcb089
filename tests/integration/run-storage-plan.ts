import { createHash } from "node:crypto";
import type { Commit, NewRequest, PushedItem } from "../../shared/crawl/run-storage.ts";
import { failure, post, request, subreddit } from "../contract/run-storage-samples.ts";

const ROOTS = 200;
const MAX_DEPTH = 5;

/** What handling a request comes to: the same in every process. */
export interface Plan {
  outcome: Commit["outcome"];
  /** Counted retries before that. */
  retries: number;
  items: PushedItem[];
  children: NewRequest[];
}

export const roots: NewRequest[] = Array.from({ length: ROOTS }, (_, index) => request(`${index}`));

/** Some children and items are shared by several requests. */
export function planOf(uniqueKey: string): Plan {
  const random = createHash("sha256").update(uniqueKey).digest();
  const number = (at: number) => random.readUInt16LE(at * 2);
  const depth = uniqueKey.split(".").length;
  const outcome = number(0) % 20 === 0 ? "failed" : "handled";
  const children = Array.from({ length: depth < MAX_DEPTH ? number(1) % 6 : 0 }, (_, index) =>
    index === 3
      ? request(`${number(2) % ROOTS}.shared`)
      : request(`${uniqueKey}.${index}`, { priority: number(3) % 2 }),
  );
  const items: PushedItem[] = Array.from({ length: number(4) % 4 }, (_, index) => {
    const id = `t3_${number(5 + index) % 4000}`;
    return post(id, { title: `title of ${id}` });
  });
  const name = `sub${number(10) % 50}`;
  const fact = number(11) % 8;
  items.push(subreddit(name, { [`fact_${fact}`]: fact }));
  if (outcome === "failed") {
    items.push(failure(uniqueKey, {}));
  }
  return { outcome, retries: number(12) % 10 === 0 ? 2 : 0, items, children };
}

export interface Expected {
  handled: number;
  failed: number;
  /** By dataset, by key. */
  items: Map<string, Map<string, Record<string, unknown>>>;
}

/** What a whole crawl comes to, in whatever order it goes. */
export function expectedResult(): Expected {
  const expected: Expected = { handled: 0, failed: 0, items: new Map() };
  const seen = new Set<string>();
  const left = roots.map(({ uniqueKey }) => uniqueKey);
  for (let key = left.pop(); key !== undefined; key = left.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const { outcome, items, children } = planOf(key);
    expected[outcome]++;
    for (const { dataset, key: itemKey, item } of items) {
      const byKey = expected.items.get(dataset) ?? new Map<string, Record<string, unknown>>();
      byKey.set(itemKey, { ...byKey.get(itemKey), ...item });
      expected.items.set(dataset, byKey);
    }
    left.push(...children.map((child) => child.uniqueKey));
  }
  return expected;
}
