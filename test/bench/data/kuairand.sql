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
