import { describe, expect, it } from "vitest";
import { distinctNames, isAggregate, toSubredditName, toUsername } from "../../../actors/reddit/names.ts";

/** Text → the subreddit that it names. */
const SUBREDDITS = {
  node: "node",
  " r/node ": "node",
  "/r/AskReddit/": "AskReddit",
  nl: "nl",
  x: "x",
  "some-name": "some-name",
  "reddit.com": "reddit.com",
  "r/reddit.com": "reddit.com",
  "t:1337": "t:1337",
  "r/t:1337": "t:1337",
  u_spez: "u_spez",
  "u_some-one_of_20_signs": "u_some-one_of_20_signs",
  "u_old name!": "u_old name!",
  "/user/spez": "u_spez",
  "u/spez": "u_spez",
  "https://www.reddit.com/r/node/top/?t=all": "node",
  "HTTPS://WWW.REDDIT.COM/R/Node": "Node",
  "//www.reddit.com/r/node": "node",
  "reddit.com/r/node": "node",
  "www.reddit.com:443/r/node": "node",
  "www.reddit.com./r/node": "node",
  "old.reddit.com/r/node#x": "node",
  "https://np.reddit.com/r/node/": "node",
  "https://new.reddit.com/r/node/hot/": "node",
  "https://sh.reddit.com/r/node/?rdt=1": "node",
  "https://m.reddit.com/r/node": "node",
  "https://i.reddit.com/r/node": "node",
  "https://amp.reddit.com/r/node": "node",
  "https://de.reddit.com//r//node": "node",
  "https://www.reddit.com/r/node/comments/abc/some_title/def/?context=3": "node",
  "https://www.reddit.com/r/node/wiki/index": "node",
  "https://www.reddit.com/r/node.json?limit=1": "node",
  "https://www.reddit.com/r/reddit.com/.rss": "reddit.com",
  "https://www.reddit.com/r/%6eode": "node",
  "https://www.reddit.com/r/t%3A1337/": "t:1337",
  "https://www.reddit.com/user/spez/submitted": "u_spez",
  "\u200er/node\u200b": "node",
  "\ufeffnode\r\n": "node",
  "ｒ／ｎｏｄｅ": "node",
  "https：／／www．reddit．com／r／node": "node",
};

const NO_SUBREDDITS = [
  "",
  " ",
  ".",
  "..",
  "node.",
  "no such name!!",
  "two words",
  "a/b",
  "r/",
  "/r/",
  "r/..",
  "r/../node",
  "r/%2e%2e",
  "https://www.reddit.com/r/x/../node",
  "https://www.reddit.com/r/x/%2E./node",
  "r/a%2Fb",
  "r/%zz",
  "r\\node",
  "node?sort=new",
  "node#top",
  "no\u0000de",
  "r/no\nde",
  "@node",
  "a,b",
  "a+b",
  "r/a+b",
  "r/a%2Bb",
  "x".repeat(51),
  "r/é",
  "r/node/s/AbCdEf123",
  "https://www.reddit.com/r/node/s/AbCdEf123?share_id=x",
  "https://redd.it/abc123",
  "redd.it/abc123",
  "https://v.redd.it/abc123",
  "https://www.reddit.com",
  "https://www.reddit.com/",
  "www.reddit.com",
  "https://www.reddit.com/comments/abc",
  "https://www.reddit.com/gallery/abc",
  "https://www.reddit.com/search?q=r/node",
  "/user/spez/m/list",
  "https://www.reddit.com/user/spez/m/list/",
  "https://www.reddit.com/u/spez/s/AbC",
  "/me/m/list",
  "https://example.com/r/node",
  "evil.com/r/node",
  "https://reddit.com.evil.com/r/node",
  "https://evilreddit.com/r/node",
  "https://reddit.com@evil.com/r/node",
  "https://me:secret@www.reddit.com/r/node",
  "https://www.reddit.com\\@evil.com/r/node",
  "ftp://www.reddit.com/r/node",
  "javascript://www.reddit.com/r/node",
];

/** Text → the user whom it names. */
const USERS = {
  spez: "spez",
  "u/spez": "spez",
  "/u/spez/": "spez",
  "U/Spez": "Spez",
  "@spez": "spez",
  "＠spez": "spez",
  "user/spez": "spez",
  "r/u_spez": "spez",
  "https://www.reddit.com/r/u_spez/comments/abc/x/": "spez",
  "https://www.reddit.com/user/a-b_c/submitted/": "a-b_c",
  "https://old.reddit.com/u/spez/overview.json?sort=new": "spez",
  "https://www.reddit.com/user/spez.json": "spez",
  "https://np.reddit.com/user/spez/comments/abc/x": "spez",
  "reddit.com/user/old%20name%21/about": "old name!",
  "https://www.reddit.com/user/old name!/": "old name!",
  a: "a",
  ab: "ab",
  "-": "-",
  "old name!": "old name!",
  "old%20name!": "old name!",
  "old.name": "old.name",
  "u/old.name": "old.name",
  "name.": "name.",
  "*": "*",
  "***": "***",
  $cash$: "$cash$",
  "o'brien": "o'brien",
  "100%": "100%",
  "AT&T": "AT&T",
  "a+b": "a+b",
  ["x".repeat(50)]: "x".repeat(50),
};

const NO_USERS = [
  "",
  ".",
  "..",
  "u/..",
  "/u/",
  "r/node",
  "[deleted]",
  "[removed]",
  "%5Bdeleted%5D",
  "a/b",
  "a\\b",
  "a\tb",
  "a\u0000b",
  "spez?sort=new",
  "a&sort=new",
  "spez#x",
  "a%2fb",
  "x".repeat(51),
  "spéz",
  "u/me",
  "/user/spez/m/list",
  "https://www.reddit.com/user/spez/m/list",
  "https://www.reddit.com/user/spez/s/AbC",
  "https://redd.it/abc",
  "https://example.com/user/spez",
  "evil.com/u/spez",
  "https://www.instagram.com/spez/",
  "old.reddit.com",
];

describe("toSubredditName", () => {
  it.each(Object.entries(SUBREDDITS))("%j is %s", (text, name) => {
    expect(toSubredditName(text)).toBe(name);
  });

  it.each(NO_SUBREDDITS)("%j is none", (text) => {
    expect(toSubredditName(text)).toBeNull();
  });
});

describe("toUsername", () => {
  it.each(Object.entries(USERS))("%j is %s", (text, name) => {
    expect(toUsername(text)).toBe(name);
  });

  it.each(NO_USERS)("%j is none", (text) => {
    expect(toUsername(text)).toBeNull();
  });
});

it("a name that was read is read as the same again", () => {
  const read = [...Object.values(USERS), ...Object.values(SUBREDDITS)];
  expect(Object.values(USERS).map(toUsername)).toEqual(Object.values(USERS));
  expect(Object.values(SUBREDDITS).map(toSubredditName)).toEqual(Object.values(SUBREDDITS));
  expect(read).not.toContain(null);
});

it("the first spelling of a name stays, in its place", () => {
  expect(distinctNames(["Node", "b", "node", "NODE"])).toEqual(["Node", "b"]);
});

it("all and popular are no subreddits", () => {
  expect(["All", "popular", "allofit"].map(isAggregate)).toEqual([true, true, false]);
});
