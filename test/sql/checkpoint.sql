\set ECHO none
\i test/tools.sql
\set ECHO all

\set features '[{"name": "a", "kind": "numeric"}, {"name": "g", "kind": "categorical", "size": 20, "dim": 2}]'
SELECT easq_create_model('kept', :'features', '{"hidden": 8, "expert_hidden": 4, "rank": 2}') \g /dev/null
CREATE TABLE views AS SELECT i / 10 AS session, i % 7 AS a, 'g' || i % 5 AS g, i % 3 = 0 AS clicked FROM generate_series(1, 200) i;
CREATE TABLE answers (user_id int, a int, g text, answer bool);
SELECT easq_learn('kept', 'answers') \g /dev/null
SET client_min_messages = warning;
SELECT rows, groups FROM easq_train('kept', 'SELECT * FROM views', 'clicked', 'session', options => '{"epochs": 2}');
RESET client_min_messages;
INSERT INTO answers SELECT i % 4, i, 'g' || i, i % 2 = 0 FROM generate_series(1, 10) i;

-- Kept, then everything moves: weights, optimiser, statistics, options.
SELECT easq_checkpoint('kept', 'monday') \g /dev/null
CREATE TABLE monday AS SELECT easq_export('kept') AS file,
    (SELECT md5(string_agg(name || chunk || md5(data), ',' ORDER BY name, chunk)) FROM easq.tensor WHERE model = 'kept' AND checkpoint = 0 AND state = 'current' AND part = 'moments') AS moments,
    (SELECT (backbone_step, mean, deviation, options)::text FROM easq.model WHERE name = 'kept') AS definition,
    (SELECT step FROM easq.adapter WHERE model = 'kept' AND checkpoint = 0 AND state = 'current') AS step;
SELECT easq_configure('kept', '{"alpha": 3, "lambda2": 0.1, "learning_rate": 0.01}') \g /dev/null
SET client_min_messages = warning;
SELECT rows FROM easq_train('kept', 'SELECT session, a * 100 AS a, g, clicked FROM views', 'clicked', 'session', options => '{"epochs": 1}');
RESET client_min_messages;
INSERT INTO answers SELECT i % 4, i, 'g' || i, i % 3 = 0 FROM generate_series(11, 20) i;
SELECT easq_export('kept') <> file AS moved FROM monday;
CREATE FUNCTION as_monday() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', easq_export('kept') = file,
        (SELECT md5(string_agg(name || chunk || md5(data), ',' ORDER BY name, chunk)) FROM easq.tensor WHERE model = 'kept' AND checkpoint = 0 AND state = 'current' AND part = 'moments') = moments,
        (SELECT (backbone_step, mean, deviation, options)::text FROM easq.model WHERE name = 'kept') = definition,
        (SELECT a.step FROM easq.adapter a WHERE model = 'kept' AND checkpoint = 0 AND state = 'current') = monday.step) FROM monday $$;
SELECT id AS adapter_before FROM easq.adapter WHERE model = 'kept' AND checkpoint = 0 AND state = 'current' \gset

-- Back, to the bit; under new ids; and what is remembered stays.
SELECT as_monday() AS "file, moments, definition, step";
BEGIN;
SELECT easq_restore('kept', 'monday') \g /dev/null
SELECT as_monday() AS "file, moments, definition, step", (SELECT answers FROM easq.models WHERE name = 'kept') AS answers;
ROLLBACK;
SELECT as_monday() AS "rolled back", id = :'adapter_before' AS "same id" FROM easq.adapter WHERE model = 'kept' AND checkpoint = 0 AND state = 'current';
SELECT easq_restore('kept', 'monday') \g /dev/null
SELECT as_monday() AS "file, moments, definition, step", id <> :'adapter_before' AS "new id" FROM easq.adapter WHERE model = 'kept' AND checkpoint = 0 AND state = 'current';

-- The same answers lead from there to the same weights.
SELECT easq_align('kept', '{{1,2,3}}', '{{3,2,1}}') \g /dev/null
SELECT easq_export('kept') AS once \gset
SELECT easq_restore('kept', 'monday') \g /dev/null
SELECT easq_align('kept', '{{1,2,3}}', '{{3,2,1}}') \g /dev/null
SELECT easq_export('kept') = :'once' AS again;

-- A label is written over; a checkpoint made before any training is restored as untrained.
SELECT easq_checkpoint('kept', 'monday') \g /dev/null
SELECT as_monday() AS "another monday", count(*) AS labels FROM easq.checkpoint WHERE model = 'kept';
SELECT easq_create_model('raw', :'features', '{"hidden": 8, "rank": 0}') \g /dev/null
SELECT easq_checkpoint('raw', 'start') \g /dev/null
SET client_min_messages = warning;
SELECT rows FROM easq_train('raw', 'SELECT * FROM views', 'clicked', 'session', options => '{"epochs": 1}');
RESET client_min_messages;
SELECT easq_restore('raw', 'start') \g /dev/null
SELECT trained_at IS NULL AS untrained, mean, deviation, backbone_step FROM easq.model WHERE name = 'raw';
SELECT count(*) AS moments FROM easq.tensor WHERE model = 'raw' AND checkpoint = 0 AND part = 'moments';

SELECT fails($$SELECT easq_restore('kept', 'tuesday')$$);
SELECT fails($$SELECT easq_checkpoint('nobody', 'monday')$$);
SELECT fails($$SELECT easq_checkpoint('kept', '')$$);
SELECT easq_drop_model('kept') \g /dev/null
SELECT easq_drop_model('raw') \g /dev/null
SELECT (SELECT count(*) FROM easq.checkpoint) + (SELECT count(*) FROM easq.tensor) + (SELECT count(*) FROM easq.adapter) AS left;
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
