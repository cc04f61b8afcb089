import { type Draw, between, pick } from "../random.ts";

/** A caption and what a reader must find in it, in the order of its signs and each once. */
export interface Caption {
  text: string;
  /** Lower case, without the sign. */
  hashtags: string[];
  /** Lower case, without the sign. */
  mentions: string[];
}

const SENTENCES = [
  "Golden hour and nothing else to do ☀️",
  "Une journée d’évasion en famille 🐮🌿",
  "Neues Stück, endlich fertig – drei Wochen Arbeit!",
  "今日はとてもいい天気でした。",
  "오늘의 커피 한 잔 ☕️",
  "Спасибо всем, кто пришёл!",
  "مساء الخير من القاهرة 🌙",
  'Noch ein Versuch & <diesmal> mit "Plan"…',
  "שבת שלום 🕯️",
  "วันนี้อากาศดีมาก",
  "Link in bio: https://example.com/shop?a=1&b=2",
  "Write to hello@example.com, prices from 5 # to 10 @ most",
  "👩‍👩‍👧‍👦🏳️‍🌈 family first",
  "हर दिन एक नई शुरुआत है।",
] as const;

/** As they are written; the same word in another case is the same tag. */
const HASHTAGS = [
  "sunset",
  "OOTD",
  "café",
  "Straßenfotografie",
  "写真",
  "여행",
  "путешествие",
  "تصوير",
  "नमस्ते",
  "b9_test",
  "2026goals",
  "naïve",
  "Sunset",
  "ทะเล",
] as const;

/** @param others usernames to mention */
export function drawCaption(draw: Draw, others: readonly string[]): Caption | null {
  if (draw() < 0.06) return null;
  const parts = Array.from({ length: between(draw, 1, 3) }, () => pick(draw, SENTENCES) as string);
  const hashtags = Array.from({ length: between(draw, 0, 5) }, () => pick(draw, HASHTAGS));
  const mentions = Array.from({ length: draw() < 0.4 ? between(draw, 1, 3) : 0 }, () => pick(draw, others));
  if (mentions.length) parts.push(`with ${mentions.map((name) => `@${name}`).join(", ")}`);
  if (hashtags.length) parts.push(`\n.\n.\n${hashtags.map((tag) => `#${tag}`).join(" ")}`);
  return { text: parts.join(" "), hashtags: unique(hashtags), mentions: unique(mentions) };
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words.map((word) => word.toLowerCase()))];
}
