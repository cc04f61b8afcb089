import { asciiJson } from "../ascii-json.ts";
import type { Comment } from "./comments.ts";
import type { Post } from "./posts.ts";
import { divOf } from "./texts.ts";

/** What a tree hides: siblings below one parent, or, with count 0, everything beyond the greatest depth. */
export interface More {
  /** Hidden comments, with all that is below them. */
  count: number;
  parentName: string;
  /** Ids of the hidden siblings; none when the thread goes on elsewhere. */
  children: string[];
  depth: number;
}

/** The keys that a reader without an account always sees with the same value. */
const FIXED = JSON.stringify({
  approved_at_utc: null,
  author_is_blocked: false,
  comment_type: null,
  awarders: [],
  mod_reason_by: null,
  banned_by: null,
  total_awards_received: 0,
  likes: null,
  user_reports: [],
  saved: false,
  banned_at_utc: null,
  mod_reason_title: null,
  gilded: 0,
  archived: false,
  collapsed_reason_code: null,
  no_follow: true,
  can_mod_post: false,
  send_replies: true,
  removal_reason: null,
  approved_by: null,
  mod_note: null,
  all_awardings: [],
  top_awarded_type: null,
  downs: 0,
  author_flair_css_class: null,
  author_flair_text: null,
  author_flair_text_color: null,
  author_flair_background_color: null,
  author_flair_template_id: null,
  gildings: {},
  associated_award: null,
  can_gild: false,
  unrepliable_reason: null,
  score_hidden: false,
  locked: false,
  report_reasons: null,
  treatment_tags: [],
  collapsed_because_crowd_control: null,
  collapsed_reason: null,
  mod_reports: [],
  num_reports: null,
}).slice(1, -1);

/** A `t1` thing as JSON text. @param replies JSON text of a listing, or `""` in quotes, as Reddit has it for none */
export function commentThing(
  comment: Comment,
  post: Post,
  replies: string,
  more: Record<string, unknown> = {},
): string {
  const { author, place } = comment;
  const data = {
    id: comment.id,
    name: `t1_${comment.id}`,
    link_id: `t3_${post.id}`,
    parent_id: comment.parentName,
    subreddit: place.name,
    subreddit_id: `t5_${place.id}`,
    subreddit_type: "public",
    subreddit_name_prefixed: `r/${place.name}`,
    author: author?.name ?? "[deleted]",
    ...(author && {
      author_fullname: `t2_${author.id}`,
      author_premium: false,
      author_patreon_flair: false,
      author_flair_type: "text",
      author_flair_richtext: [],
    }),
    body: comment.body,
    body_html: divOf(comment.body),
    score: comment.score,
    ups: comment.score,
    created: comment.createdUtc,
    created_utc: comment.createdUtc,
    edited: comment.edited,
    depth: comment.depth,
    is_submitter: comment.isSubmitter,
    distinguished: comment.distinguished,
    stickied: comment.stickied,
    collapsed: comment.score < -4,
    controversiality: comment.controversiality,
    permalink: `${post.permalink}${comment.id}/`,
    ...more,
  };
  return `{"kind":"t1","data":{${FIXED},"replies":${replies},${asciiJson(data).slice(1)}}`;
}

/** A `t1` thing as the listings of a user and `/api/info` have it. */
export function loneCommentThing(comment: Comment, post: Post): string {
  return commentThing(comment, post, `""`, {
    link_title: post.title,
    link_author: post.author?.name ?? "[deleted]",
    link_permalink: `https://www.reddit.com${post.permalink}`,
    link_url: post.url,
    num_comments: post.numComments,
    over_18: post.over18,
    quarantine: false,
  });
}

export function moreThing({ count, parentName, children, depth }: More): string {
  const id = children[0] ?? "_";
  return JSON.stringify({
    kind: "more",
    data: { count, name: `t1_${id}`, id, parent_id: parentName, depth, children },
  });
}
