\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- The behaviour budget, where satisfaction is the exact opposite of clicks: nothing is left of behaviour without it.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE thing AS SELECT t AS id, t % 40 AS maker, luck('loud', t % 40, 0) AS loud FROM generate_series(1, 200) t;
CREATE TABLE seen AS
SELECT u, id, maker, loud, luck('click', u, id) < 0.2 + 0.6 * loud AS clicked
FROM generate_series(1, 900) u, generate_series(1, 20) place JOIN thing ON true WHERE id = 1 + (7 * u + 13 * place) % 200;
CREATE FUNCTION clicks_gauc(model text) RETURNS float8 LANGUAGE sql AS
$$ SELECT value FROM easq_evaluate(model, 'SELECT * FROM seen WHERE u > 600', 'clicked', 'u') WHERE metric = 'gauc' $$;
CREATE FUNCTION make(model text, options jsonb) RETURNS void LANGUAGE sql AS $$
    SELECT easq_create_model(model, '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 4}, {"name": "loud", "kind": "numeric"}]',
                             '{"hidden": 16, "expert_hidden": 8, "lambda2": 3}'::jsonb || options);
    SELECT rows FROM easq_train(model, 'SELECT * FROM seen WHERE u <= 600', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 8}') $$;
SELECT make('tight', '{"factors": 0, "beliefs": false}'), make('beside', '{}'), make('free', '{"behaviour_budget": 1}') \g /dev/null

-- what training holds back
SELECT sample, group_trained, count(*) > 400 AS pairs, count(DISTINCT group_number) AS groups, avg(trained) > 0.6 AS learned FROM easq.held WHERE model = 'tight' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS without_budget FROM easq.held WHERE model = 'free';
CREATE TABLE start AS SELECT m AS model, clicks_gauc(m) AS gauc, easq_export(m) AS file FROM unnest(ARRAY['tight', 'beside', 'free']) m;

CREATE TABLE survey (user_id int, maker int, loud float8, answer bool);
SELECT easq_learn('tight', 'survey'), easq_learn('beside', 'survey'), easq_learn('free', 'survey') \g /dev/null
DO $$
DECLARE s record;
BEGIN
    FOR s IN SELECT * FROM seen WHERE u <= 100 ORDER BY luck('asked', u, id) LIMIT 400 LOOP
        INSERT INTO survey VALUES (s.u, s.maker, s.loud, NOT s.clicked);
    END LOOP;
END $$;
SELECT model, (gauc - clicks_gauc(model)) / (gauc - 0.5) < 0.08 AS held, (gauc - clicks_gauc(model)) / (gauc - 0.5) > 0.5 AS lost FROM start ORDER BY model;
SELECT name, behaviour_cost <= 0.05 AS within FROM easq.models ORDER BY name;
-- the satisfaction pathway learned all the same
SELECT model, avg("accuracy/satisfaction") > 0.6 AS learned, avg("accuracy/main") < 0.45 AS "behaviour's order is kept", min(alignment_strength) < 0.5 AS eased, bool_and(behaviour_cost < 0.5) AS judged
FROM (SELECT * FROM easq.steps WHERE model = 'tight' ORDER BY id DESC LIMIT 200) s GROUP BY model;
SELECT DISTINCT status FROM easq.steps WHERE model = 'tight' AND source = 'insert' ORDER BY 1;
-- where answers are counted the knob spends the budget: LoRA and main stay as training left them, and are not written again
SELECT bool_and(now.data = trained.data) FILTER (WHERE now.name ~ '^(lora|main)') AS rested, bool_or(now.data <> trained.data) FILTER (WHERE now.name ~ '^satisfaction') AS learned
FROM easq.tensor now JOIN easq.tensor trained USING (model, checkpoint, name, part, chunk) WHERE model = 'beside' AND now.state = 'current' AND trained.state = 'trained' AND part = 'weight';
SELECT count(DISTINCT id) AS ids FROM easq.tensor WHERE model = 'beside' AND state = 'current' AND name ~ '^(lora|main|satisfaction|ranking)' AND part <> 'belief';
SELECT min(status) AS "all steps are", max(alignment_strength) AS strength FROM easq.steps WHERE model = 'beside' AND source = 'insert';
SELECT count(*) > 300 AS rows, max(answers) = 100 AS "of 100 steps", bool_and("accuracy/satisfaction" BETWEEN 0 AND 1) AS shares FROM easq.progress WHERE model = 'tight';

-- P(satisfied): calibrated on answers before they were learned, the latest ones most
SELECT abs(avg(easq_probability('tight', s)) - avg(answer::int)) < 0.05 AS calibrated FROM (SELECT * FROM survey ORDER BY ctid DESC LIMIT 200) s;
SELECT bool_and(easq_probability('tight', s) BETWEEN 0 AND 1) AS probabilities, corr(easq_probability('tight', s), easq_satisfaction('tight', s)) > 0.8 AS ordered
FROM seen s WHERE u BETWEEN 101 AND 200;
SELECT easq_probability('tight', NULL::seen) IS NULL AS null, fails($$SELECT easq_probability('tight', ARRAY[1, 2])$$);

