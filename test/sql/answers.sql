\set ECHO none
\i test/tools.sql
\set ECHO all

-- Answers as they are in production: who answers much, who answers again, when almost all say the same, when and how
-- likely they were asked, and what happens before there is enough to align by.
CREATE FUNCTION survey_model(name text, options jsonb) RETURNS void LANGUAGE sql AS
$$ SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0, "alignment": "dpo", "pairwise": "score", "lambda2": 1}'::jsonb || options) $$;
CREATE FUNCTION remembered(name text) RETURNS TABLE (respondent text, answer float8, answers bigint) LANGUAGE sql AS
$$ SELECT respondent, answer, count(*) FROM easq.answer WHERE model = name GROUP BY 1, 2 ORDER BY 1, 2 $$;
-- the counts by value agree with what is remembered
CREATE FUNCTION counted(name text) RETURNS bool LANGUAGE sql AS $$
    SELECT bool_and(counted.answer = held.answer AND counted.n = held.n AND counted.oldest <= held.oldest)
    FROM (SELECT answer, answers AS n, oldest FROM easq.answer_count WHERE model = name) counted
    FULL JOIN (SELECT answer, count(*) AS n, min(ordinal) AS oldest FROM easq.answer WHERE model = name GROUP BY 1) held USING (answer) $$;
CREATE FUNCTION last_steps(name text, latest int) RETURNS TABLE (status text, answers int, uncertain int, pairs int, reason text) LANGUAGE sql AS $$
    SELECT status, answers, uncertain, pairs, nullif(concat_ws(' / ', reason, detail), '')
    FROM (SELECT * FROM easq.steps WHERE model = name ORDER BY id DESC LIMIT latest) s ORDER BY id $$;

-- a respondent's latest answers_per_respondent; an unknown respondent has no limit
SELECT survey_model('often', '{"answers_per_respondent": 3}') \g /dev/null
CREATE TABLE often (id int, user_id int, x real, answer int, asked_at timestamptz, weight numeric);
SELECT easq_learn('often', 'often') \g /dev/null
DO $$ BEGIN FOR i IN 1..6 LOOP INSERT INTO often VALUES (i, 1, i, i), (i, NULL, i, i); END LOOP; END $$;
SELECT * FROM remembered('often');
SELECT easq_configure('often', '{"answers_per_respondent": 2}') \g /dev/null
SELECT * FROM remembered('often') WHERE respondent = '1';
INSERT INTO often VALUES (7, 1, 7, 7);
SELECT * FROM remembered('often') WHERE respondent = '1';
SELECT counted('often');
SELECT easq_configure('often', '{"answers_per_respondent": 0}') \g /dev/null
INSERT INTO often SELECT 8, 2, i, i FROM generate_series(1, 70) i;
SELECT count(*) FROM easq.answer WHERE model = 'often' AND respondent = '2';
SELECT easq_stop_learning('often', 'often') \g /dev/null

-- the same about the same again: the last word counts, an unknown respondent's are two
SELECT survey_model('again', '{}') \g /dev/null
SELECT easq_learn('again', 'often') \g /dev/null
TRUNCATE often;
INSERT INTO often VALUES (1, 1, 1, 1), (1, 2, 1, 2), (1, NULL, 1, 3);
INSERT INTO often VALUES (2, 1, 1, 5), (2, NULL, 1, 3);
SELECT * FROM remembered('again');
SELECT counted('again');
-- in one statement too; asked_at says which is the last
SELECT easq_learn('again', 'often', options => '{"asked_at": "asked_at"}') \g /dev/null
INSERT INTO often VALUES (3, 1, 1, 7, '2024-05-01 12:00+00'), (3, 1, 1, 6, '2024-05-01 11:00+00'), (3, 1, 1, 8, NULL);
SELECT * FROM last_steps('again', 2);
SELECT * FROM remembered('again');
-- a change of mind by UPDATE, and its end
UPDATE often SET answer = 9 WHERE id = 3 AND answer = 7;
SELECT * FROM remembered('again') WHERE respondent = '1';
UPDATE often SET answer = NULL WHERE id = 3 AND answer = 9;
SELECT * FROM remembered('again') WHERE respondent = '1';
SELECT counted('again');
SELECT easq_stop_learning('again', 'often') \g /dev/null

