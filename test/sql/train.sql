\set ECHO none
\i test/tools.sql
-- NOTICEs tell rows a second
SET client_min_messages = warning;
\set ECHO all

-- Made-up behaviour: 300 people see 20 of 97 things each; bait draws clicks, quality satisfies.
CREATE TABLE thing AS
SELECT i, sin(i * 12.9898) * 2 AS bait, cos(i * 78.233) * 5 + 10 AS quality, 'kind ' || i % 7 AS kind FROM generate_series(1, 97) i;
CREATE TABLE view AS
SELECT u, i, bait, quality, kind, (u * 7919 + i * 104729) % 1000 / 1000.0 < 1 / (1 + exp(-2 * bait)) AS clicked,
       CASE WHEN (u + 3 * i) % 10 = 0 THEN
           CASE WHEN (u * 31 + i * 17) % 100 / 100.0 < 1 / (1 + exp(10 - quality)) THEN 'satisfied' ELSE 'dissatisfied' END
           WHEN (u + 3 * i) % 11 = 0 THEN 'uncertain' END AS answer
FROM generate_series(1, 300) u, LATERAL (SELECT * FROM thing WHERE (i * 37 + u * 11) % 97 < 20) t;
\set features '''[{"name": "kind", "kind": "categorical", "size": 20, "dim": 3}, {"name": "bait", "kind": "numeric"}, {"name": "quality", "kind": "numeric"}, {"name": "u", "kind": "categorical", "size": 100, "dim": 2}]'''
\set options '''{"hidden": 16, "expert_hidden": 8}'''
CREATE FUNCTION metric(model text, wanted text, label text DEFAULT 'clicked', query text DEFAULT 'SELECT * FROM view') RETURNS numeric LANGUAGE sql AS
$$ SELECT round(value::numeric, 2) FROM easq_evaluate(model, query, label, 'u') WHERE metric = wanted $$;

-- behaviour alone: the main pathway learns it, the other stays what it was
SELECT easq_create_model('m', :features, :options) \g /dev/null
SELECT epochs, rows, groups, pairs BETWEEN rows * 0.6 AND rows * 0.9 AS "a pair a row that is not held back", answers, loss < 0.45 AS low, loss = loss_main AS main, loss_satisfaction, loss_alignment
FROM easq_train('m', 'SELECT * FROM view', 'clicked', 'u', options => '{"epochs": 20, "learning_rate": 0.01, "early_stopping": false}');
SELECT metric('m', 'gauc') > 0.8 AS ranks;
SELECT backbone_version, adapter_version, steps >= 20 * 9 AS stepped, answers, trained_at IS NOT NULL AS trained FROM easq.models WHERE name = 'm';
SELECT epochs, rows, groups, pairs > 4000 AS pairs, answers, loss < 0.45 AS low, loss_satisfaction, finished_at > started_at AS took, backbone_version
FROM easq.training WHERE model = 'm';
SELECT count(*) AS rehearsed, min(slot), max(slot) FROM easq.behaviour WHERE model = 'm';
-- means and deviations of the population
SELECT round(m.mean[1]::numeric - avg(bait)::numeric, 9) AS mean, round(m.mean[2]::numeric - avg(quality)::numeric, 9) AS mean,
       round(m.deviation[1]::numeric - stddev_pop(bait)::numeric, 9) AS deviation, round(m.deviation[2]::numeric - stddev_pop(quality)::numeric, 9) AS deviation
FROM view, easq.model m WHERE m.name = 'm' GROUP BY m.mean, m.deviation;

-- with answers: both pathways, and the answers are remembered, each once
SELECT easq_create_model('a', :features, :options) \g /dev/null
SELECT epochs, rows, groups, answers = (SELECT count(*) FROM view WHERE answer <> 'uncertain') AS answers, pairs > rows AS pairs,
       round(loss::numeric, 6) = round((loss_main + loss_satisfaction + 0.3 * loss_alignment)::numeric, 6) AS total, loss_satisfaction < 0.6 AS satisfaction
FROM easq_train('a', 'SELECT * FROM view', 'clicked', 'u', 'answer', '{"epochs": 20, "learning_rate": 0.01, "lambda2": 0.3, "early_stopping": false}');
SELECT metric('a', 'gauc') > 0.7 AS ranks, metric('a', 'satisfaction/auc', 'good', $$SELECT *, answer = 'satisfied' AS good FROM view WHERE answer <> 'uncertain'$$) > 0.7 AS "knows satisfaction";
SELECT count(*) AS remembered, count(DISTINCT key) AS keys, count(respondent) AS respondents, min(answer), max(answer), max(ordinal) = (SELECT answers FROM easq.models WHERE name = 'a') AS counted
FROM easq.answer WHERE model = 'a';
SELECT easq_train('a', 'SELECT * FROM view', 'clicked', 'u', 'answer', '{"epochs": 1}') \g /dev/null
SELECT count(*) AS remembered FROM easq.answer WHERE model = 'a';
SELECT easq_configure('a', '{"replay_answers": 50, "replay_behaviour": 60}') \g /dev/null
SELECT easq_train('a', 'SELECT * FROM view', 'clicked', 'u', 'answer', '{"epochs": 1, "respondent": "kind"}') \g /dev/null
SELECT count(*) AS remembered, count(*) FILTER (WHERE respondent ~ '^kind') > 40 AS "by kind" FROM easq.answer WHERE model = 'a';
SELECT count(*) AS rehearsed FROM easq.behaviour WHERE model = 'a';

