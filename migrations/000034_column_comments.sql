-- What a column's name does not say: units, windows, who writes it. The API's reference tells the same.

comment on column reddit_subreddits.review is 'Written by people; null: not reviewed.';
comment on column reddit_subreddits.primary_category is 'Written by people.';
comment on column reddit_subreddits.tags is 'Written by people, as group:value.';
comment on column reddit_subreddits.notes is 'Written by people.';
comment on column reddit_subreddits.engagement is 'Comments an upvote, over the sample; null: there are no upvotes.';
comment on column reddit_subreddits.subreddit_score is 'Root of 1000 times engagement times avg_upvotes_per_post.';
comment on column reddit_subreddits.avg_upvotes_per_post is 'Over the top posts of the last week that are not pinned.';
comment on column reddit_subreddits.avg_comments_per_post is 'Over the top posts of the last week that are not pinned.';
comment on column reddit_subreddits.metrics_sample_size is 'Posts that the figures are of.';
comment on column reddit_subreddits.metrics_at is 'When the figures were taken.';
comment on column reddit_subreddits.min_account_age_days is '10th percentile of the authors seen; null: fewer than 10 of them.';
comment on column reddit_subreddits.min_comment_karma is '10th percentile of the authors seen; null: fewer than 10 of them.';
comment on column reddit_subreddits.min_post_karma is '10th percentile of the authors seen; null: fewer than 10 of them.';
comment on column reddit_subreddits.best_posting_hour is 'UTC.';
comment on column reddit_subreddits.created_utc is 'On Reddit.';
comment on column reddit_subreddits.first_seen_at is 'When it was stored first.';
comment on column reddit_subreddits.last_scraped_at is 'When it was observed last.';
comment on column reddit_subreddits.availability is 'ok, private, quarantined, gated, banned or not_found; null: not known.';

comment on column reddit_posts.created_utc is 'On Reddit.';
comment on column reddit_posts.edited_at is 'Null: never.';
comment on column reddit_posts.author_username is 'Null: deleted.';
comment on column reddit_posts.content_type is 'gallery, video, text, image or link: the first that applies.';
comment on column reddit_posts.posting_day_of_week is '0 is Monday, UTC.';
comment on column reddit_posts.posting_hour is 'UTC.';
comment on column reddit_posts.comment_to_upvote_ratio is 'num_comments by score, which counts as 1 at least.';
comment on column reddit_posts.first_seen_at is 'When it was stored first.';
comment on column reddit_posts.last_scraped_at is 'When it was observed last.';

comment on column reddit_users.created_utc is 'On Reddit.';
comment on column reddit_users.karma_per_day is 'total_karma by the days of the account, 1 at least.';
comment on column reddit_users.overall_user_score is '0 to 10: 0.15 username, 0.35 age, 0.5 karma.';
comment on column reddit_users.avg_post_score is 'Over up to 30 of the last posts.';
comment on column reddit_users.avg_post_comments is 'Over up to 30 of the last posts.';
comment on column reddit_users.most_active_posting_hour is 'UTC.';
comment on column reddit_users.our_creator is 'Written by people.';
comment on column reddit_users.status is 'Written by people.';
comment on column reddit_users.notes is 'Written by people.';
comment on column reddit_users.first_seen_at is 'When it was stored first.';
comment on column reddit_users.last_scraped_at is 'When it was observed last.';
comment on column reddit_users.availability is 'ok, not_found or suspended; null: not known.';

comment on column instagram_creators.engagement_rate is 'Per cent: mean of likes and comments by followers.';
comment on column instagram_creators.posts_engagement_rate is 'Per cent: mean of likes and comments by followers.';
comment on column instagram_creators.reels_engagement_rate is 'Per cent: mean of likes and comments by followers.';
comment on column instagram_creators.reach_rate is 'Per cent: mean plays by followers.';
comment on column instagram_creators.follower_growth_rate_daily is 'Per cent, against the newest figure that is a day old.';
comment on column instagram_creators.follower_growth_rate_weekly is 'Per cent, against the newest figure that is seven days old.';
comment on column instagram_creators.viral_reels_count is 'Reels far above the median of those before them.';
comment on column instagram_creators.posting_consistency_score is '0 to 100: 100 is always the same interval.';
comment on column instagram_creators.best_content_type is 'reels, posts or mixed.';
comment on column instagram_creators.metrics_sample_size is 'Posts and reels that the figures are of.';
comment on column instagram_creators.review_status is 'Written by people; null: not reviewed.';
comment on column instagram_creators.niche is 'Written by people.';
comment on column instagram_creators.categories is 'Written by people.';
comment on column instagram_creators.notes is 'Written by people.';
comment on column instagram_creators.first_seen_at is 'When it was stored first.';
comment on column instagram_creators.last_scraped_at is 'When it was observed last.';

comment on column instagram_posts.media_type is '1: photo, 2: video, 8: carousel.';
comment on column instagram_posts.engagement_rate is 'Per cent: likes and comments by followers.';
comment on column instagram_posts.like_count is 'Null: hidden or not known.';
comment on column instagram_posts.video_duration is 'Seconds.';
comment on column instagram_reels.media_type is '2: video.';
comment on column instagram_reels.engagement_rate is 'Per cent: likes and comments by followers.';
comment on column instagram_reels.like_count is 'Null: hidden or not known.';
comment on column instagram_reels.video_duration is 'Seconds.';

comment on column alerts.closed_at is 'Null: it is open.';
comment on column system_logs.run_id is 'Null: it is of no run.';
