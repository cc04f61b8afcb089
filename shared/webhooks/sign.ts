import { createHmac } from "node:crypto";

/**
 * Proves to a receiver who has sent `body`, and when: `t=<unix seconds>,v1=<hex>`, where hex is the HMAC-SHA256 of
 * `<t>.<body>` under the shared secret. A receiver refuses what is older than some minutes, for it may be a replay.
 */
export function sign(body: string, secret: string, now: Date): string {
  const time = Math.floor(now.getTime() / 1000);
  return `t=${time},v1=${createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")}`;
}
