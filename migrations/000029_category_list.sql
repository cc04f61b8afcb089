-- The list of a category's subreddits, which read all of them.
create index reddit_subreddits_category on reddit_subreddits (primary_category, subscribers desc nulls last, id);
