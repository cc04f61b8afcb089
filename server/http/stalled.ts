import type { Server } from "node:http";
import type { Socket } from "node:net";

/** How far a client has got with what was written to it. */
interface Progress {
  takenBytes: number;
  sinceMs: number;
}

/**
 * Closes the connections of clients that have taken nothing for `stallMs` of what waits for them: answers in the middle
 * would be held for ever. One that nothing waits for may be silent.
 * @returns what stops it
 */
export function closeStalled(server: Pick<Server, "on" | "off">, stallMs: number): () => void {
  const sockets = new Map<Socket, Progress>();
  const onConnection = (socket: Socket) => {
    sockets.set(socket, { takenBytes: 0, sinceMs: performance.now() });
    socket.once("close", () => sockets.delete(socket));
  };
  const check = () => {
    const nowMs = performance.now();
    for (const [socket, progress] of sockets) {
      const takenBytes = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || takenBytes !== progress.takenBytes) {
        progress.takenBytes = takenBytes;
        progress.sinceMs = nowMs;
      } else if (nowMs - progress.sinceMs >= stallMs) socket.destroy();
    }
  };
  const timer = setInterval(check, Math.min(5_000, stallMs / 4)).unref();
  // Over TLS the second one has what is written.
  const events = ["connection", "secureConnection"] as const;
  for (const event of events) server.on(event, onConnection);
  return () => {
    clearInterval(timer);
    for (const event of events) server.off(event, onConnection);
  };
}
