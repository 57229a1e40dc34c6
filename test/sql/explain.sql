\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- Clicks follow loudness and what viewer and topic are together; answers follow care.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE candidate AS
SELECT u, 'u' || u % 20 AS viewer, 't' || i % 6 AS topic, luck('loud', i, 0) AS loudness, luck('care', i, 0) AS care, i % 3 = 0 AS live, ARRAY[i % 7, 1]::real[] AS v,
       luck('click', u, i) < luck('loud', i, 0) * 0.6 + (u % 6 = i % 6)::int * 0.4 AS clicked, luck('like', u, i) < luck('care', i, 0) AS liked
FROM generate_series(1, 200) u, generate_series(1, 30) i;
SELECT easq_create_model('m', '[
    {"name": "viewer", "kind": "categorical", "size": 100, "dim": 4}, {"name": "topic", "kind": "categorical", "size": 30, "dim": 4}, {"name": "loudness", "kind": "numeric"},
    {"name": "care", "kind": "numeric"}, {"name": "live", "kind": "categorical", "size": 7, "dim": 2}, {"name": "v", "kind": "vector", "dim": 2}]', '{"seed": 1, "hidden": 16, "expert_hidden": 8, "behaviour_budget": 1}'),
       easq_create_model('plain', '[{"name": "loudness", "kind": "numeric"}, {"name": "v", "kind": "vector", "dim": 2}]', '{"beliefs": false, "factors": 0}') \g /dev/null
SELECT rows FROM easq_train('m', 'SELECT * FROM candidate', 'clicked', 'u', options => '{"epochs": 2}');
CREATE TABLE survey AS SELECT u AS user_id, viewer, topic, loudness, care, live, v, liked AS answer FROM candidate WHERE false;
SELECT easq_learn('m', 'survey') \g /dev/null
DO $$ BEGIN
    FOR part IN 0 .. 9 LOOP
        INSERT INTO survey SELECT u, viewer, topic, loudness, care, live, v, liked FROM candidate WHERE luck('asked', u, (care * 1000)::int) < 0.05 AND u % 10 = part;
    END LOOP;
END $$;
SELECT knob > 0 AS knob FROM easq.models WHERE name = 'm';

CREATE FUNCTION logit(score real) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$ SELECT score + ln(1 - exp(-score::float8)) $$;
CREATE FUNCTION near(a float8, b float8) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ SELECT abs(a - b) < 1e-4 $$;
CREATE VIEW one AS SELECT viewer, topic, loudness, care, live, v, 7 AS other FROM candidate WHERE u = 3 ORDER BY loudness DESC LIMIT 1;
CREATE VIEW nothing AS SELECT NULL::text AS viewer, NULL::text AS topic, NULL::float8 AS loudness, NULL::float8 AS care, NULL::bool AS live, NULL::real[] AS v;

-- what it says: the loudest thing is up for its loudness; care is what answers tell
SELECT e.feature, e.value, abs(contribution) > 0.01 AS counts, error FROM one, easq_explain('m', one) e ORDER BY e.feature COLLATE "C";
SELECT (SELECT feature FROM easq_explain('m', one) LIMIT 1) AS first, (SELECT bool_and(abs(contribution) <= last OR last IS NULL) FROM (SELECT contribution, lag(abs(contribution)) OVER () AS last FROM easq_explain('m', one)) s) AS "in order",
       (SELECT e.feature FROM (SELECT * FROM candidate ORDER BY care DESC, u LIMIT 1) c, easq_explain('m', c) e WHERE satisfaction > 0 ORDER BY satisfaction DESC LIMIT 1) AS "satisfies most" FROM one;
-- it adds up: ranking, main alone, satisfaction
SELECT count(*), bool_and(near(sum, logit(easq_score('m', c)) - logit(easq_score('m', n)))) AS ranking, bool_and(near(satisfaction, logit(easq_satisfaction('m', c)) - logit(easq_satisfaction('m', n)))) AS satisfaction,
       bool_and(parts) AS parts, bool_and(knob) AS knob
