import { redact } from "../redact.ts";
import { BadEncodingError, BodyTooLargeError } from "./body-encoding.ts";
import { ProxyError } from "./proxy-agents.ts";

/** No answer, or none that could be read. */
export interface TransportFailure {
  failure:
    | "timeout"
    | "reset"
    | "refused"
    | "unreachable"
    | "dns"
    | "tls"
    /** The proxy: not reached, refused us, or cut the connection before an answer. */
    | "proxy"
    /** The body exceeds the cap. */
    | "tooLarge"
    /** The body is not what `content-encoding` says. */
    | "badEncoding"
    /** Not HTTP. */
    | "protocol"
    /** By the request's own signal. */
    | "aborted";
  /** Without secrets. */
  message: string;
  viaProxy: boolean;
  /** Of an answer whose body could not be read; `null` when none came. */
  status: number | null;
  /** No connection came about: nothing was asked, and nothing is known of the site. */
  isCutOff?: true;
}

/** One phase of an exchange took too long. */
export class PhaseTimeoutError extends Error {
  readonly phase: "connect" | "headers" | "body";
  constructor(phase: PhaseTimeoutError["phase"], limitMs: number) {
    super(
      `${{ connect: "no connection", headers: "no answer", body: "body not complete" }[phase]} within ${limitMs} ms`,
    );
    this.phase = phase;
  }
}

/**
 * What `error` says about the network, the site or the proxy.
 *
 * @param status of the answer that had begun; `null` when none had
 * @throws the error itself when it says nothing of that kind: the request could not be sent as it is
 */
export function toTransportFailure(
  error: Error,
  { url, proxyUrl }: { url: string; proxyUrl: string | null },
  status: number | null,
): TransportFailure {
  const failure = failureOf(error);
  if (failure === null) throw error;
  const viaProxy = proxyUrl !== null;
  // Until an answer begins, the other end of a connection for an http target is the proxy itself: one whose own
  // way is blocked answers 502 or 504.
  const isCutByProxy = failure === "reset" && url.startsWith("http:") && status === null;
  const isConnectTimeout = error instanceof PhaseTimeoutError && error.phase === "connect";
  if (viaProxy && (isCutByProxy || isConnectTimeout)) {
    const message = redact(`proxy ${new URL(proxyUrl).host}: ${error.message}`);
    return { failure: "proxy", message, viaProxy, status, ...(isConnectTimeout && { isCutOff: true }) };
  }
  // A 407 is the proxy's answer, which has a status.
  const isCutOff = failure === "proxy" || (status === null && (CUT_OFF.has(failure) || isConnectTimeout));
  return { failure, message: redact(error.message), viaProxy, status, ...(isCutOff && { isCutOff }) };
}

/** What happens before a request leaves. */
const CUT_OFF = new Set<TransportFailure["failure"]>(["refused", "unreachable", "dns", "tls"]);

const FAILURE_BY_CODE = new Map<string, TransportFailure["failure"]>([
  ["ERR_ABORTED", "aborted"],
  ["ECONNRESET", "reset"],
  ["ECONNABORTED", "reset"],
  ["EPIPE", "reset"],
  ["ERR_STREAM_PREMATURE_CLOSE", "reset"],
  ["ECONNREFUSED", "refused"],
  ["ETIMEDOUT", "timeout"],
  ["ENOTFOUND", "dns"],
  ["EPROTO", "tls"],
]);

function failureOf(error: Error): TransportFailure["failure"] | null {
  if (error instanceof ProxyError) return "proxy";
  if (error instanceof PhaseTimeoutError) return "timeout";
  if (error instanceof BodyTooLargeError) return "tooLarge";
  if (error instanceof BadEncodingError) return "badEncoding";
  const { code = "" } = error as NodeJS.ErrnoException;
  const known = FAILURE_BY_CODE.get(code);
  if (known) return known;
  if (code.startsWith("EAI_")) return "dns";
  if (code.startsWith("HPE_")) return "protocol";
  // OpenSSL's verification errors and Node's own.
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_)/.test(code)) return "tls";
  return /^E[A-Z]+$/.test(code) ? "unreachable" : null;
}
