import { type Draw, between, pick } from "../random.ts";
import { postText } from "./texts.ts";

export type PostForm = "text" | "image" | "gallery" | "video" | "link" | "poll" | "crosspost";

/** One picture or film of a post. */
export interface Medium {
  /** As in `https://i.redd.it/{id}.jpg`. */
  id: string;
  type: "image" | "gif" | "video";
  /** Of the thing itself; empty for what failed to process. */
  url: string;
  width: number;
  height: number;
  durationSecs: number | null;
  failed: boolean;
}

export interface Poll {
  options: { id: string; text: string; votes: number }[];
  endsAtUtc: number;
}

export interface PostContent {
  form: PostForm;
  url: string;
  domain: string;
  selftext: string;
  media: Medium[];
  poll: Poll | null;
}

export function drawForm(draw: Draw): PostForm {
  const u = draw();
  if (u < 0.4) return "text";
  if (u < 0.65) return "image";
  if (u < 0.75) return "gallery";
  if (u < 0.83) return "video";
  if (u < 0.92) return "link";
  return u < 0.95 ? "poll" : "crosspost";
}

/** @param permalink absolute: the url of a post that links nowhere else */
export function postContent(
  draw: Draw,
  form: Exclude<PostForm, "crosspost">,
  { id, place, permalink, createdUtc }: { id: string; place: string; permalink: string; createdUtc: number },
): PostContent {
  const plain = { form, selftext: "", media: [], poll: null };
  switch (form) {
    case "text":
      return { ...plain, url: permalink, domain: `self.${place}`, selftext: postText(draw) };
    case "poll":
      return {
        ...plain,
        url: permalink,
        domain: `self.${place}`,
        selftext: postText(draw),
        poll: poll(draw, createdUtc),
      };
    case "image":
      return { ...plain, ...image(draw) };
    case "gallery":
      return {
        ...plain,
        url: `https://www.reddit.com/gallery/${id}`,
        domain: "reddit.com",
        selftext: draw() < 0.3 ? postText(draw) : "",
        media: Array.from({ length: between(draw, 2, 7) }, () => galleryMedium(draw)),
      };
    case "video":
      return { ...plain, ...video(draw) };
    case "link": {
      const domain = pick(draw, LINK_DOMAINS);
      return { ...plain, domain, url: `https://${domain}/watch?v=${mediaId(draw)}&ref=rd` };
    }
  }
}

const LINK_DOMAINS = [
  "youtube.com",
  "example.com",
  "news.example.org",
  "blog.example.net",
  "en.wikipedia.org",
];

function image(draw: Draw): Pick<PostContent, "url" | "domain" | "media"> {
  const domain = draw() < 0.8 ? "i.redd.it" : "i.imgur.com";
  const type = draw() < 0.1 ? "gif" : "image";
  const id = mediaId(draw);
  const url = `https://${domain}/${id}.${type === "gif" ? "gif" : "jpg"}`;
  return { url, domain, media: [{ id, type, url, ...size(draw), durationSecs: null, failed: false }] };
}

function video(draw: Draw): Pick<PostContent, "url" | "domain" | "media"> {
  const id = mediaId(draw);
  const height = pick(draw, [480, 720, 1080]);
  const width = pick(draw, [480, 854, 1080, 1920]);
  const url = `https://v.redd.it/${id}`;
  const fallback = `${url}/DASH_${height}.mp4?source=fallback`;
  return {
    url,
    domain: "v.redd.it",
    media: [
      { id, type: "video", url: fallback, width, height, durationSecs: between(draw, 3, 600), failed: false },
    ],
  };
}

function galleryMedium(draw: Draw): Medium {
  const id = mediaId(draw);
  const { width, height } = size(draw);
  const type = draw() < 0.1 ? "gif" : "image";
  const failed = draw() < 0.06;
  const signature = mediaId(draw);
  const still = `https://preview.redd.it/${id}.jpg?width=${width}&format=pjpg&auto=webp&s=${signature}`;
  const url = type === "gif" ? `https://i.redd.it/${id}.gif` : still;
  return { id, type, url: failed ? "" : url, width, height, durationSecs: null, failed };
}

function poll(draw: Draw, createdUtc: number): Poll {
  const options = Array.from({ length: between(draw, 2, 6) }, (_, i) => ({
    id: String(between(draw, 1e6, 9e6)),
    text: `Option ${i + 1}: yes & no`,
    votes: between(draw, 0, 500),
  }));
  return { options, endsAtUtc: createdUtc + between(draw, 1, 7) * 86_400 };
}

function size(draw: Draw): { width: number; height: number } {
  return { width: between(draw, 320, 4032), height: between(draw, 320, 4032) };
}

/** 13 characters, as Reddit's. */
function mediaId(draw: Draw): string {
  const part = (length: number): string =>
    Math.floor(draw() * 36 ** length)
      .toString(36)
      .padStart(length, "0");
  return part(6) + part(7);
}
