import { type Draw, between, pick } from "../random.ts";
import { PEOPLE, SENTENCES, THINGS, VERBS } from "./words.ts";

/** Every title names its community's topic once, so that search can go from a word to communities. */
export function postTitle(draw: Draw, topic: string): string {
  const verb = pick(draw, VERBS);
  const thing = pick(draw, THINGS);
  switch (between(draw, 0, 6)) {
    case 0:
      return `My ${pick(draw, PEOPLE)} ${verb} this ${topic.toLowerCase()} ${thing}`;
    case 1:
      return `${topic}: what is the best ${thing} under $${between(draw, 2, 40) * 10}?`;
    case 2:
      return `[${topic}] "${thing}" & other things I ${verb} this week`;
    case 3:
      return `I ${verb} my first ${topic} ${thing} — day ${between(draw, 1, 365)} 🎉`;
    case 4:
      return `Is a ${thing} > ${between(draw, 2, 9)} years old <still> fine for ${topic}?`;
    case 5:
      return `${topic} question`;
    default:
      return `Just ${verb} a ${thing}, ${topic.toLowerCase()} people, what do you think?`;
  }
}

/** Markdown of nought to five paragraphs; empty once in six times. */
export function postText(draw: Draw): string {
  if (draw() < 1 / 6) return "";
  return paragraphs(draw, between(draw, 1, 5));
}

export function paragraphs(draw: Draw, count: number): string {
  const one = (): string =>
    Array.from({ length: between(draw, 1, 4) }, () => pick(draw, SENTENCES)).join(" ");
  return Array.from({ length: count }, one).join("\n\n");
}

/** Reddit's rendering of plain paragraphs; other markdown stays as written. `null` for nothing. */
export function toHtml(markdown: string): string | null {
  return markdown === "" ? null : `<!-- SC_OFF -->${divOf(markdown)}<!-- SC_ON -->`;
}

export function divOf(markdown: string): string {
  const blocks = markdown.split("\n\n").map((block) => `<p>${escapeHtml(block)}</p>`);
  return `<div class="md">${blocks.join("\n\n")}\n</div>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