-- warm start: twice two epochs are four; and neither the rows' order, nor memory, nor the place of columns matters
SELECT easq_create_model(name, :features, :options) FROM unnest(ARRAY['four', 'two', 'shuffled']) AS name \g /dev/null
SELECT easq_train('four', 'SELECT * FROM view', 'clicked', 'u', 'answer', '{"epochs": 4, "buffer_rows": 500, "batch_pairs": 64, "early_stopping": false, "level": false}') \g /dev/null
SELECT easq_train('two', 'SELECT * FROM view', 'clicked', 'u', 'answer', '{"epochs": 2, "buffer_rows": 500, "batch_pairs": 64, "early_stopping": false, "level": false}') FROM generate_series(1, 2) \g /dev/null
SET maintenance_work_mem = '1MB';
SELECT easq_train('shuffled', 'SELECT answer, quality, kind, u, bait, clicked FROM view ORDER BY md5(i::text || u)', 'clicked', 'u', 'answer', '{"epochs": 4, "buffer_rows": 500, "batch_pairs": 64, "early_stopping": false, "level": false}') \g /dev/null
RESET maintenance_work_mem;
SELECT data(easq_export('two')) = data(easq_export('four')) AS "twice two", data(easq_export('shuffled')) = data(easq_export('four')) AS "any order";
SELECT easq_create_model(name, :features, :options) FROM unnest(ARRAY['levelled', 'mixed']) AS name \g /dev/null
SELECT easq_train(name, 'SELECT * FROM view ORDER BY ' || place, 'clicked', 'u', options => '{"epochs": 4}') FROM (VALUES ('levelled', 'i'), ('mixed', 'md5(i::text || u)')) t (name, place) \g /dev/null
SELECT data(easq_export('mixed')) = data(easq_export('levelled')) AS "any order, with factors";
-- what the logits of a group have in common is chance, and is taken out
SELECT stddev(level) < 0.5 * avg(spread) AS levelled FROM (SELECT avg(logit) AS level, stddev(logit) AS spread FROM (SELECT u, ln(exp(easq_score('levelled', v)) - 1) AS logit FROM view v) s GROUP BY u) g;
SELECT count(DISTINCT digest) AS "optimisers" FROM (SELECT md5(string_agg(md5(data), '' ORDER BY name, chunk)) AS digest FROM easq.tensor WHERE state = 'current' AND part = 'moments' AND model IN ('two', 'four', 'shuffled') GROUP BY model) o;
-- a value that is new is like one that is not known: between those that are chosen and those that are passed over
CREATE TABLE goods AS SELECT u, 'c' || i AS item, i <= 5 AS chosen FROM generate_series(1, 200) u, generate_series(1, 20) i;
SELECT easq_create_model(name, '[{"name": "item", "kind": "categorical", "size": 100000, "dim": 4}]', '{"seed": 3, "hidden": 16, "expert_hidden": 8}') FROM unnest(ARRAY['hiding', 'showing']) AS name \g /dev/null
SELECT easq_train('hiding', 'TABLE goods', 'chosen', 'u', options => '{"epochs": 8, "early_stopping": false, "held_share": 0}'),
       easq_train('showing', 'TABLE goods', 'chosen', 'u', options => '{"epochs": 8, "early_stopping": false, "held_share": 0, "value_dropout": 0}') \g /dev/null
SELECT name, count(DISTINCT easq_score(name, i)) FILTER (WHERE i.item IS NULL OR i.item ~ 'new') AS scores,
       bool_and(easq_score(name, i) BETWEEN easq_score(name, worse) AND easq_score(name, better)) FILTER (WHERE i.item ~ 'new') AS "in between"
FROM unnest(ARRAY['hiding', 'showing']) AS name, (SELECT 'new ' || i AS item FROM generate_series(1, 30) i UNION ALL SELECT NULL) i,
     (SELECT 'c19' AS item) worse, (SELECT 'c1' AS item) better GROUP BY name ORDER BY name;
