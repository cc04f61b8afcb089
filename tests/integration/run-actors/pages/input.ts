import { z } from "zod";

/** A page `/<n>` of `origin` is one item. What `trouble` names happens in the handler of the page in the middle. */
export const Input = z.strictObject({
  origin: z.string(),
  pages: z.int().min(0),
  names: z.array(z.string()).min(1).default(["page"]),
  max_items: z.int().min(1).optional(),
  trouble: z
    .enum(["throw", "exit", "heap", "memory", "browser", "daemon", "stranger", "flood", "odd", "deaf"])
    .optional(),
});
export type Input = z.infer<typeof Input>;
