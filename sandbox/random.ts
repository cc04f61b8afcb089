/** The next number in [0, 1). */
export type Draw = () => number;

/**
 * 32 bits that depend on every argument: the same seed and coordinates always give the same world, in any order
 * of asking. Rounds and finish of MurmurHash3 (x86, 32 bit).
 */
export function hash(seed: number, a: number, b = 0, c = 0): number {
  let h = round(round(round(seed | 0, a), b), c);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 code units, mixed with the seed. */
export function hashText(seed: number, text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return hash(seed, h, text.length);
}

/** `hash` as a number in [0, 1). */
export function unit(seed: number, a: number, b = 0, c = 0): number {
  return hash(seed, a, b, c) / 0x1_0000_0000;
}

/** A stream of numbers for one entity (mulberry32): what is drawn first stays first. */
export function draws(seed: number, a: number, b = 0, c = 0): Draw {
  let state = hash(seed, a, b, c);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** An element of `list`, each as likely. */
export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[Math.floor(draw() * list.length)]!;
}

/** A whole number from `min` to `max`, both included. */
export function between(draw: Draw, min: number, max: number): number {
  return min + Math.floor(draw() * (max - min + 1));
}

function round(h: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = h ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
