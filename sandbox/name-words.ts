// What accounts of all sites are called after.

export const ADJECTIVES = [
  "Quiet",
  "Brave",
  "Lunar",
  "Salty",
  "Rusty",
  "Happy",
  "Misty",
  "Tiny",
  "Noble",
  "Fuzzy",
  "Swift",
  "Amber",
] as const;
export const NOUNS = [
  "Otter",
  "Maple",
  "Comet",
  "Badger",
  "Pixel",
  "Anchor",
  "Walnut",
  "Heron",
  "Cactus",
  "Biscuit",
  "Lantern",
  "Gecko",
] as const;