-- the same where a group is longer than the buffer
SELECT easq_train(name, query, 'clicked', 'kind', 'answer', '{"epochs": 1, "buffer_rows": 100, "respondent": "u"}')
FROM (VALUES ('four', 'SELECT * FROM view'), ('two', 'SELECT * FROM view ORDER BY i DESC, u')) t (name, query) \g /dev/null
SELECT data(easq_export('two')) = data(easq_export('four')) AS "long groups";
-- means stay, since the weights stand on them
SELECT mean AS before FROM easq.model WHERE name = 'two' \gset
SELECT easq_train('two', 'SELECT u, kind, clicked, bait + 100 AS bait, quality FROM view', 'clicked', 'u', options => '{"epochs": 1}') \g /dev/null
SELECT mean = :'before' AS kept FROM easq.model WHERE name = 'two';
-- taken back
SELECT state() AS before \gset
BEGIN;
SELECT easq_train('two', 'SELECT * FROM view', 'clicked', 'u', options => '{"epochs": 1}') \g /dev/null
ROLLBACK;
SELECT state() = :'before' AS unchanged;

-- labels, groups and answers of any type; rows without a label or a group count where they can
SELECT easq_create_model('t', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 2, "expert_hidden": 2}') \g /dev/null
CREATE TYPE opinion AS ENUM ('satisfied', 'dissatisfied', 'uncertain');
CREATE DOMAIN stars AS int CHECK (VALUE BETWEEN 1 AND 5);
SELECT t.query, r.rows, r.groups, r.pairs, r.answers
FROM (VALUES ('SELECT x, x % 2 = 0 AS l, x / 4 AS g, x % 3 = 0 AS a FROM generate_series(0, 39) x'),
             ('SELECT x, x % 2 AS l, (x / 4)::text AS g, x % 3 AS a FROM generate_series(0, 39) x'),
             ('SELECT x, (x % 2)::numeric AS l, (x / 4)::real AS g, (1 + x % 3)::stars AS a FROM generate_series(0, 39) x'),
             ('SELECT x, (x % 2)::real AS l, md5((x / 4)::text)::uuid AS g, (ARRAY[''satisfied'', ''uncertain'', ''dissatisfied'', NULL])[1 + x % 4] AS a FROM generate_series(0, 39) x'),
             ('SELECT x, (1 + x % 2)::stars AS l, point(x / 4, 1) AS g, (ARRAY[''satisfied'', ''uncertain'', ''dissatisfied''])[1 + x % 3]::opinion AS a FROM generate_series(0, 39) x'),
             ('SELECT x, nullif(x % 4, 3)::smallint AS l, (x / 4)::numeric(9, 0)::numeric / CASE WHEN x % 2 = 0 THEN 1 ELSE 1.00 END AS g, x % 2 AS a FROM generate_series(0, 39) x'),
             ('SELECT x, x % 2 AS l, nullif(x / 4, 3) AS g, x AS a FROM generate_series(0, 39) x'),
             ('VALUES (1, 1, 1, 1), (2, 0, 1, 0), (3, 0, 2, 1), (4, 1, 2, 1)')) t (query),
     LATERAL easq_train('t', 'SELECT * FROM (' || t.query || ') q (x, l, g, a);  -- with an end', 'l', 'g', 'a', '{"epochs": 1, "pairs_per_answer": 1}') r;
-- every different label: up to pairs_per_row, no pair twice
SELECT pairs FROM easq_train('t', 'SELECT x, x % 2 AS l, x / 4 AS g FROM generate_series(0, 39) x', 'l', 'g', options => '{"epochs": 1, "pairs_per_row": 64}');
-- answers that make no pair
SET client_min_messages = error;
SELECT answers, loss_satisfaction, loss_alignment FROM easq_train('t', 'SELECT x, x % 2 AS l, x / 4 AS g, true AS a FROM generate_series(0, 39) x', 'l', 'g', 'a', '{"epochs": 1}');
SET client_min_messages = warning;

-- more answers than are remembered: as many of each value, and all of a rare one
SELECT easq_create_model('rare', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 2, "expert_hidden": 2, "replay_answers": 20}') \g /dev/null
SELECT easq_train('rare', 'SELECT x, x % 2 AS l, x / 4 AS g, (x % 500 > 0)::int + (x % 100 > 0)::int AS a FROM generate_series(1, 2000) x',
                  'l', 'g', 'a', '{"epochs": 1}') \g /dev/null
SELECT answer, count(*) FROM easq.answer WHERE model = 'rare' GROUP BY answer ORDER BY answer;

-- the query runs as whoever calls, and only the owner may train
CREATE ROLE regress_trainer;
GRANT USAGE ON SCHEMA regress TO regress_trainer;
GRANT EXECUTE ON FUNCTION easq_train TO regress_trainer;
SET ROLE regress_trainer;
\t on
SELECT fails($$SELECT easq_train('t', 'SELECT * FROM view', 'clicked', 'u')$$);
RESET ROLE;
SELECT easq_configure('t', '{"owner": "regress_trainer"}') \g /dev/null
SET ROLE regress_trainer;
SELECT fails($$SELECT easq_train('t', 'SELECT 1 AS x, * FROM view', 'clicked', 'u')$$);
RESET ROLE;
SELECT easq_configure('t', jsonb_build_object('owner', current_user)) \g /dev/null