-- training again carries over what has been spent; only easq_reset_alignment gives it back
SELECT behaviour_cost AS spent FROM easq.adapter WHERE model = 'tight' AND state = 'current' AND checkpoint = 0 \gset
SELECT rows FROM easq_train('tight', 'SELECT * FROM seen WHERE u <= 600', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT abs(behaviour_cost - greatest(:spent, 0)) < 1e-12 AS carried FROM easq.adapter WHERE model = 'tight' AND state = 'current' AND checkpoint = 0;
SELECT easq_export('tight') AS trained \gset
INSERT INTO survey SELECT u, maker, loud, NOT clicked FROM seen WHERE u BETWEEN 101 AND 102;
SELECT easq_export('tight') <> :'trained' AS learned;
SELECT easq_reset_alignment('tight') \g /dev/null
-- all but the knob, which pays from the budget
SELECT data(easq_export('tight')) = data(:'trained') AND header(easq_export('tight')) #- '{__metadata__,beliefs}' = header(:'trained') #- '{__metadata__,beliefs}' AS back, behaviour_cost FROM easq.models WHERE name = 'tight';
SELECT source, status FROM easq.steps ORDER BY id DESC LIMIT 1;
-- a checkpoint has its own
SELECT easq_checkpoint('tight', 'trained') \g /dev/null
INSERT INTO survey SELECT u, maker, loud, NOT clicked FROM seen WHERE u BETWEEN 103 AND 120;
SELECT easq_restore('tight', 'trained') \g /dev/null
SELECT data(easq_export('tight')) = data(:'trained') AND header(easq_export('tight')) #- '{__metadata__,beliefs}' = header(:'trained') #- '{__metadata__,beliefs}' AS restored, behaviour_cost FROM easq.models WHERE name = 'tight';
SELECT count(*) AS trained FROM easq.adapter WHERE model = 'tight' AND checkpoint = 0 AND state = 'trained';
-- imported weights are a start of their own
SELECT easq_import('tight', file) FROM start WHERE model = 'tight' \g /dev/null
SELECT behaviour_cost FROM easq.models WHERE name = 'tight';
SELECT easq_reset_alignment('tight') \g /dev/null
SELECT easq_export('tight') = file AS same FROM start WHERE model = 'tight';

-- what rehearsal keeps are margins of the weights that came back, here of opposite ones
SELECT easq_checkpoint('tight', 'clicks') \g /dev/null
SELECT rows FROM easq_train('tight', 'SELECT u, maker, loud, NOT clicked AS clicked FROM seen WHERE u <= 600', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 4, "learning_rate": 0.01}') \g /dev/null
SELECT avg(kept_chosen) > avg(kept_rejected) AS "kept as trained" FROM easq.behaviour WHERE model = 'tight';
SELECT easq_restore('tight', 'clicks') \g /dev/null
SELECT avg(kept_chosen) < avg(kept_rejected) AS "kept as restored" FROM easq.behaviour WHERE model = 'tight';
-- outliers among what is held back stop neither training nor learning
SELECT easq_create_model('odd', '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 4}, {"name": "v", "kind": "vector", "dim": 2}]', '{"hidden": 16, "expert_hidden": 8}') \g /dev/null
CREATE VIEW odd AS SELECT *, CASE WHEN id = 8 THEN ARRAY[1e4, -1e4] ELSE ARRAY[loud, 1] END::real[] AS v FROM seen;
SELECT rows FROM easq_train('odd', 'SELECT * FROM odd WHERE u <= 600', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 8}') \g /dev/null
CREATE TABLE odd_survey (user_id int, maker int, v real[], answer bool);
SELECT easq_learn('odd', 'odd_survey') \g /dev/null
DO $$ DECLARE s record; BEGIN FOR s IN SELECT * FROM odd WHERE u BETWEEN 1 AND 5 LOOP INSERT INTO odd_survey VALUES (s.u, s.maker, s.v, s.maker % 2 = 0); END LOOP; END $$;
SELECT count(*) FILTER (WHERE status IN ('applied', 'shortened')) > 80 AS learned FROM easq.steps WHERE model = 'odd';

-- too few groups, nothing learned, and bad values
SELECT easq_create_model('few', '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 4}, {"name": "loud", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4}') \g /dev/null
SELECT pairs FROM easq_train('few', 'SELECT * FROM seen WHERE u <= 15', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT count(*) AS held FROM easq.held WHERE model = 'few';
SELECT fails($$SELECT easq_configure('few', '{"behaviour_budget": -0.1}')$$);
SELECT fails($$SELECT easq_train('few', 'SELECT * FROM seen', 'clicked', 'u', options => '{"held_share": 0.5}')$$);
SELECT easq_create_model('new', '[{"name": "loud", "kind": "numeric"}]') \g /dev/null
SELECT fails($$SELECT easq_reset_alignment('new')$$);
SELECT fails($$SELECT easq_reset_alignment('none')$$);
-- rows so wide that they are toasted are found by the indexes too
SELECT easq_create_model('wide', '[{"name": "v", "kind": "vector", "dim": 600}]', '{"hidden": 8, "expert_hidden": 4}') \g /dev/null
SELECT rows FROM easq_train('wide', 'SELECT u, clicked, array_fill(loud::real, ARRAY[600]) AS v FROM seen WHERE u <= 120', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 4}');
SELECT count(*) AS held, sum(length(chosen)) AS bytes FROM easq.held WHERE model = 'wide' \gset scanned_
SELECT count(*) AS rehearsed FROM easq.behaviour WHERE model = 'wide' \gset
SET enable_seqscan = off;
SELECT count(*) > 0 AND count(*) = :scanned_held AND sum(length(chosen)) = :scanned_bytes AS held FROM easq.held WHERE model = 'wide';
SELECT count(*) > 0 AND count(*) = :rehearsed AS rehearsed FROM easq.behaviour WHERE model = 'wide';
RESET enable_seqscan;

SELECT easq_drop_model('tight') \g /dev/null
SELECT (SELECT count(*) FROM easq.held WHERE model = 'tight') AS held, (SELECT count(*) FROM easq.adapter WHERE model = 'tight') AS states;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
