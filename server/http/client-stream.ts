/** A client that is further behind is cut off; it comes back and is told the latest state. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const encoder = new TextEncoder();

/** One client's stream, with a bounded buffer. */
export class ClientStream {
  readonly readable: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isClosed = false;
  #onClosed: () => void = () => undefined;

  constructor() {
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        cancel: () => this.#end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_BUFFERED_BYTES }),
    );
  }

  onClosed(listener: () => void): void {
    this.#onClosed = listener;
  }

  send(text: string): void {
    if (this.#isClosed || text === "") return;
    if ((this.#controller.desiredSize ?? 0) <= 0) return this.close();
    this.#controller.enqueue(encoder.encode(text));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#controller.close();
    this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    this.#onClosed();
  }
}
