import { ADJECTIVES, NOUNS } from "../name-words.ts";
import { hash } from "../random.ts";
import { FORMS, SYLLABLES, TOPICS } from "./words.ts";

// Names are computed from indexes and indexes from names, so that no table of names is kept.

/** Communities in a cluster: neighbours that share a topic and authors. */
export const CLUSTER_SIZE = 10;
const HALF = FORMS.length / 2;
const GENERATION = TOPICS.length * CLUSTER_SIZE;

const stems = new Map<string, { topic: number; form: number }>();
for (let topic = 0; topic < TOPICS.length; topic++) {
  for (let form = 0; form < FORMS.length; form++) {
    stems.set(FORMS[form]!(TOPICS[topic]!).toLowerCase(), { topic, form });
  }
}

export function topicOf(index: number): string {
  return TOPICS[Math.floor(index / CLUSTER_SIZE) % TOPICS.length]!;
}

/** As Reddit would display it, 3 to 21 characters. */
export function communityName(index: number): string {
  const generation = Math.floor(index / GENERATION);
  const form = (index % CLUSTER_SIZE) + (generation % 2) * HALF;
  const round = Math.floor(generation / 2);
  return FORMS[form]!(topicOf(index)) + (round === 0 ? "" : String(round));
}

/** The index whose name this is in any case, or `null`. */
export function communityIndex(name: string): number | null {
  const [, stem, digits] = /^(.*?)([1-9][0-9]*)?$/s.exec(name.toLowerCase())!;
  const found = stems.get(stem!);
  if (!found) return null;
  const generation = Number(digits ?? 0) * 2 + Math.floor(found.form / HALF);
  const index = generation * GENERATION + found.topic * CLUSTER_SIZE + (found.form % HALF);
  return communityName(index).toLowerCase() === name.toLowerCase() ? index : null;
}

/** A Reddit account's name, 6 to 20 characters: with digits, with signs, or plain. */
export function accountName(seed: number, index: number): string {
  const h = hash(seed, 0x6e616d65, index);
  const adjective = ADJECTIVES[(h >>> 8) % ADJECTIVES.length]!;
  const noun = NOUNS[(h >>> 16) % NOUNS.length]!;
  switch (h % 5) {
    case 0:
      return `${adjective}_${noun}_${index}`;
    case 1:
      return adjective.toLowerCase() + noun + index;
    case 2:
      return `${syllables(index)}-${noun.toLowerCase()}`;
    case 3:
      return syllables(index)[0]!.toUpperCase() + syllables(index).slice(1);
    default:
      return syllables(index);
  }
}

/** The index whose name this is in any case, or `null`. */
export function accountIndex(seed: number, name: string): number | null {
  const lower = name.toLowerCase();
  const digits = /[0-9]{1,9}$/.exec(lower)?.[0];
  const index = digits === undefined ? fromSyllables(lower.slice(0, 6)) : Number(digits);
  return index !== null && accountName(seed, index).toLowerCase() === lower ? index : null;
}

function syllables(index: number): string {
  const n = SYLLABLES.length;
  const at = (digit: number): string => SYLLABLES[digit % n]!;
  return at(index) + at(Math.floor(index / n)) + at(Math.floor(index / (n * n)));
}

function fromSyllables(text: string): number | null {
  let index = 0;
  for (let place = 2; place >= 0; place--) {
    const digit = SYLLABLES.indexOf(text.slice(place * 2, place * 2 + 2));
    if (digit < 0) return null;
    index = index * SYLLABLES.length + digit;
  }
  return index;
}