-- 99 of 100 say the same: the rare answers stay, and nearly all find a partner
SELECT survey_model('one sided', '{"replay_answers": 300, "pairs_per_answer": 2, "learning_rate": 1e-6}') \g /dev/null
CREATE TABLE poll (user_id int, x real, answer boolean);
SELECT easq_learn('one sided', 'poll') \g /dev/null
DO $$ BEGIN FOR i IN 1..20 LOOP INSERT INTO poll SELECT 100 * i + j, j, j <> 50 FROM generate_series(1, 100) j; END LOOP; END $$;
SELECT * FROM (SELECT answer, sum(answers) FROM remembered('one sided') GROUP BY 1) s ORDER BY 1;
SELECT sum(answers) AS answers, sum(answers) FILTER (WHERE status = 'applied') AS learned, max(pairs) AS pairs, min(reason) AS reason FROM easq.steps WHERE model = 'one sided';
DO $$ BEGIN FOR i IN 1..300 LOOP INSERT INTO poll VALUES (-i, i, true); END LOOP; END $$;
SELECT count(*) AS steps, count(*) FILTER (WHERE status = 'applied' AND pairs = 2) AS "two partners", count(*) FILTER (WHERE pairs = 0) AS none
FROM easq.steps WHERE model = 'one sided' AND answers = 1;
SELECT answer, sum(answers) FROM remembered('one sided') GROUP BY 1 ORDER BY 1;
SELECT counted('one sided');
-- half of each, once the rare ones have become many
INSERT INTO poll SELECT 10000 + i, i, i % 4 <> 0 FROM generate_series(1, 1000) i;
SELECT answer, sum(answers) FROM remembered('one sided') GROUP BY 1 ORDER BY 1;
-- rows that somebody deleted: the counts are wrong until they are made anew
DELETE FROM easq.answer WHERE model = 'one sided' AND NOT (answer = 1);
INSERT INTO poll VALUES (-1000, 1, true);
SELECT * FROM last_steps('one sided', 1);
INSERT INTO poll SELECT 20000 + i, i, i % 2 = 0 FROM generate_series(1, 600) i;
SELECT answer, sum(answers) FROM remembered('one sided') GROUP BY 1 ORDER BY 1;
SELECT counted('one sided');

-- any numbers: below and above; more values than are told apart, most of them one
SELECT survey_model('numbers', '{"replay_answers": 300, "pairs_per_answer": 4}') \g /dev/null
CREATE TABLE watched (user_id int, x real, answer float8);
SELECT easq_learn('numbers', 'watched') \g /dev/null
INSERT INTO watched SELECT i, i, CASE WHEN i % 4 = 0 THEN ln(i) ELSE 0 END FROM generate_series(1, 1000) i;
SELECT status, count(*) AS steps, sum(answers) AS answers FROM easq.steps WHERE model = 'numbers' GROUP BY 1;
SELECT count(*), count(*) FILTER (WHERE answer = 0) BETWEEN 200 AND 250 AS zeros FROM easq.answer WHERE model = 'numbers';
SELECT answer, answers FROM easq.answer_count WHERE model = 'numbers';
INSERT INTO watched VALUES (2000, 1, 0);
INSERT INTO watched VALUES (2001, 1, 3.5);
INSERT INTO watched VALUES (2002, 1, 1e308);
INSERT INTO watched VALUES (2003, 1, -1e308);
SELECT status, answers, pairs BETWEEN 1 AND 4 AS pairs, reason FROM last_steps('numbers', 4);

-- a COPY of 10,000: mini-batches of at most 256, one version
SELECT survey_model('copied', '{"pairs_per_answer": 2}') \g /dev/null
CREATE TABLE copied (user_id int, x real, answer boolean);
SELECT easq_learn('copied', 'copied') \g /dev/null
COPY copied FROM PROGRAM 'for i in $(seq 10000); do echo "$i	$((i % 37))	$((i % 100 != 0))"; done';
SELECT count(*) AS steps, max(answers) AS most, sum(answers) AS answers, max(adapter_version) AS version, min(status) AS status, min(reason) AS reason FROM easq.steps WHERE model = 'copied';
SELECT answer, sum(answers) FROM remembered('copied') GROUP BY 1 ORDER BY 1;
SELECT counted('copied');

