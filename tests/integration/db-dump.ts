import type { Pool } from "pg";

/** Every row of every table as text, and every record that is text. */
export async function dump(pool: Pool): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select oid::regclass as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ text: string }>(`select t::text as text from ${name} t`);
    texts.push(...rows.map(({ text }) => text));
  }
  const { rows: records } = await pool.query<{ text: string }>(
    "select convert_from(value, 'UTF8') as text from key_value_records where content_type ~ 'json'",
  );
  return [...texts, ...records.map(({ text }) => text)].join("\n");
}
