export interface OutputQuotaOptions {
  /** Of all that is kept, what the log writes before each line included. */
  maxBytes: number;
  /** What a second does not use is saved for later ones, up to `burstSecs` of them. @default 5,000 */
  linesPerSec?: number;
  /** @default 2 MB */
  bytesPerSec?: number;
  /** @default 4 */
  burstSecs?: number;
}

/** A longer line is cut: a line of the log with an error, its causes and their stacks has a tenth of that. */
const MAX_LINE_BYTES = 64 * 1024;
/** What a line of the log has before its text: time and level. */
const HEAD_BYTES = 32;
/** Of what is left out the end is shown: a process says there what it dies of. */
const TAIL_BYTES = 16 * 1024;
/** Where a line was cut: at the end of the one part, and at the beginning of the next. */
const CUT_MARK = "…";
const [LF, CR] = [0x0a, 0x0d];
const NOTHING = Buffer.alloc(0);

/**
 * How much of a process's output is kept, a second and in all. When a second has had its share, the rest of it is left
 * out as a whole: a flood has one gap a second, not one a line.
 */
export class OutputQuota {
  readonly #perSec: { lines: number; bytes: number };
  readonly #burstSecs: number;
  readonly #left: { lines: number; bytes: number };
  #leftInAll: number;
  #second = -Infinity;
  #isSecondOver = false;
  #isUsedUpSaid = false;

  constructor({
    maxBytes,
    linesPerSec = 5_000,
    bytesPerSec = 2 * 1024 * 1024,
    burstSecs = 4,
  }: OutputQuotaOptions) {
    this.#perSec = { lines: linesPerSec, bytes: bytesPerSec };
    this.#burstSecs = burstSecs;
    this.#left = { lines: linesPerSec * burstSecs, bytes: bytesPerSec * burstSecs };
    this.#leftInAll = maxBytes;
  }

  /** False: what comes now is left out, however short it is. */
  isOpen(nowMs: number): boolean {
    this.#refill(nowMs);
    return !this.#isSecondOver && !this.isUsedUp;
  }

  /** Nothing is kept any more, however slowly it comes. */
  get isUsedUp(): boolean {
    return this.#leftInAll <= 0;
  }

