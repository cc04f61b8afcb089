import type { Answer } from "../answer.ts";
import { asciiJson } from "../ascii-json.ts";
import { type Call, listing } from "./endpoint.ts";
import { errorAnswer, jsonAnswer } from "./pages.ts";
import { USER_SORTS, type UserListing, type UserSort, writtenFullnames } from "./user-listings.ts";
import { type Account, accountAt, accountSummary, accountThing } from "./users.ts";
import { userById, userByName } from "./world.ts";

const MAX_IDS = 100;

/** `GET /user/{name}/about`: the same 404 for names that never were, deleted accounts and shadowbanned ones. */
export function userAbout(call: Call): Answer {
  const account = accountOf(call);
  return account ? jsonAnswer(200, accountThing(account)) : errorAnswer(404);
}

/** `GET /user/{name}/{submitted|comments|overview}`: empty, not refused, for those who hide it. */
export function userListing(call: Call): Answer {
  const account = accountOf(call);
  if (!account) return errorAnswer(404);
  if (account.state === "suspended") return errorAnswer(account.index % 2 ? 403 : 404);
  if (account.hidesHistory) return listing(call, []);
  const sort = USER_SORTS.find((known) => known === call.query.get("sort")) ?? ("new" satisfies UserSort);
  const which = (call.params[1] || "overview") as UserListing;
  return listing(
    call,
    writtenFullnames(call.world, account.index, which, { sort, t: call.query.get("t"), at: call.at }),
  );
}

/** `GET /api/user_data_by_account_ids`: those of up to 100 accounts that exist; 404 when none does. */
export function userData(call: Call): Answer {
  const ids = (call.query.get("ids") ?? "").split(",").filter(Boolean);
  if (ids.length > MAX_IDS) return errorAnswer(400);
  const accounts = ids.flatMap(
    (id) => knownAccount(call, userById(call.world, id.replace(/^t2_/, ""))) ?? [],
  );
  if (accounts.length === 0) return errorAnswer(404);
  return jsonAnswer(
    200,
    asciiJson(Object.fromEntries(accounts.map((account) => [`t2_${account.id}`, accountSummary(account)]))),
  );
}

function accountOf(call: Call): Account | null {
  return knownAccount(call, userByName(call.world, call.params[0]!));
}

/** `null` for accounts that the site denies. */
function knownAccount({ world, at }: Call, user: number | null): Account | null {
  const account = user === null ? null : accountAt(world, user, at);
  return account && (account.state === "ok" || account.state === "suspended") ? account : null;
}
