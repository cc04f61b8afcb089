import { expect, it } from "vitest";
import { foldName, foldWord, plainText } from "../../../shared/parse/text.ts";

it.each([
  ["Café", "café"],
  ["CAFE\u0301", "café"],
  ["Straße", "straße"],
  ["ﬁt", "ﬁt"],
])("folds the word %s to %s", (word, folded) => expect(foldWord(word)).toBe(folded));

it.each([
  ["AskReddit", "askreddit"],
  ["t:1337", "t:1337"],
  ["İstanbul", "istanbul"],
  ["I\u0307stanbul", "istanbul"],
  ["ΟΔΟΣ", "οδοσ"],
  ["\u212aelvin", "kelvin"],
])("folds the name %s to %s, letter for letter", (name, folded) => expect(foldName(name)).toBe(folded));

it.each([
  ["ｖｅｒｉｆｙ", "verify"],
  ["veri\u200bfy\ufeff", "verify"],
])("reads %s as %s", (text, plain) => expect(plainText(text)).toBe(plain));