  /** True once, when nothing is kept any more. */
  sayUsedUp(): boolean {
    if (!this.isUsedUp || this.#isUsedUpSaid) return false;
    this.#isUsedUpSaid = true;
    return true;
  }

  /** Whether a line with so many bytes is kept. */
  take(bytes: number, nowMs: number): boolean {
    if (!this.isOpen(nowMs)) return false;
    const size = bytes + HEAD_BYTES;
    this.#isSecondOver = this.#left.lines < 1 || this.#left.bytes < size;
    if (this.#isSecondOver) return false;
    this.#left.lines--;
    this.#left.bytes -= size;
    this.#leftInAll -= size;
    return true;
  }

  #refill(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second <= this.#second) return;
    const secs = Math.min(second - this.#second, this.#burstSecs);
    for (const unit of ["lines", "bytes"] as const) {
      const rate = this.#perSec[unit];
      this.#left[unit] = Math.min(rate * this.#burstSecs, this.#left[unit] + rate * secs);
    }
    this.#second = second;
    this.#isSecondOver = false;
  }
}

/**
 * Makes lines of what a process writes, each ended by LF, CR or both. Needs little memory, whatever comes: a line
 * without an end is cut between two characters, with a mark, and what the quota does not keep is counted, not decoded.
 */
export class OutputLines {
  readonly #quota: OutputQuota;
  readonly #onLine: (line: string) => void;
  /** A clock that does not jump. */
  readonly #now: () => number;
  /** The beginning of a line that has not ended. */
  #open: Buffer[] = [];
  #openBytes = 0;
  /** What is open goes on with a line that was cut. */
  #isCut = false;
  #endedByCr = false;
  #leftOut = { lines: 0, bytes: 0 };
  /** The end of what was left out. */
  #tail: Buffer = NOTHING;

  constructor(
    quota: OutputQuota,
    onLine: (line: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#quota = quota;
    this.#onLine = onLine;
    this.#now = now;
  }

  write(chunk: Buffer): void {
    for (let from = this.#endedByCr && chunk[0] === LF ? 1 : 0; from < chunk.length;) {
      this.#endedByCr = false;
      if (!this.#quota.isOpen(this.#now())) return this.#leaveOut(chunk.subarray(from));
      const end = findEnd(chunk, from, from + MAX_LINE_BYTES - this.#openBytes);
      this.#open.push(chunk.subarray(from, end));
      this.#openBytes += end - from;
      from = end;
      if (end < chunk.length && isEnd(chunk[end]!)) {
        this.#emit();
        this.#endedByCr = chunk[end] === CR && end + 1 === chunk.length;
        from += chunk[end] === CR && chunk[end + 1] === LF ? 2 : 1;
      } else if (this.#openBytes >= MAX_LINE_BYTES) this.#cut();
    }
  }

  /** Nothing more comes: what is open is a line, too, and the last lines are shown also where they were left out. */
  end(): void {
    if (this.#leftOut.bytes === 0) {
      if (this.#openBytes > 0) this.#emit();
      return;
    }
    this.#leaveOut(NOTHING);
    const { lines, bytes } = this.#leftOut;
    const isWhole = this.#tail.length === bytes;
    const shown = (isWhole ? this.#tail : fromWhole(this.#tail))
      .toString()
      .replace(/(?:\r\n|\r|\n)$/, "")
      .split(/\r\n|\r|\n/);
    if (!isWhole) {
      this.#tell(lines + (this.#isCut ? 1 : 0) - shown.length);
      shown[0] = `${CUT_MARK}${shown[0]}`;
    }
    for (const line of shown) this.#onLine(line);
  }

  #emit(mark = ""): void {
    const bytes = this.#openBytes;
    if (!this.#quota.take(bytes, this.#now())) return this.#leaveOut(mark ? NOTHING : Buffer.of(LF));
    if (this.#leftOut.bytes > 0) this.#tell();
    const open = this.#takeOpen();
    const text = (this.#isCut ? fromWhole(open) : open).toString();
    this.#onLine(`${this.#isCut ? CUT_MARK : ""}${text}${mark}`);
    this.#isCut = mark !== "";
  }

  /** What is open is as long as a line may be. */
  #cut(): void {
    const bytes = this.#takeOpen();
    const length = lengthOfWhole(bytes);
    this.#setOpen(bytes.subarray(0, length));
    this.#emit(CUT_MARK);
    // Nothing is open any more, kept or not.
    this.#setOpen(bytes.subarray(length));
  }

  #takeOpen(): Buffer {
    const bytes = Buffer.concat(this.#open);
    this.#setOpen(NOTHING);
    return bytes;
  }

  #setOpen(bytes: Buffer): void {
    this.#open = bytes.length > 0 ? [bytes] : [];
    this.#openBytes = bytes.length;
  }

  /** What is open goes with it. */
  #leaveOut(rest: Buffer): void {
    for (const bytes of [this.#takeOpen(), rest]) {
      if (bytes.length === 0) continue;
      this.#leftOut.lines += countEnds(bytes);
      this.#leftOut.bytes += bytes.length;
      this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      this.#isCut = !isEnd(bytes.at(-1)!);
    }
    if (this.#quota.sayUsedUp())
      this.#onLine(`${CUT_MARK} the log is full (RUN_MAX_LOG_MBYTES): of what comes now the end is kept`);
  }

  #tell(lines = this.#leftOut.lines): void {
    const size = `${this.#leftOut.bytes.toLocaleString("en")} bytes`;
    const why = this.#quota.isUsedUp ? "the log is full" : "more than a log takes in a second";
    this.#onLine(`${CUT_MARK} ${Math.max(1, lines).toLocaleString("en")} lines left out (${size}): ${why}`);
    this.#leftOut = { lines: 0, bytes: 0 };
    this.#tail = NOTHING;
  }
}

function isEnd(byte: number): boolean {
  return byte === LF || byte === CR;
}

/** Where the line ends that begins at `from`, not behind `to`. */
function findEnd(bytes: Buffer, from: number, to: number): number {
  const end = Math.min(to, bytes.length);
  let at = from;
  while (at < end && !isEnd(bytes[at]!)) at++;
  return at;
}

function countEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++)
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) count++;
  return count;
}

/** Behind what was left out the first bytes may be the rest of a character. */
function fromWhole(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
  return bytes.subarray(start);
}

/** How many of the bytes are whole characters: the last one may have been cut. */
function lengthOfWhole(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back < bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
