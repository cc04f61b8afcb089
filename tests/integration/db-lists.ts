/** What dashboards ask (api.md), as SQL: a first page each, and the page after it where the order is by keyset. */
export const LISTS: Record<string, string> = {
  "subreddits by subscribers":
    "select id from reddit_subreddits order by subscribers desc nulls last, id limit 50",
  "the page after: the rest of its value": `select id from reddit_subreddits where subscribers = 1000 and id > 5
    order by subscribers desc nulls last, id limit 50`,
  "the page after: what is less": `select id from reddit_subreddits where subscribers < 1000
    order by subscribers desc nulls last, id limit 50`,
  "the page after: what has no value": `select id from reddit_subreddits where subscribers is null and id > 5
    order by subscribers desc nulls last, id limit 50`,
  "subreddits by score":
    "select id from reddit_subreddits order by subreddit_score desc nulls last, id limit 50",
  "subreddits by engagement":
    "select id from reddit_subreddits order by engagement desc nulls last, id limit 50",
  "subreddits by upvotes":
    "select id from reddit_subreddits order by avg_upvotes_per_post desc nulls last, id limit 50",
  "subreddits by growth": "select id from reddit_subreddits order by growth_7d desc nulls last, id limit 50",
  "subreddits by freshness":
    "select id from reddit_subreddits order by last_scraped_at desc nulls last, id limit 50",
  "subreddits by review and subscribers": `select id from reddit_subreddits where review = 'Ok'
    order by subscribers desc nulls last, id limit 50`,
  "subreddits by review and score": `select id from reddit_subreddits where review = 'Ok'
    order by subreddit_score desc nulls last, id limit 50`,
  "subreddits by review and engagement": `select id from reddit_subreddits where review = 'No Seller'
    order by engagement desc nulls last, id limit 50`,
  "subreddits of a category": `select id from reddit_subreddits where primary_category = 'amber'
    order by subscribers desc nulls last, id limit 50`,
  "counts by review": "select review, count(*) from reddit_subreddits group by review",
  "added today": "select count(*) from reddit_subreddits where first_seen_at > now() - interval '1 day'",
  "a subreddit by name": "select * from reddit_subreddits where lower(name) = 'amber_basil_1'",
  "users by karma": "select id from reddit_users order by total_karma desc nulls last, id limit 50",
  "users by age": "select id from reddit_users order by created_utc desc nulls last, id limit 50",
  "users by karma a day": "select id from reddit_users order by karma_per_day desc nulls last, id limit 50",
  "users by freshness": "select id from reddit_users order by last_scraped_at desc nulls last, id limit 50",
  "our creators": "select id from reddit_users where our_creator order by id limit 50",
  "a user by name": "select * from reddit_users where lower(username) = 'amber-32'",
  "posts by date":
    "select reddit_id from reddit_posts order by created_utc desc nulls last, reddit_id limit 50",
  "posts by score": "select reddit_id from reddit_posts order by score desc nulls last, reddit_id limit 50",
  "posts of a subreddit by date": `select reddit_id from reddit_posts where lower(subreddit_name) = 'basil_delta_1'
    order by created_utc desc nulls last, reddit_id limit 50`,
  "posts of a subreddit by score": `select reddit_id from reddit_posts where lower(subreddit_name) = 'basil_delta_1'
    order by score desc nulls last, reddit_id limit 50`,
  "posts of an author": `select reddit_id from reddit_posts where lower(author_username) = 'basil-1'
    order by created_utc desc nulls last, reddit_id limit 50`,
  "logs of a source": "select id from system_logs where source = 'reddit' order by at desc, id desc limit 50",
  "logs of a run": "select id from system_logs where run_id = 'r' order by at desc, id desc limit 50",
  "logs of a level": "select id from system_logs where level = 'error' order by at desc, id desc limit 50",
  "newest calls": "select id from api_usage order by at desc, id desc limit 50",
  "failed items": "select id from failed_items order by at desc, id desc limit 50",
  runs: "select id from runs order by created_at desc, id limit 50",
};

/** Those that find first and sort then: few rows are left to sort. */
export const SEARCHES: Record<string, string> = {
  "subreddits not reviewed": `select id from reddit_subreddits where review is null
    order by subscribers desc nulls last, id limit 50`,
  "subreddits by part of a name": `select id from reddit_subreddits where lower(name) like '%zephyr_12%'
    order by subscribers desc nulls last, id limit 50`,
  "subreddits by tag": `select id from reddit_subreddits where tags @> '{theme:amber,style:delta}'
    order by subscribers desc nulls last, id limit 50`,
  "users by part of a name": `select id from reddit_users where lower(username) like '%velvet-309%'
    order by total_karma desc nulls last, id limit 50`,
  "viral posts": "select * from viral_posts(72, 3, 50)",
  suggestions: `select s.id, top.* from (
      select id, name from reddit_subreddits where review = 'Ok' and tags && '{theme:amber}' and not over18
      order by subscribers desc nulls last, id limit 20) s
    cross join lateral (
      select reddit_id, score from reddit_posts p where lower(p.subreddit_name) = lower(s.name)
        and p.created_utc > now() - interval '7 days' order by score desc limit 10) top`,
  "cost by day": `select (at at time zone 'utc')::date as day, sum(cost_usd) from api_usage
    where provider = 'reddit' and at > now() - interval '30 days' group by 1`,
  freshness: `select count(*) filter (where last_scraped_at > now() - interval '1 day')::real / count(*)
    from reddit_subreddits`,
  "due subreddits": "select due_subreddits(100, 'r')",
  "due users": "select due_users(100, 'r')",
  "posts to re-check": "select recheck_posts(1000, 'r')",
};