FROM (SELECT viewer, topic, loudness, care, live, v FROM candidate WHERE u < 20 AND live) c, nothing n,
     LATERAL (SELECT sum(contribution) AS sum, sum(satisfaction) AS satisfaction, bool_and(near(contribution, main + belief)) AND sum(abs(learned)) > 0 AS parts,
                     bool_and(near(belief, satisfaction * (SELECT knob FROM easq.models WHERE name = 'm'))) AS knob FROM easq_explain('m', c)) e;
-- what answers did to main: the difference to the model as training left it
SELECT easq_checkpoint('m', 'now') \g /dev/null
SELECT sum(main) AS now, sum(learned) AS learned FROM one, easq_explain('m', one) \gset
SELECT easq_reset_alignment('m') \g /dev/null
SELECT near(sum(main), :now - :learned) AS "as trained", bool_and(abs(learned) < 1e-6) AS nothing FROM one, easq_explain('m', one);
SELECT easq_restore('m', 'now') \g /dev/null
SELECT near(sum(main), :now) AS main, near(sum(learned), :learned) AS learned FROM one, easq_explain('m', one);
-- one plan, another model
PREPARE explained AS SELECT sum(learned) FROM one, easq_explain('m', one);
EXECUTE explained \gset before_
INSERT INTO survey SELECT u, viewer, topic, loudness, care, live, v, liked FROM candidate WHERE luck('more', u, (care * 1000)::int) < 0.05;
EXECUTE explained \gset after_
SELECT :before_sum <> :after_sum AS "sees the step";
DEALLOCATE explained;
-- against another row, by key
SELECT near(sum(contribution), (SELECT logit(easq_score('m', '{"viewer": "u1", "topic": "t1", "loudness": 0.9, "care": 0.1, "live": true, "v": [1, 2]}'::jsonb))
                                     - logit(easq_score('m', '{"viewer": "u1", "topic": "t2", "loudness": 0.1, "care": 0.1, "live": true, "v": [1, 2]}'::jsonb)))) AS "adds up",
       array_agg(feature ORDER BY feature COLLATE "C") FILTER (WHERE contribution <> 0) AS differ, array_agg(value ORDER BY feature COLLATE "C") AS "values"
FROM easq_explain('m', '{"viewer": "u1", "topic": "t1", "loudness": 0.9, "care": 0.1, "live": true, "v": [1, 2]}'::jsonb,
                  reference => '{"viewer": "u1", "topic": "t2", "loudness": 0.1, "care": 0.1, "live": true, "v": [1, 2]}');
-- Shapley values by hand, from the scores of all eight mixtures
WITH mixed AS (
    SELECT s, logit(easq_score('m', jsonb_build_object('viewer', CASE WHEN s & 1 > 0 THEN 'u5' END, 'topic', CASE WHEN s & 2 > 0 THEN 't5' END, 'loudness', CASE WHEN s & 4 > 0 THEN 0.8 END, 'care', null, 'live', null, 'v', null))) AS f
    FROM generate_series(0, 7) s), by_hand AS (
    SELECT name, sum((b.f - a.f) * (ARRAY[2, 1, 2])[1 + (a.s & 1) + (a.s >> 1 & 1) + (a.s >> 2)] / 6) AS share
    FROM (VALUES ('viewer', 1), ('topic', 2), ('loudness', 4)) feature (name, bit) JOIN mixed a ON a.s & bit = 0 JOIN mixed b ON b.s = a.s | bit GROUP BY 1)
SELECT count(*), bool_and(near(contribution, share)) AS same FROM by_hand JOIN easq_explain('m', '{"viewer": "u5", "topic": "t5", "loudness": 0.8, "care": null, "live": null, "v": null}'::jsonb) ON feature = name;

