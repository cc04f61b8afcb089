/**
 * A word as it is counted: of Unicode's two canonical forms and of letters in any case, one. As Instagram has it, the
 * signs themselves stay what they are: `ﬁ` is not `fi`.
 */
export function foldWord(word: string): string {
  return word.normalize("NFC").toLowerCase().normalize("NFC");
}

/**
 * A name as it is compared, with the lower case that Postgres makes of it: letter for letter, where JavaScript makes
 * two of `İ` and looks at what is beside a `Σ`.
 */
export function foldName(name: string): string {
  return name.normalize("NFC").replaceAll("İ", "i").replaceAll("Σ", "σ").toLowerCase();
}

/** A text as words are looked for in it: letters in disguise as themselves, and nothing that cannot be seen. */
export function plainText(text: string): string {
  return text.normalize("NFKC").replaceAll(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "");
}
