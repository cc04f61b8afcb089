import { hashText } from "../random.ts";
import type { InstagramWorld } from "./world.ts";

/** Pictures and videos live under this prefix of the sandbox's port. */
export const CDN_PREFIX = "/cdn";

/** Signed as the real ones are; who signs is the address itself, so that they never change. */
export function mediaUrl(world: InstagramWorld, path: string): string {
  const signature = hashText(world.seed, path).toString(16);
  return `${world.baseUrl}${CDN_PREFIX}${path}?stp=dst-jpg_e35&_nc_ht=scontent.cdninstagram.com&_nc_cat=103&oh=00_${signature}&oe=68E0F5B5`;
}