-- the same row in both forms; a model without beliefs; a row that is the reference; NULL
SELECT bool_and(row = key) AS same FROM one, LATERAL (SELECT (SELECT array_agg((feature, contribution, main, satisfaction))::text FROM easq_explain('m', one)) AS row, (SELECT array_agg((feature, contribution, main, satisfaction))::text FROM easq_explain('m', to_jsonb(one))) AS key) s;
SELECT near(sum(contribution), logit(easq_score('plain', one)) - logit(easq_score('plain', n))) AS "adds up", bool_and(belief = 0) AS "no belief", bool_and(learned IS NULL) AS "never trained", near(sum(satisfaction), logit(easq_satisfaction('plain', one)) - logit(easq_satisfaction('plain', n))) AS satisfaction
FROM one, nothing n, easq_explain('plain', one) GROUP BY one.*, n.*;
SELECT feature, value, contribution, main, learned, belief, satisfaction, error FROM nothing, easq_explain('m', nothing) ORDER BY feature COLLATE "C" LIMIT 2;
SELECT count(*) FROM easq_explain('m', NULL::one);
SELECT count(*) FROM easq_explain(NULL, '{}'::jsonb);
SELECT octet_length(value) AS clipped FROM easq_explain('m', '{"viewer": null, "topic": null, "loudness": null, "care": null, "live": null, "v": null}'::jsonb || jsonb_build_object('topic', repeat('x', 1000))) WHERE feature = 'topic';

-- many features: drawn orders, the same each time, whose error is said
SELECT easq_create_model('many', (SELECT jsonb_agg(jsonb_build_object('name', 'x' || i, 'kind', 'numeric')) FROM generate_series(1, 40) i), '{"seed": 3}') \g /dev/null
SELECT jsonb_object_agg('x' || i, CASE WHEN i <= 30 THEN sin(i) END) AS row, jsonb_object_agg('x' || i, null) AS nothing FROM generate_series(1, 40) i \gset
SELECT count(*), near(sum(contribution), logit(easq_score('many', :'row'::jsonb)) - logit(easq_score('many', :'nothing'::jsonb))) AS "adds up", count(*) FILTER (WHERE error > 0) AS drawn,
       max(error) < 0.05 * sqrt(sum(contribution * contribution)) AS small, array_agg(contribution) = (SELECT array_agg(contribution) FROM easq_explain('many', :'row'::jsonb)) AS again FROM easq_explain('many', :'row'::jsonb);
-- the error is as large as it says: against exact values of twelve features, the rest at their means in both rows
SELECT easq_create_model('wide', (SELECT jsonb_agg(jsonb_build_object('name', 'x' || i, 'kind', 'numeric')) FROM generate_series(1, 14) i), '{"seed": 4}') \g /dev/null
SELECT count(*), bool_and(abs(e.contribution - d.contribution) < 5 * d.error + 1e-6) AS within FROM
    easq_explain('wide', (SELECT jsonb_object_agg('x' || i, CASE WHEN i <= 12 THEN 3 * sin(i) ELSE 0 END) FROM generate_series(1, 14) i), reference => '{"x13": 0, "x14": 0}') e
    JOIN easq_explain('wide', (SELECT jsonb_object_agg('x' || i, CASE WHEN i <= 12 THEN 3 * sin(i) ELSE 0 END) FROM generate_series(1, 14) i)) d USING (feature) WHERE e.error = 0 AND d.error > 0;

\t on
SELECT fails('SELECT * FROM easq_explain(''none'', ''{}''::jsonb)');
SELECT fails('SELECT * FROM easq_explain(''m'', ''{}''::jsonb)');
SELECT fails('SELECT * FROM one, easq_explain(''m'', one, reference => ''{"loudness": "x"}'')');
SELECT fails('SELECT * FROM one, easq_explain(''m'', one, reference => ''[]'')');
SELECT fails('SELECT * FROM one, easq_explain(''m'', one, adapter => ''mine'')');
SELECT fails('SELECT * FROM one, easq_explain(''m'', one, version => ''monday'')');
SELECT fails('SELECT * FROM easq_explain(''m'', ROW(1, 2))');
\t off

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
