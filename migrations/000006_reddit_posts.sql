-- Items into Reddit's tables. What an item does not carry leaves its column alone; the newest observation of each
-- group of fields wins; columns of people are not among those that are written. Each function takes items with
-- distinct keys. First one statement writes what is new and locks what is there, in the order of the keys; a second
-- one, which sees the rows as they are by then, brings those up to date. They are planned anew each time, because a
-- session would keep the plan that it made when the tables were small.

insert into dataset_kinds (dataset, merge, upsert) values
  ('reddit_subreddits', 'merge', 'upsert_reddit_subreddits'),
  ('reddit_posts', 'first', 'upsert_reddit_posts'),
  ('reddit_comments', 'first', null),
  ('reddit_users', 'merge', 'upsert_reddit_users'),
  ('reddit_discoveries', 'first', 'upsert_reddit_discoveries'),
  ('failed_requests', 'newest', null);

-- When an item was seen. A worker's clock that runs ahead must not keep later observations out.
create function observed_at(item jsonb) returns timestamptz language sql stable
  return least((item->>'observed_at')::timestamptz, now());

-- A young post's numbers move; an old one is looked at again to see whether it is still there.
create function post_due_at(created_utc timestamptz, observed_at timestamptz) returns timestamptz language sql stable
  return observed_at + case
    when observed_at < created_utc + interval '1 day' then interval '6 hours'
    when observed_at < created_utc + interval '7 days' then interval '1 day'
    else interval '30 days' end;

