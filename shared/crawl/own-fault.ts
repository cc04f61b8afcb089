/**
 * A request that cannot be made as it stands, for a fault of this program or of its settings: it says nothing about the
 * target, and nothing was sent.
 */
export class OwnFaultError extends Error {
  override name = "OwnFaultError";
}
