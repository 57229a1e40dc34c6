-- The like-or-hate rows of KuaiRand-27K and their viewers, from the folder :dir.
CREATE TABLE viewer (
    user_id int PRIMARY KEY, user_active_degree text, is_lowactive_period int, is_live_streamer int, is_video_author int,
    follow_user_num int, follow_user_num_range text, fans_user_num int, fans_user_num_range text, friend_user_num int,
    friend_user_num_range text, register_days int, register_days_range text, onehot_feat0 int, onehot_feat1 int,
    onehot_feat2 int, onehot_feat3 int, onehot_feat4 real, onehot_feat5 int, onehot_feat6 int, onehot_feat7 int,
    onehot_feat8 int, onehot_feat9 int, onehot_feat10 int, onehot_feat11 int, onehot_feat12 real, onehot_feat13 real,
    onehot_feat14 real, onehot_feat15 real, onehot_feat16 real, onehot_feat17 real);
CREATE TABLE log (
    user_id int, video_id int, time_ms bigint, is_click int, is_follow int, is_comment int, is_forward int, long_view int,
    play_time_ms int, duration_ms int, comment_stay_time int, is_profile_enter int, answer text);
\set load '\\copy viewer FROM ''' :dir '/users.csv'' (FORMAT csv, HEADER)'
:load
\set load '\\copy log FROM ''' :dir '/log.csv'' (FORMAT csv, HEADER)'
:load
ANALYZE viewer, log;

-- What is known before a video is ranked: the viewer, the video's length (0: unknown), the hour.
CREATE VIEW features AS
SELECT l.user_id, l.video_id, l.duration_ms, to_timestamp(l.time_ms / 1000.0) AS shown_at, l.long_view, l.answer,
       l.user_id AS viewer, ln(1 + nullif(l.duration_ms, 0)) AS duration, l.duration_ms = 0 AS no_duration,
       date_part('hour', to_timestamp(l.time_ms / 1000.0) AT TIME ZONE 'Asia/Shanghai')::int AS hour,
       v.user_active_degree AS activity, ln(1 + v.follow_user_num) AS follows, ln(1 + v.fans_user_num) AS fans,
       v.register_days_range AS registered, v.onehot_feat2 AS feat2, v.onehot_feat7 AS feat7
FROM log l JOIN viewer v USING (user_id);

-- What a model of it is made of.
CREATE FUNCTION feed_features() RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$ SELECT '[
  {"name": "viewer", "kind": "categorical", "size": 2000, "dim": 16},
  {"name": "activity", "kind": "categorical", "size": 32, "dim": 4},
  {"name": "registered", "kind": "categorical", "size": 32, "dim": 4},
  {"name": "feat2", "kind": "categorical", "size": 64, "dim": 4},
  {"name": "feat7", "kind": "categorical", "size": 128, "dim": 4},
  {"name": "hour", "kind": "categorical", "size": 64, "dim": 4},
  {"name": "no_duration", "kind": "categorical", "size": 8, "dim": 2},
  {"name": "duration", "kind": "numeric"},
  {"name": "follows", "kind": "numeric"},
  {"name": "fans", "kind": "numeric"}]'::jsonb $$;