create function upsert_reddit_posts(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  rows reddit_posts[] := array(
    select jsonb_populate_record(null::reddit_posts, item) from unnest(items) with ordinality as e(item, n) order by n);
  new_ids text[];
  deleted_ids text[];
begin
  with inserted as (
    insert into reddit_posts as t (
      reddit_id, title, selftext, url, domain, author_username, author_fullname, subreddit_name, created_utc, score,
      num_comments, upvote_ratio, over_18, spoiler, stickied, locked, is_self, is_video, is_original_content, archived,
      edited_at, content_type, link_flair_text, link_flair_template_id, link_flair_colors, author_flair_text,
      thumbnail, distinguished, removed_by_category, gilded, total_awards_received, permalink, is_crosspost,
      crosspost_parent, num_crossposts, subreddit_subscribers, media, poll, post_length, posting_day_of_week,
      posting_hour, comment_to_upvote_ratio, last_scraped_at, next_due_at, last_run_id)
    select
      r.reddit_id, r.title, r.selftext, r.url, r.domain, r.author_username, r.author_fullname, r.subreddit_name,
      r.created_utc, r.score, r.num_comments, r.upvote_ratio, r.over_18, r.spoiler, r.stickied, r.locked, r.is_self,
      r.is_video, r.is_original_content, r.archived, r.edited_at, r.content_type, r.link_flair_text,
      r.link_flair_template_id, r.link_flair_colors, r.author_flair_text, r.thumbnail, r.distinguished,
      r.removed_by_category, r.gilded, r.total_awards_received, r.permalink, r.is_crosspost, r.crosspost_parent,
      r.num_crossposts, r.subreddit_subscribers, r.media, r.poll, r.post_length, r.posting_day_of_week,
      r.posting_hour, r.comment_to_upvote_ratio, o.at, post_due_at(r.created_utc, o.at),
      upsert_reddit_posts.run_id
    from unnest(rows, items) as r
    cross join lateral (select observed_at(r.unnest) as at) o
    order by r.reddit_id
    on conflict (reddit_id) do update set reddit_id = t.reddit_id where false
    returning t.reddit_id, t.last_scraped_at, t.score, t.num_comments, t.upvote_ratio
  ), history as (
    insert into reddit_posts_history (reddit_id, observed_at, score, num_comments, upvote_ratio)
    select reddit_id, last_scraped_at, score, num_comments, upvote_ratio from inserted
    where num_nonnulls(score, num_comments) > 0
  )
  select coalesce(array_agg(reddit_id), '{}') into new_ids from inserted;

  if cardinality(new_ids) < cardinality(items) then
    with updated as (
      update reddit_posts t set
        title = case when i ? 'title' then r.title else t.title end,
        selftext = case when i ? 'selftext' then r.selftext else t.selftext end,
        url = case when i ? 'url' then r.url else t.url end,
        domain = case when i ? 'domain' then r.domain else t.domain end,
        author_username = case when i ? 'author_username' then r.author_username else t.author_username end,
        author_fullname = case when i ? 'author_fullname' then r.author_fullname else t.author_fullname end,
        subreddit_name = case when i ? 'subreddit_name' then r.subreddit_name else t.subreddit_name end,
        created_utc = case when i ? 'created_utc' then r.created_utc else t.created_utc end,
        score = case when i ? 'score' then r.score else t.score end,
        num_comments = case when i ? 'num_comments' then r.num_comments else t.num_comments end,
        upvote_ratio = case when i ? 'upvote_ratio' then r.upvote_ratio else t.upvote_ratio end,
        over_18 = case when i ? 'over_18' then r.over_18 else t.over_18 end,
        spoiler = case when i ? 'spoiler' then r.spoiler else t.spoiler end,
        stickied = case when i ? 'stickied' then r.stickied else t.stickied end,
        locked = case when i ? 'locked' then r.locked else t.locked end,
        is_self = case when i ? 'is_self' then r.is_self else t.is_self end,
        is_video = case when i ? 'is_video' then r.is_video else t.is_video end,
        is_original_content = case when i ? 'is_original_content' then r.is_original_content else t.is_original_content end,
        archived = case when i ? 'archived' then r.archived else t.archived end,
        edited_at = case when i ? 'edited_at' then r.edited_at else t.edited_at end,
        content_type = case when i ? 'content_type' then r.content_type else t.content_type end,
        link_flair_text = case when i ? 'link_flair_text' then r.link_flair_text else t.link_flair_text end,
        link_flair_template_id = case when i ? 'link_flair_template_id' then r.link_flair_template_id else t.link_flair_template_id end,
        link_flair_colors = case when i ? 'link_flair_colors' then r.link_flair_colors else t.link_flair_colors end,
        author_flair_text = case when i ? 'author_flair_text' then r.author_flair_text else t.author_flair_text end,
        thumbnail = case when i ? 'thumbnail' then r.thumbnail else t.thumbnail end,
        distinguished = case when i ? 'distinguished' then r.distinguished else t.distinguished end,
        removed_by_category = case when i ? 'removed_by_category' then r.removed_by_category else t.removed_by_category end,
        gilded = case when i ? 'gilded' then r.gilded else t.gilded end,
        total_awards_received = case when i ? 'total_awards_received' then r.total_awards_received else t.total_awards_received end,
        permalink = case when i ? 'permalink' then r.permalink else t.permalink end,
        is_crosspost = case when i ? 'is_crosspost' then r.is_crosspost else t.is_crosspost end,
        crosspost_parent = case when i ? 'crosspost_parent' then r.crosspost_parent else t.crosspost_parent end,
        num_crossposts = case when i ? 'num_crossposts' then r.num_crossposts else t.num_crossposts end,
        subreddit_subscribers = case when i ? 'subreddit_subscribers' then r.subreddit_subscribers else t.subreddit_subscribers end,
        media = case when i ? 'media' then r.media else t.media end,
        poll = case when i ? 'poll' then r.poll else t.poll end,
        post_length = case when i ? 'post_length' then r.post_length else t.post_length end,
        posting_day_of_week = case when i ? 'posting_day_of_week' then r.posting_day_of_week else t.posting_day_of_week end,
        posting_hour = case when i ? 'posting_hour' then r.posting_hour else t.posting_hour end,
        comment_to_upvote_ratio = case when i ? 'comment_to_upvote_ratio' then r.comment_to_upvote_ratio else t.comment_to_upvote_ratio end,
        deleted_at = null,
        last_scraped_at = o.at,
        next_due_at = post_due_at(coalesce(r.created_utc, t.created_utc), o.at),
        last_run_id = upsert_reddit_posts.run_id
      from unnest(rows, items) as r
      cross join lateral (select observed_at(r.unnest) as at, r.unnest as i) o
      where t.reddit_id = r.reddit_id and o.at >= t.last_scraped_at and r.reddit_id not in (select unnest(new_ids))
      returning t.reddit_id, t.last_scraped_at, t.score, t.num_comments, t.upvote_ratio
    )
    insert into reddit_posts_history (reddit_id, observed_at, score, num_comments, upvote_ratio)
    select u.* from updated u
    left join lateral (
      select * from reddit_posts_history h where h.reddit_id = u.reddit_id order by h.observed_at desc limit 1
    ) last on true
    where num_nonnulls(u.score, u.num_comments) > 0 and (last.reddit_id is null
      or u.last_scraped_at >= last.observed_at + interval '1 hour'
        and (u.score, u.num_comments, u.upvote_ratio)
          is distinct from (last.score, last.num_comments, last.upvote_ratio));
  end if;

  deleted_ids := array(
    select r.reddit_id from unnest(rows) as r
    where r.removed_by_category = 'deleted' or r.selftext = '[deleted]' order by r.reddit_id);
  if cardinality(deleted_ids) > 0 then perform blank_posts(deleted_ids); end if;
end $$;

-- What its author has deleted is not kept; its numbers are nobody's.
create function blank_posts(ids text[]) returns void
language sql as $$
  update reddit_posts set
    title = null, selftext = null, url = null, domain = null, author_username = null, author_fullname = null,
    author_flair_text = null, link_flair_text = null, thumbnail = null, media = null, poll = null, permalink = null,
    crosspost_parent = null, deleted_at = last_scraped_at, next_due_at = null
  where reddit_id = any(ids) and (removed_by_category = 'deleted' or selftext = '[deleted]')
$$;