-- pairs of two respondents count cross_weight; 0: there are none
SELECT survey_model('own', '{"cross_weight": 0}'), survey_model('cross', '{"cross_weight": 0.5}') \g /dev/null
CREATE TABLE crossed (user_id int, x real, answer int);
SELECT easq_learn('own', 'crossed'), easq_learn('cross', 'crossed') \g /dev/null
INSERT INTO crossed VALUES (1, 1, 1), (2, 2, 2), (NULL, 3, 3);
SELECT * FROM last_steps('own', 1);
SELECT * FROM last_steps('cross', 1);
INSERT INTO crossed VALUES (1, 4, 4);
SELECT * FROM last_steps('own', 1);
SELECT * FROM last_steps('cross', 1);

-- a weight of each answer, clipped; what is no weight is no answer
SELECT survey_model('heavy', '{}'), survey_model('light', '{}'), survey_model('clipped', '{}') \g /dev/null
CREATE TABLE asked (user_id int, x real, answer int, propensity numeric, asked_at timestamptz);
SELECT easq_learn('heavy', 'asked', options => '{"weight": "propensity"}'), easq_learn('light', 'asked'),
       easq_learn('clipped', 'asked', options => '{"weight": "propensity", "weight_limit": 1}') \g /dev/null
INSERT INTO asked VALUES (1, 1, 1, 8), (2, 2, 2, NULL), (3, 3, 3, 2), (4, 4, 1, 1000);
SELECT model, respondent, weight FROM easq.answer WHERE model IN ('heavy', 'light', 'clipped') ORDER BY 1, 2;
SELECT data(easq_export('light')) <> data(easq_export('heavy')) AS "weights count", data(easq_export('light')) <> data(easq_export('clipped')) AS "all 1";
INSERT INTO asked VALUES (5, 1, 1, 0), (6, 2, 2, -1), (7, 3, 3, 'NaN'), (8, 4, 4, 1);
SELECT * FROM last_steps('heavy', 2);
-- equal weights are no weights
SELECT survey_model('equal', '{}'), survey_model('none', '{}') \g /dev/null
CREATE TABLE alike (user_id int, x real, answer int, w float4, score text);
SELECT easq_learn('equal', 'alike', options => '{"weight": "w"}'), easq_learn('none', 'alike') \g /dev/null
INSERT INTO alike SELECT i, i, i, 3 FROM generate_series(1, 6) i;
SELECT data(easq_export('equal')) = data(easq_export('none')) AS same;

-- who answers much counts less: 1 / sqrt of the respondent's remembered answers
SELECT survey_model('much', '{"replayed_answers": 0}'), survey_model('untouched', '{}') \g /dev/null
CREATE TABLE much (user_id int, x real, answer boolean);
SELECT easq_learn('much', 'much') \g /dev/null
INSERT INTO much VALUES (1, 1, true), (1, 2, true), (1, 3, true), (2, 4, true), (3, 5, false);
WITH pair AS (
    SELECT ln(1 + exp(easq_satisfaction('untouched', ARRAY[5]) - easq_satisfaction('untouched', ARRAY[x]))) AS loss, CASE user_id WHEN 1 THEN 1 / sqrt(3) ELSE 1 END AS weight
    FROM much WHERE answer)
SELECT pairs, abs(loss_satisfaction - (SELECT sum(weight * loss) / sum(weight) FROM pair)) < 1e-6 AS weighted,
       abs(loss_satisfaction - (SELECT avg(loss) FROM pair)) < 1e-6 AS plain
FROM easq.steps WHERE model = 'much';

