import { type Draw, hash, pick } from "../random.ts";
import { ASPECT, type Place, type World } from "./world.ts";

export interface Flair {
  /** `null` for flair that was typed, not chosen from a template. */
  templateId: string | null;
  text: string;
  textColor: "dark" | "light";
  /** `""` or a colour. */
  backgroundColor: string;
  richtext: ({ e: "text"; t: string } | { e: "emoji"; a: string; u: string })[];
}

const LINK_TEXTS = ["Discussion", "Help & Advice", "Show-off", "Q&A", "Meta", "News <24h"];
const COLOURS = ["", "#0079d3", "#ffb000", "#edeff1", "transparent"];

/** One of the templates that a community offers; `null` in the third of them that offer none. */
export function linkFlair(world: World, place: Place, choice: number): Flair | null {
  const community = hash(world.seed, ASPECT.flair, place.index);
  if (community % 3 === 0) return null;
  const i = Math.floor(choice * (1 + (community % LINK_TEXTS.length)));
  const template = hash(world.seed, ASPECT.flair, place.index, i + 1);
  const isRich = template % 5 < 2;
  const text = LINK_TEXTS[i]!;
  return {
    templateId: uuid(template),
    text: isRich ? `:star: ${text}` : text,
    textColor: template & 1 ? "dark" : "light",
    backgroundColor: COLOURS[template % COLOURS.length]!,
    richtext: isRich
      ? [
          { e: "emoji", a: ":star:", u: "https://emoji.redditmedia.com/x1/star" },
          { e: "text", t: ` ${text}` },
        ]
      : [],
  };
}

export function userFlair(draw: Draw, topic: string): Flair {
  const text = pick(draw, [`${topic} novice`, "10+ years", ":mod: Helper", "she & her"]);
  return {
    templateId: null,
    text,
    textColor: "dark",
    backgroundColor: "",
    richtext: draw() < 0.5 ? [{ e: "text", t: text }] : [],
  };
}

function uuid(h: number): string {
  const hex = h.toString(16).padStart(8, "0");
  return `${hex}-${hex.slice(0, 4)}-11e9-${hex.slice(4)}-0e${hex}c0`;
}