-- what is refused, with nothing changed
SELECT state() AS before \gset
-- arguments and options
SELECT fails(format('SELECT easq_train(%L, %L, %L, %L)', m, q, l, g))
FROM (VALUES (NULL, 'SELECT 1', 'l', 'g'), ('t', NULL, 'l', 'g'), ('t', 'SELECT 1', NULL, 'g'), ('t', 'SELECT 1', 'l', NULL), ('none', 'SELECT 1', 'l', 'g')) t (m, q, l, g);
SELECT fails(format($$SELECT easq_train('t', 'SELECT 1', 'l', 'g', NULL, '%s')$$, o))
FROM unnest(ARRAY['{"epochs": 0}', '{"epoch": 1}', '{"batch_pairs": 1e6}', '{"buffer_rows": 8}', '{"alignment": "x"}', '{"respondent": 1}', '{"respondent": "u"}', '[]']) o;
-- queries
SELECT fails(format('SELECT easq_train(%L, %L, %L, %L)', 't', q, 'l', 'g'))
FROM unnest(ARRAY['SELEC 1', '', 'SELECT 1; SELECT 2', 'INSERT INTO view DEFAULT VALUES', 'COPY view TO STDOUT', 'EXPLAIN SELECT 1', 'SELECT 1 AS x INTO z',
    'WITH w AS (DELETE FROM view RETURNING 1) SELECT * FROM w', 'SELECT * FROM view FOR UPDATE', 'SELECT * FROM nowhere']) q;
-- columns
SELECT fails(format('SELECT easq_train(%L, %L, %L, %L, %L)', 't', 'SELECT ' || c || ' FROM generate_series(0, 39) s', 'l', 'g', 'a'))
FROM unnest(ARRAY['1 AS x, 1 AS g, 1 AS a', 's AS l, 1 AS x, 1 AS a', 's AS l, 1 AS g, 1 AS x', 's AS l, s AS l, 1 AS g, 1 AS x, 1 AS a', 's AS l, 1 AS g, 1 AS a', 's AS l, 1 AS g, 1 AS x, 2 AS x, 1 AS a',
    '''yes'' AS l, 1 AS g, 1 AS x, 1 AS a', 's AS l, 1 AS g, ''1'' AS x, 1 AS a', 's AS l, 1 AS g, 1 AS x, now() AS a']) c;
SELECT fails($$SELECT easq_train('t', 'SELECT 1 AS x, 1 AS l, 1 AS g, 1 AS a', 'l', 'g', 'a', '{"respondent": "r"}')$$);
-- rows
SELECT fails(format('SELECT easq_train(%L, %L, %L, %L, %L)', 't', 'SELECT ' || c, 'l', 'g', 'a'))
FROM unnest(ARRAY['1 AS x, 1 AS l, 1 AS g, 1 AS a WHERE false', 's AS x, s AS l, 1 AS g, s AS a FROM generate_series(0, 39) s', 's AS x, s AS l, NULL::int AS g, s AS a FROM generate_series(0, 39) s',
    's AS x, NULL::int AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s', 's AS x, 3 AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s', 's AS x, s / 2 AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s',
    's AS x, CASE s WHEN 6 THEN ''NaN'' ELSE s::real END AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s', 'CASE s WHEN 6 THEN ''Infinity'' ELSE s::real END AS x, s AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s',
    's AS x, s AS l, s / 2 AS g, CASE s WHEN 6 THEN ''yes'' ELSE ''satisfied'' END AS a FROM generate_series(0, 39) s', 's AS x, s AS l, s / 2 AS g, CASE s WHEN 6 THEN ''-Infinity'' ELSE s::real END AS a FROM generate_series(0, 39) s',
    '1e300 * s AS x, s AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s', 's AS x, 1 / (s - 6) AS l, s / 2 AS g, s AS a FROM generate_series(0, 39) s']) c;
-- weights that run away
SELECT substr(fails($$SELECT easq_train('m', 'SELECT * FROM view', 'clicked', 'u', options => '{"learning_rate": 10, "max_grad_norm": 1e9}')$$), 1, 5);
BEGIN READ ONLY;
SELECT fails($$SELECT easq_train('t', 'SELECT 1', 'l', 'g')$$);
COMMIT;
\t off
SELECT state() = :'before' AS unchanged;

\o /dev/null
SELECT easq_drop_model(name) FROM easq.models;
\o
DROP OWNED BY regress_trainer;
DROP ROLE regress_trainer;
DROP SCHEMA regress CASCADE;