-- asked_at: the order of one statement, and half_life from the latest answer on
SELECT survey_model('timely', '{"half_life": "1 day"}'), survey_model('timeless', '{}'), survey_model('at once', '{"half_life": 86400}') \g /dev/null
SELECT options->'half_life' AS seconds FROM easq.models WHERE name = 'timely';
CREATE TABLE timed (user_id int, x real, answer int, at timestamp, day date);
SELECT easq_learn('timely', 'timed', options => '{"asked_at": "at"}'), easq_learn('timeless', 'timed', options => '{"asked_at": "at"}') \g /dev/null
INSERT INTO timed SELECT 10 - i, i, i % 3, timestamp '2024-01-11' - i * interval '1 day' FROM generate_series(1, 9) i;
SELECT string_agg(respondent, ' ' ORDER BY ordinal) AS "by time", max(asked_at AT TIME ZONE 'UTC') AS latest FROM easq.answer WHERE model = 'timely';
SELECT asked_at AT TIME ZONE 'UTC' AS latest FROM easq.adapter WHERE model = 'timely' AND state = 'current';
SELECT data(easq_export('timely')) <> data(easq_export('timeless')) AS "age counts";
INSERT INTO timed VALUES (20, 1, 1, 'infinity', NULL), (21, 2, 2, NULL, NULL);
SELECT * FROM last_steps('timely', 2);
SELECT easq_learn('at once', 'timed', options => '{"asked_at": "day", "backlog": "learn"}') \g /dev/null
SELECT status, answers FROM last_steps('at once', 1);
\t on
SELECT fails(q) FROM unnest(ARRAY['SELECT easq_learn(''m'', ''timed'', options => ''{"asked_at": "answer"}'')', 'SELECT easq_learn(''timely'', ''timed'', options => ''{"asked_at": "answer"}'')',
    'SELECT easq_learn(''timely'', ''timed'', options => ''{"weight": "at"}'')', 'SELECT easq_learn(''timely'', ''timed'', options => ''{"weight": "none"}'')',
    'SELECT easq_learn(''timely'', ''timed'', options => ''{"weight_limit": 0}'')', 'SELECT easq_learn(''timely'', ''timed'', options => ''{"answers_per_hour": -1}'')',
    'SELECT easq_configure(''timely'', ''{"half_life": "soon"}'')', 'SELECT easq_configure(''timely'', ''{"half_life": "-1 day"}'')', 'SELECT easq_configure(''timely'', ''{"half_life": true}'')',
    'SELECT easq_configure(''timely'', ''{"cross_weight": 1.1}'')', 'SELECT easq_configure(''timely'', ''{"warm_up": -1}'')', 'SELECT easq_configure(''timely'', ''{"answers_per_respondent": 1.5}'')']) q;
\t off

-- before the warm-up is over, answers are learned and nothing is aligned
SELECT survey_model('warm', '{"warm_up": 6}') \g /dev/null
CREATE TABLE warm (user_id int, x real, answer int);
SELECT easq_learn('warm', 'warm') \g /dev/null
SELECT tensor(easq_export('warm'), 'main.out.weight') AS main, tensor(easq_export('warm'), 'satisfaction.out.weight') AS satisfaction \gset
INSERT INTO warm VALUES (1, 1, 1), (2, 2, 2), (3, 3, 2);
INSERT INTO warm VALUES (4, 4, 2), (5, 5, 2);
SELECT tensor(easq_export('warm'), 'main.out.weight') = :'main' AS "main as it was", tensor(easq_export('warm'), 'satisfaction.out.weight') <> :'satisfaction' AS "satisfaction learned";
INSERT INTO warm VALUES (6, 6, 2), (7, 7, 2);
SELECT tensor(easq_export('warm'), 'main.out.weight') = :'main' AS "main as it was";
INSERT INTO warm VALUES (8, 8, 1);
SELECT tensor(easq_export('warm'), 'main.out.weight') <> :'main' AS aligned;
SELECT * FROM last_steps('warm', 4);
SELECT bool_and(loss_alignment > 0) AS reported, count(adapter_version) AS versions FROM easq.steps WHERE model = 'warm';

