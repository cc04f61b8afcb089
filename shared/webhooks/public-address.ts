import ipaddr from "ipaddr.js";

/**
 * True for an address of the public internet: not a private, loopback, link-local, shared or reserved one, nor one of
 * IPv6 that stands for such an IPv4 address or is translated to one.
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.process(address).range() === "unicast";
}
