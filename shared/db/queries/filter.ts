import { foldName } from "../../parse/text.ts";

/** Conditions of a `where`, with their values apart from the text. */
export class Filter {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = [];

  /** @param condition with `?` for the value; what is not asked for (`undefined`) is no condition */
  add(condition: string, value: unknown): this {
    if (value === undefined) return this;
    this.#conditions.push(condition.replaceAll("?", this.bind(value)));
    return this;
  }

  /** A condition without a value. */
  require(condition: string): this {
    this.#conditions.push(condition);
    return this;
  }

  /** Placeholder of a value. */
  bind(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** The conditions, and `more`, as `where …`; empty when there is none. */
  where(...more: string[]): string {
    const all = [...this.#conditions, ...more];
    return all.length > 0 ? `where ${all.join(" and ")}` : "";
  }

  copy(): Filter {
    const copy = new Filter();
    copy.values.push(...this.values);
    copy.#conditions.push(...this.#conditions);
    return copy;
  }

  get isEmpty(): boolean {
    return this.#conditions.length === 0;
  }
}

/** A pattern for `like` that finds `text` anywhere, as it is. */
export function containing(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `%${foldName(text).replaceAll(/[\\%_]/g, "\\$&")}%`;
}