-- answers_per_hour: more are remembered, not learned
SELECT survey_model('paced', '{}') \g /dev/null
CREATE TABLE paced (user_id int, x real, answer boolean, asked_at timestamptz);
SELECT easq_learn('paced', 'paced', options => '{"asked_at": "asked_at", "answers_per_hour": 3}') \g /dev/null
INSERT INTO paced SELECT 1, i, i % 2 = 0, timestamptz '2024-05-01 12:00+00' + i * interval '1 minute' FROM generate_series(1, 5) i;
SELECT * FROM last_steps('paced', 2);
INSERT INTO paced VALUES (1, 6, true, '2024-05-01 12:59+00');
INSERT INTO paced VALUES (1, 7, true, '2024-05-01 13:00+00'), (2, 8, true, '2024-05-01 12:59+00'), (NULL, 9, true, '2024-05-01 12:59+00');
SELECT * FROM last_steps('paced', 2);
SELECT count(*) FROM easq.answer WHERE model = 'paced';
SELECT hour, respondent, learned FROM easq.answer_rate ORDER BY 1, 2;
INSERT INTO paced VALUES (1, 10, true, '2024-05-03 13:00+00');
SELECT hour, respondent, learned FROM easq.answer_rate ORDER BY 1, 2;
-- without asked_at it is the transaction's hour
SELECT easq_learn('paced', 'paced', options => '{"answers_per_hour": 2}') \g /dev/null
BEGIN;
INSERT INTO paced SELECT 3, i, i % 2 = 0 FROM generate_series(1, 5) i;
COMMIT;
SELECT * FROM last_steps('paced', 2);

-- uncertain answers are counted; one that stays so is no news
CREATE TABLE unsure (user_id int, x real, answer text);
SELECT easq_learn('paced', 'unsure') \g /dev/null
INSERT INTO unsure VALUES (1, 1, 'uncertain'), (2, 2, 'uncertain'), (3, 3, NULL);
SELECT * FROM last_steps('paced', 1);
UPDATE unsure SET answer = 'uncertain';
SELECT * FROM last_steps('paced', 1);
UPDATE unsure SET x = 4;
SELECT uncertain FROM easq.models WHERE name = 'paced';
BEGIN;
INSERT INTO unsure VALUES (4, 1, 'uncertain');
ROLLBACK;
SELECT uncertain FROM easq.models WHERE name = 'paced';

-- the same answers again: the same weights
SELECT survey_model('replayed', '{}') \g /dev/null
CREATE TABLE replayed (user_id int, x real, answer boolean, asked_at timestamptz);
SELECT easq_learn('replayed', 'replayed', options => '{"asked_at": "asked_at", "answers_per_hour": 3}') \g /dev/null
INSERT INTO replayed SELECT 1, i, i % 2 = 0, timestamptz '2024-05-01 12:00+00' + i * interval '1 minute' FROM generate_series(1, 5) i ORDER BY i DESC;
INSERT INTO replayed VALUES (1, 6, true, '2024-05-01 12:59+00');
SELECT survey_model('replayed again', '{}') \g /dev/null
SELECT easq_learn('replayed again', 'replayed', options => '{"asked_at": "asked_at", "answers_per_hour": 3}') \g /dev/null
SELECT easq_stop_learning('replayed', 'replayed') \g /dev/null
INSERT INTO replayed SELECT 1, i, i % 2 = 0, timestamptz '2024-05-01 12:00+00' + i * interval '1 minute' FROM generate_series(1, 5) i;
INSERT INTO replayed VALUES (1, 6, true, '2024-05-01 12:59+00');
SELECT data(easq_export('replayed')) = data(easq_export('replayed again')) AS same;

-- a respondent's text that no index holds
SELECT survey_model('long', '{}') \g /dev/null
CREATE TABLE long (user_id text, x real, answer bool);
SELECT easq_learn('long', 'long') \g /dev/null
INSERT INTO long SELECT CASE WHEN i = 3 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 400) j) ELSE i::text END, i, i % 2 = 0 FROM generate_series(1, 6) i;
SELECT status, answers, reason, detail FROM easq.steps WHERE model = 'long' ORDER BY id;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SELECT count(*) FROM easq.answer_rate;
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
