-- A small world with bait and with quality.  Bait drives clicks; quality drives satisfaction; nobody tells the model.
\set ON_ERROR_STOP on
\pset footer off
\pset null '-'
SET client_min_messages = warning;
CREATE EXTENSION easq;

\echo
\echo '1. A world: 400 viewers, 300 videos from 30 channels, 24,000 views.'
\echo '   People click on shouting thumbnails and like what is made well. Which channel does what, the model is not told.'
CREATE FUNCTION chance(VARIADIC what text[]) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(array_to_string(what, '/'), 42) & 1048575) / 1048576.0 $$;
CREATE FUNCTION sigmoid(v float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$ SELECT 1 / (1 + exp(-v)) $$;

CREATE TABLE channel AS
SELECT c AS channel_id, chance('bait', c::text) AS bait, chance('quality', c::text) AS quality
FROM generate_series(1, 30) c;
CREATE TABLE video AS
SELECT v AS video_id, channel_id, (ARRAY['cooking', 'football', 'music', 'science', 'travel', 'games'])[1 + v % 6] AS topic,
       round((0.1 + 0.6 * bait + 0.3 * chance('capitals', v::text))::numeric, 2)::float8 AS capitals,
       round((2 + 20 * chance('minutes', v::text))::numeric, 1)::float8 AS minutes
FROM generate_series(1, 300) v JOIN channel ON channel_id = 1 + floor(30 * chance('channel', v::text));
CREATE TABLE viewer AS
SELECT u AS user_id, (ARRAY['cooking', 'football', 'music', 'science', 'travel', 'games'])[1 + u % 6] AS favourite
FROM generate_series(1, 400) u;

-- What the model may see of a viewer and a video.
CREATE VIEW candidate AS
SELECT u.user_id, v.video_id, u.user_id AS viewer, v.channel_id AS channel, v.topic, v.capitals, v.minutes,
       u.favourite || '/' || v.topic AS taste
FROM viewer u CROSS JOIN video v;
-- How people are; used to make views and answers up, and to grade the result.
CREATE VIEW truth AS
SELECT u.user_id, v.video_id,
       sigmoid(2 * (u.favourite = v.topic)::int + 3 * c.bait - 2.5) AS would_click,
       sigmoid(2 * (u.favourite = v.topic)::int + 6 * c.quality - 1 * c.bait - 3) AS would_be_satisfied
FROM viewer u CROSS JOIN video v JOIN channel c USING (channel_id);

CREATE TABLE view AS
SELECT u.user_id, u.user_id * 10 + session AS session_id, session,
       1 + floor(300 * chance('shown', u.user_id::text, session::text, place::text))::int AS video_id
FROM viewer u, generate_series(1, 6) session, generate_series(1, 10) place;
ALTER TABLE view ADD clicked bool;
UPDATE view v SET clicked = chance('click', v.session_id::text, v.video_id::text) < t.would_click
FROM truth t WHERE (t.user_id, t.video_id) = (v.user_id, v.video_id);
ANALYZE;

\echo
\echo '2. A model, trained on clicks alone.'
SELECT easq_create_model('feed', '[
  {"name": "viewer",   "kind": "categorical", "size": 1000, "dim": 8},
  {"name": "channel",  "kind": "categorical", "size": 100,  "dim": 8},
  {"name": "taste",    "kind": "categorical", "size": 200,  "dim": 8},
  {"name": "capitals", "kind": "numeric"},
  {"name": "minutes",  "kind": "numeric"}]', '{"seed": 1, "behaviour_budget": 0.2}') \g /dev/null
SET client_min_messages = notice;
SELECT rows, groups, pairs, round(loss_main::numeric, 3) AS loss
FROM easq_train('feed', 'SELECT * FROM view JOIN candidate USING (user_id, video_id) WHERE session < 6', 'clicked', 'session_id');
SET client_min_messages = warning;

CREATE VIEW top10 AS
SELECT row_number() OVER (ORDER BY s.score DESC) AS place, s.video_id, s.topic, s.channel,
       round(c.bait::numeric, 2) AS bait, round(c.quality::numeric, 2) AS quality, round(s.score::numeric, 3) AS score
FROM (SELECT e.*, easq_batch_score('feed', e) OVER () AS score FROM (SELECT * FROM candidate WHERE user_id = 7) e) s
JOIN channel c ON c.channel_id = s.channel
ORDER BY s.score DESC LIMIT 10;

CREATE TABLE report (moment text, what text, value float8);
CREATE PROCEDURE grade(moment text) LANGUAGE sql AS $$
    INSERT INTO report SELECT moment, 'order of clicks, unseen sessions (gauc)', value
    FROM easq_evaluate('feed', 'SELECT * FROM view JOIN candidate USING (user_id, video_id) WHERE session = 6', 'clicked', 'session_id')
    WHERE metric = 'gauc';
    INSERT INTO report SELECT moment, CASE metric WHEN 'gauc' THEN 'order of satisfaction (gauc)' ELSE 'order of satisfaction, its own pathway (gauc)' END, value
    FROM easq_evaluate('feed', 'SELECT c.*, chance(''grade'', c.user_id::text, c.video_id::text) < t.would_be_satisfied AS satisfied
                                FROM candidate c JOIN truth t USING (user_id, video_id) WHERE c.video_id % 5 = 0', 'satisfied', 'user_id')
    WHERE metric IN ('gauc', 'satisfaction/gauc');
    INSERT INTO report SELECT moment, 'mean quality of viewer 7''s feed', avg(quality) FROM top10;
    INSERT INTO report SELECT moment, 'mean bait of viewer 7''s feed', avg(bait) FROM top10;
$$;
CALL grade('before');
\echo
\echo '3. The feed of viewer 7. It found the bait.'
SELECT * FROM top10;

\echo '4. Ask people. Learning is attached to the table that the answers are written to.'
CREATE TABLE questionnaire (user_id int, video_id int, answer text, asked_at timestamptz DEFAULT now());
SELECT easq_learn('feed', 'questionnaire',
                  features => 'SELECT n.answer, c.* FROM new_rows n JOIN candidate c USING (user_id, video_id)') \g /dev/null

\echo '   One transaction: two answers of viewer 7, and how satisfying a video is taken to be. Then a change of mind: ROLLBACK.'
SELECT video_id AS bait_video FROM top10 WHERE place = 1 \gset
SELECT video_id AS good_video FROM candidate JOIN video USING (video_id) JOIN channel c USING (channel_id)
WHERE user_id = 7 ORDER BY quality DESC, video_id LIMIT 1 \gset
\set satisfaction 'SELECT round(easq_satisfaction(''feed'', c)::numeric, 6) AS satisfaction FROM (SELECT * FROM candidate WHERE user_id = 7 AND video_id = ' :bait_video ') c'
:satisfaction \gset before_
BEGIN;
INSERT INTO questionnaire VALUES (7, :bait_video, 'dissatisfied'), (7, :good_video, 'satisfied');
:satisfaction \gset inside_
ROLLBACK;
:satisfaction \gset after_
SELECT :before_satisfaction AS before, :inside_satisfaction AS "after two answers", :after_satisfaction AS "rolled back";

\echo '5. 800 answers, one INSERT each.'
\o /dev/null
SELECT format('INSERT INTO questionnaire VALUES (%s, %s, %L)', user_id, video_id,
              CASE WHEN chance('answer', user_id::text, video_id::text) < would_be_satisfied THEN 'satisfied' ELSE 'dissatisfied' END)
FROM truth WHERE video_id % 5 <> 0 ORDER BY chance('asked', user_id::text, video_id::text) LIMIT 800
\gexec
\o
SELECT status, count(*) AS steps, sum(answers) AS answers, sum(pairs) AS pairs,
       round(avg(loss_satisfaction)::numeric, 3) AS loss_satisfaction, round(avg(loss_main)::numeric, 3) AS loss_main
FROM easq.steps GROUP BY status ORDER BY status;

\echo '6. The same feed now.'
SELECT * FROM top10;
CALL grade('after');
\echo '7. What it did.'
SELECT what, round(max(value) FILTER (WHERE moment = 'before')::numeric, 3) AS before,
       round(max(value) FILTER (WHERE moment = 'after')::numeric, 3) AS after
FROM report GROUP BY what ORDER BY what;
