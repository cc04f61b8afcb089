import type { SeededTable } from "./seed.ts";
import { word } from "./seed-words.ts";

/** Beyond 2^53, as the ids of today's accounts and media are. */
const CREATOR_ID = (n: string) => `(17841400000000000 + ${n})::text`;
const MEDIUM_ID = (n: string, kind: 1 | 2) => `(${kind}000000000000000000 + ${n})::text`;

const MEDIUM = (kind: 1 | 2) => `select ${MEDIUM_ID("n", kind)} as media_id, to_hex(n * 7919) as shortcode,
  ${CREATOR_ID("(1 + floor($3::integer * random() ^ 2))::integer")} as ig_user_id,
  now() - random() * interval '120 days' as taken_at, ${word("n")} as a, ${word("n / 5 + 2")} as b,
  floor(200000 * random() ^ 6)::bigint as likes, floor(4000 * random() ^ 6)::bigint as comments,
  floor(5e6 * random() ^ 6)::bigint as plays, now() - random() * interval '3 days' as seen, n
  from generate_series($1::integer + 1, $2::integer) n`;

/** As many creators reviewed as the system that this one replaces had; the others were seen beside them. */
export const INSTAGRAM: Record<string, SeededTable> = {
  instagram_creators: {
    sizes: [],
    statements: [
      `insert into instagram_creators (ig_user_id, username, full_name, biography, is_private, is_verified,
        followers_count, following_count, media_count, follower_growth_rate_daily, follower_growth_rate_weekly,
        avg_reel_plays, engagement_rate, posts_engagement_rate, reels_engagement_rate, posting_frequency_per_week,
        best_content_type, metrics_sample_size, metrics_at, last_post_at, known_until, availability, availability_at,
        availability_confirmations, review_status, niche, categories, body_tags, profile_at, last_scraped_at,
        first_seen_at, discovery_source)
      select ${CREATOR_ID("n")}, a || '.' || b || '.' || n, initcap(a || ' ' || b), 'All about ' || a || ' and ' || b,
        random() < 0.05, random() < 0.1, followers, floor(2000 * random()), floor(3000 * random()), growth / 7, growth,
        followers * random(), rate, rate * 0.8, rate * 1.2, 7 * random(), 'reels', 36, seen,
        seen - random() * interval '9 days', seen - random() * interval '9 days', 'ok', seen, 1,
        case when n <= 1247 then 'ok' when n % 3 = 0 then 'non_related' end, case when n <= 1247 then a end,
        array[a, b], array['hair:' || a, 'style:' || b], seen, seen, seen - random() * interval '300 days',
        case when n > 1247 then 'related:' || ${CREATOR_ID("n % 1247 + 1")} end
      from (
        select n, ${word("n")} as a, ${word("n / 7 + 3")} as b, floor(500 + 8e6 * random() ^ 6)::bigint as followers,
          random() * 8 as rate, random() * 5 - 1 as growth, now() - random() * interval '2 days' as seen
        from generate_series($1::integer + 1, $2::integer) n
      ) s`,
      `insert into instagram_creators_history (ig_user_id, observed_at, followers_count, media_count, engagement_rate)
      select c.ig_user_id, c.profile_at - k * interval '1 day', (c.followers_count * (1 - k * 0.001))::bigint,
        c.media_count - k, c.engagement_rate
      from instagram_creators c, generate_series(0, 29) k
      where c.ig_user_id in (select ${CREATOR_ID("n")} from generate_series($1::integer + 1, $2::integer) n)`,
    ],
  },
  instagram_posts: {
    sizes: ["instagram_creators"],
    statements: [
      `insert into instagram_posts (media_id, shortcode, ig_user_id, product_type, media_type, post_type, taken_at,
        caption_text, hashtags, mentions, like_count, comment_count, engagement_count, engagement_rate, thumbnail_url,
        is_pinned, media, source, first_seen_at, last_scraped_at)
      select media_id, shortcode, ig_user_id, 'feed', 1, 'photo', taken_at, 'A day of ' || a || ' and #' || b, array[b],
        '{}', likes, comments, likes + comments, (likes + comments) / 20000.0, 'https://cdn.example/' || media_id, false,
        jsonb_build_array(jsonb_build_object('type', 'image', 'url', 'https://cdn.example/' || media_id, 'width', 1080,
          'height', 1350, 'duration_secs', null)), 'api/user-feeds', seen, seen
      from (${MEDIUM(1)}) m`,
    ],
  },
  instagram_reels: {
    sizes: ["instagram_creators"],
    statements: [
      `insert into instagram_reels (media_id, shortcode, ig_user_id, product_type, media_type, taken_at, caption_text,
        hashtags, mentions, play_count, ig_play_count, like_count, comment_count, engagement_count, engagement_rate,
        thumbnail_url, video_url, has_audio, video_duration, is_pinned, source, first_seen_at, last_scraped_at)
      select media_id, shortcode, ig_user_id, 'clips', 2, taken_at, 'See ' || a || ' and #' || b, array[b], '{}', plays,
        plays, likes, comments, likes + comments, (likes + comments) / 20000.0, 'https://cdn.example/' || media_id,
        'https://cdn.example/' || media_id || '.mp4', true, 30, false, 'api/reels', seen, seen
      from (${MEDIUM(2)}) m`,
      `insert into instagram_reels_history (media_id, observed_at, play_count, like_count, comment_count)
      select ${MEDIUM_ID("n", 2)}, now() - interval '9 days' + k * interval '1 day', n % 90000 * k, n % 500 * k, n % 40 * k
      from generate_series($1::integer + 1, $2::integer) n, generate_series(1, 2) k`,
    ],
  },
};
