/** Instagram's ids begin here, unix milliseconds. */
const EPOCH_MS = 1_314_220_021_721n;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** Bits of an id behind its time: 13 for the shard, 10 for the sequence. */
const [SHARD_BITS, SEQUENCE_BITS] = [13n, 10n];

/** Creators and their media that ids have room for. */
export const MAX_CREATORS = 2 ** Number(SHARD_BITS);
export const MAX_MEDIA = 2 ** Number(SEQUENCE_BITS);

/**
 * The id of a creator's medium as Instagram forms it, beyond 2^53: milliseconds, the shard, a sequence.
 * @see https://instagram-engineering.com/sharding-ids-at-instagram-1cf5a71e5a5c
 * @param takenAt unix seconds
 */
export function mediaId(takenAt: number, creator: number, ordinal: number): string {
  const sinceMs = BigInt(Math.floor(takenAt * 1000)) - EPOCH_MS;
  return String(
    (sinceMs << (SHARD_BITS + SEQUENCE_BITS)) | (BigInt(creator) << SEQUENCE_BITS) | BigInt(ordinal),
  );
}

/** Whose medium an id would be; `null` for what is no id. */
export function mediaPlace(id: string): { creator: number; ordinal: number } | null {
  if (!/^\d{1,20}$/.test(id)) return null;
  const number = BigInt(id);
  const bits = (at: bigint, count: bigint): number => Number((number >> at) & ((1n << count) - 1n));
  return { creator: bits(SEQUENCE_BITS, SHARD_BITS), ordinal: bits(0n, SEQUENCE_BITS) };
}

/** The id in base 64, as it stands in a medium's address. */
export function shortcodeOf(id: string): string {
  let code = "";
  for (let rest = BigInt(id); rest > 0n; rest /= 64n) code = ALPHABET[Number(rest % 64n)]! + code;
  return code;
}

/** `null` for what is no shortcode. */
export function idOfShortcode(code: string): string | null {
  if (!/^[\w-]{1,12}$/.test(code)) return null;
  return String([...code].reduce((id, sign) => id * 64n + BigInt(ALPHABET.indexOf(sign)), 0n));
}
