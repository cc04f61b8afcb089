import { z } from "zod";

/** An address for fetching, posting to, and the like. */
export const httpUrl = urlThat(() => null);

/**
 * An address that those of requests begin with. Clients take no credentials from it, and what stands behind the path
 * would end up in the midst of the address that is put together.
 */
export const siteUrl = urlThat(({ username, password, search, hash }) =>
  username + password + search + hash === "" ? null : "an http(s) URL without user, password, ? and #",
);

/** As browsers send it in `Origin`. */
export const originUrl = urlThat(({ username, password, pathname, search, hash }) =>
  username + password + pathname + search + hash === "/"
    ? null
    : "an origin, as https://host or https://host:port",
).transform((text) => new URL(text).origin);

/** A proxy that connections can be made through: nothing of a password is taken for host or path, all of it can be sent. */
export const proxyUrl = urlThat(({ username, password, port, pathname, search, hash }) => {
  if (pathname + search + hash !== "/")
    return "an http(s) URL without a path; in user and password / is %2F, ? is %3F, # is %23";
  if (!isDecodable(username) || !isDecodable(password))
    return "an http(s) URL with user and password percent-encoded; % is %25";
  return port === "0" ? "an http(s) URL with a port from 1 to 65535" : null;
});

/** What an HTTP header can carry, and every server reads alike. */
export const headerText = z
  .string()
  .regex(/^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/, "printable ASCII characters, as a header has");

/** @param mistake what would be right, where a URL cannot be used */
function urlThat(mistake: (url: URL) => string | null) {
  return z
    .string()
    .trim()
    .superRefine((text, context) => {
      const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
      const message = url ? mistake(url) : "an http(s) URL";
      if (message !== null) context.addIssue({ code: "custom", message });
    });
}

function isDecodable(part: string): boolean {
  try {
    // Control characters would end the header.
    return !/\p{Cc}/u.test(decodeURIComponent(part));
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}
