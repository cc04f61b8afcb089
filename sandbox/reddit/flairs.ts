import { type Draw, between, draws, hash, pick } from "../random.ts";
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

/** The templates that a community offers; none in a third of them. */
export function linkFlairs(world: World, place: Place): Flair[] {
  const draw = draws(world.seed, ASPECT.flair, place.index);
  if (draw() < 1 / 3) return [];
  return LINK_TEXTS.slice(0, between(draw, 1, LINK_TEXTS.length)).map((text, i) => {
    const isRich = draw() < 0.4;
    return {
      templateId: uuid(hash(world.seed, ASPECT.flair, place.index, i)),
      text: isRich ? `:star: ${text}` : text,
      textColor: draw() < 0.5 ? "dark" : "light",
      backgroundColor: pick(draw, COLOURS),
      richtext: isRich
        ? [
            { e: "emoji", a: ":star:", u: "https://emoji.redditmedia.com/x1/star" },
            { e: "text", t: ` ${text}` },
          ]
        : [],
    };
  });
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
