import type { Answer } from "../answer.ts";
import type { Fault } from "../faults.ts";
import { hashText } from "../random.ts";
import { loneCommentThing } from "./comment-body.ts";
import { commentAt, commentCount } from "./comments.ts";
import { pageOf, pageSize } from "./listings.ts";
import { errorAnswer, jsonAnswer, redirectAnswer } from "./pages.ts";
import { postThing } from "./post-body.ts";
import { isVisible } from "./post-numbers.ts";
import { postAt } from "./posts.ts";
import { subredditThing } from "./subreddits.ts";
import { type Place, type World, commentById, placeById, placeByName, postById } from "./world.ts";

/** One request to one endpoint. */
export interface Call {
  world: World;
  at: number;
  /** Decoded parts of the path that the route names, in order; `""` for those that are left out. */
  params: string[];
  /** Path and query, as it came. */
  url: string;
  /** Of the address, or of the form for a POST. */
  query: URLSearchParams;
  fault: Fault | null;
  /** Absolute, for redirects. */
  base: string;
}

/** The content of a community, or the answer that says why there is none. */
export function inPlace(call: Call, kind: "about" | "listing", content: (place: Place) => Answer): Answer {
  const name = call.params[0]!;
  const place = placeByName(call.world, name);
  if (!place) {
    const isPlain = kind === "about" && hashText(call.world.seed, name.toLowerCase()) % 2 === 0;
    return isPlain
      ? errorAnswer(404)
      : redirectAnswer(`${call.base}/subreddits/search?q=${encodeURIComponent(name)}`);
  }
  return closedAnswer(place) ?? content(place);
}

/** Why a community does not answer; `null` when it does. */
export function closedAnswer(place: Place): Answer | null {
  const message = "This community is restricted & not for everyone.";
  switch (place.state) {
    case "ok":
      return null;
    case "banned":
      return errorAnswer(404, { reason: "banned" });
    case "quarantined":
      return errorAnswer(403, {
        reason: "quarantined",
        quarantine_message: message,
        quarantine_message_html: html(message),
      });
    case "gated":
      return errorAnswer(403, {
        reason: "gated",
        interstitial_warning_message: message,
        interstitial_warning_message_html: html(message),
      });
    default:
      return errorAnswer(403, { reason: place.state });
  }
}

/** A listing of things named by `fullnames`, in order, with the paging that the query asks for. */
export function listing(
  call: Call,
  fullnames: readonly string[],
  more: Record<string, unknown> = {},
): Answer {
  const { query, fault } = call;
  const asked = query.get("after");
  const after = asked && fault?.kind === "lost_anchor" ? "t3_deleted" : asked;
  const overlap = fault?.kind === "rerank" ? fault.overlap : 0;
  const page = pageOf(fullnames, {
    after: after || null,
    before: query.get("before") || null,
    limit: pageSize(query.get("limit")),
    overlap,
  });
  const next = fault?.kind === "repeating_after" && page.after ? asked || page.after : page.after;
  return jsonAnswer(
    200,
    envelope(
      page.items.map((name) => thing(call.world, name, call.at)).filter((text) => text !== null),
      next,
      more,
    ),
  );
}

export function envelope(
  things: readonly string[],
  after: string | null,
  more: Record<string, unknown> = {},
): string {
  const extra = JSON.stringify({ after, dist: things.length, modhash: null, geo_filter: "", ...more }).slice(
    0,
    -1,
  );
  return `{"kind":"Listing","data":${extra},"children":[${things.join(",")}],"before":null}}`;
}

/** A post, community or comment by its fullname, as JSON text; `null` where there is none to see. */
export function thing(world: World, fullname: string, at: number): string | null {
  const [kind, id] = [fullname.slice(0, 3), fullname.slice(3)];
  switch (kind) {
    case "t5_": {
      const place = placeById(world, id);
      return place?.state === "ok" ? subredditThing(world, place, at) : null;
    }
    case "t3_": {
      const found = postById(world, id);
      return found && isVisible(world, found, at)
        ? postThing(world, postAt(world, found.place, found.ordinal, at))
        : null;
    }
    case "t1_": {
      const found = commentById(world, id);
      if (!found || !isVisible(world, found, at)) return null;
      const { place, ordinal, comment } = found;
      if (comment >= commentCount(world, place, ordinal, at)) return null;
      return loneCommentThing(
        commentAt(world, place, ordinal, comment, at),
        postAt(world, place, ordinal, at),
      );
    }
    default:
      return null;
  }
}

function html(text: string): string {
  return `<!-- SC_OFF --><div class="md"><p>${text}</p>\n</div><!-- SC_ON -->`;
}
