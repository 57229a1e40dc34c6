\set ECHO none
\i test/tools.sql
\set ECHO all

SELECT easq_create_model('j', '[
    {"name": "minutes", "kind": "numeric"}, {"name": "price", "kind": "numeric"}, {"name": "live", "kind": "numeric"}, {"name": "viewer", "kind": "categorical", "size": 500, "dim": 4},
    {"name": "topic", "kind": "categorical", "size": 50, "dim": 3}, {"name": "kids", "kind": "categorical", "size": 5, "dim": 2}, {"name": "tags", "kind": "categorical", "size": 90, "dim": 4},
    {"name": "slot", "kind": "categorical", "size": 10, "dim": 3, "encoding": "index"}, {"name": "slots", "kind": "categorical", "size": 10, "dim": 3, "encoding": "index"},
    {"name": "v", "kind": "vector", "dim": 3}]', '{"seed": 5, "hidden": 16, "expert_hidden": 8}'),
       easq_create_model('v', '[{"name": "v", "kind": "vector", "dim": 3}]', '{"hidden": 8, "expert_hidden": 4}') \g /dev/null
CREATE TYPE topic AS ENUM ('cooking', 'music', 'Ärger "x"');
CREATE TABLE views AS
SELECT i AS id, i / 7.0::float8 AS minutes, (i * 1.37)::numeric(10, 3) AS price, i % 2 = 0 AS live, i % 300 - 5 AS viewer, (enum_range(NULL::topic))[1 + i % 3] AS topic, i % 5 = 0 AS kids,
       CASE WHEN i % 13 > 0 THEN ARRAY['a' || i % 17, NULL, 'b'] END AS tags, (i % 10)::smallint AS slot, ARRAY[i % 10, 3]::bigint[] AS slots, ARRAY[sin(i), i, 1e-9]::real[] AS v, i % 2 AS chosen
FROM generate_series(1, 600) i;
UPDATE views SET minutes = NULL, viewer = NULL, tags = '{}', slot = NULL, v = NULL WHERE id % 11 = 0;
SET client_min_messages = warning;
SELECT rows FROM easq_train('j', 'SELECT *, id % 7 AS list, chosen AS answer FROM views', 'chosen', 'list', 'answer', '{"epochs": 1}');
RESET client_min_messages;

-- the same to the bit as columns of these types, by every function
SELECT count(*), count(DISTINCT row) > 500 AS differ, bool_and(json = row) AS score, bool_and(satisfaction) AS satisfaction, bool_and(probability) AS probability, bool_and(uncertainty) AS uncertainty, bool_and(batch) AS batch FROM (
    SELECT easq_score('j', t) AS row, easq_score('j', to_jsonb(t)) AS json,
           easq_satisfaction('j', t) = easq_satisfaction('j', to_jsonb(t)) AS satisfaction,
           easq_probability('j', t) = easq_probability('j', to_jsonb(t)) AS probability,
           easq_uncertainty('j', t) = easq_uncertainty('j', to_jsonb(t)) AS uncertainty,
           easq_batch_score('j', t) OVER w = easq_batch_score('j', to_jsonb(t)) OVER w AS batch
    FROM views t WINDOW w AS (ORDER BY id)) s;
-- stored out of line and compressed, too
CREATE TABLE wide AS SELECT to_jsonb(t) || jsonb_build_object('extra', repeat('x', 100000), 'noise', (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 200) n)) AS features FROM views t;
SELECT count(*), bool_and(easq_score('j', features) = easq_score('j', t)) AS same FROM wide JOIN views t ON t.id = (features->>'id')::int WHERE t.id < 20;

-- how a value may be written
SELECT to_jsonb(t) AS row, easq_score('j', t) AS score FROM views t WHERE id = 23 \gset
SELECT bool_and(easq_score('j', :'row'::jsonb || change) = :'score') AS same FROM unnest(ARRAY[
    '{"viewer": 18.0}', '{"viewer": 1.8e1}', '{"viewer": "18"}', '{"viewer": [18]}', '{"viewer": [null, 18.00]}', '{"kids": "false"}', '{"live": 0}', '{"slot": 3.0}', '{"slots": [3.0, 3e0]}',
    '{"more": {"a": [1]}, "Viewer": 7}', '{"minutes": 1, "minutes": 3.2857142857142856}']::jsonb[]) change;
SELECT left(change::text, 20) AS change, easq_score('j', :'row'::jsonb || change) = :'score' AS same FROM unnest(ARRAY[
    '{"viewer": 1}', '{"kids": true}', '{"viewer": null}', '{"tags": []}', '{"minutes": null}', '{"v": null}', '{"minutes": -1e-400}']::jsonb[]) change;
SELECT easq_score('j', :'row'::jsonb || '{"tags": null}') = easq_score('j', :'row'::jsonb || '{"tags": [null]}') AS "no tags",
       easq_score('j', :'row'::jsonb || '{"viewer": 123456789012345678901234567890}') = easq_score('j', :'row'::jsonb || '{"viewer": "123456789012345678901234567890"}') AS "long number";

-- NULL; several models; a prepared statement
SELECT easq_score('j', NULL::jsonb) AS "row", easq_score(NULL, '{}'::jsonb) AS model, easq_batch_score('j', NULL::jsonb) OVER () AS batch;
SELECT count(*), bool_and(same) AS same FROM (
    SELECT easq_batch_score(m, to_jsonb(t)) OVER w = easq_batch_score(m, t) OVER w AS same FROM (SELECT *, CASE WHEN id % 3 = 0 THEN 'v' ELSE 'j' END AS m FROM views) t WINDOW w AS (ORDER BY id)) s;
PREPARE one (jsonb) AS SELECT easq_score('j', $1) = $2::real AS same;
EXECUTE one (:'row', :'score');
DEALLOCATE one;

-- which function a call means
SELECT easq_score('v', ARRAY[1, 2, 3]) = easq_score('v', '{"v": [1, 2, 3]}'::jsonb) AS "array", easq_score('v', r) = easq_score('v', features => '{"v": [1, 2, 3]}'::jsonb, adapter => NULL) AS record,
       pg_typeof(easq_score('v', '{1,2,3}'::real[])) AS type FROM (SELECT ARRAY[1, 2, 3]::real[] AS v) r;
\t on
SELECT fails('SELECT easq_score(''v'', ''{"v": [1, 2, 3]}'')');
SELECT fails('SELECT easq_score(''v'', ''{"v": [1, 2, 3]}''::json)');
SELECT fails('SELECT easq_score(''v'', ''{"v": [1, 2, 3]}''::jsonb, adapter => ''mine'')');
SELECT fails('SELECT easq_batch_score(''v'', ''{"v": [1, 2, 3]}''::jsonb, version => ''monday'') OVER ()');

-- a key that is not there
SELECT fails('SELECT easq_score(''v'', ''{}''::jsonb)');
SELECT fails(format('SELECT easq_score(''j'', %L::jsonb - ''topic'')', :'row'));
SELECT fails('SELECT easq_configure(''j'', ''{"missing": "zero"}'')');
SELECT easq_configure('j', '{"missing": "null"}') \g /dev/null
SELECT easq_score('j', :'row'::jsonb - 'topic') = easq_score('j', :'row'::jsonb || '{"topic": null}') AS same, easq_score('j', '{}'::jsonb) > 0 AS nothing;
SELECT fails('SELECT easq_score(''j'', t) FROM (SELECT 1 AS minutes) t');
SELECT easq_configure('j', '{"missing": null}') \g /dev/null
SELECT fails(format('SELECT easq_score(''j'', %L::jsonb - ''topic'')', (SELECT jsonb_object_agg('k' || i, i) || '{"minutes": 1, "price": 1, "live": 1, "viewer": 1}' FROM generate_series(1, 30) i)));

-- what cannot be read
SELECT left(change::text, 20), fails(format('SELECT easq_score(''j'', %L::jsonb)', :'row'::jsonb || change)) FROM unnest(ARRAY[
    '{"minutes": "NaN"}', '{"minutes": "4.5"}', '{"minutes": {"value": 1}}', '{"minutes": [1]}', '{"minutes": 1e400}', '{"viewer": {"id": 1}}', '{"viewer": 1.5}', '{"viewer": [[1], 2]}', '{"viewer": [1, {}]}',
    '{"slot": "3"}', '{"slot": true}', '{"slot": 10}', '{"slot": -1}', '{"slot": 1e30}', '{"slots": [1, 99]}', '{"slot": 1.5}', '{"v": 1}', '{"v": "[1,2,3]"}', '{"v": [1, 2]}', '{"v": [1, 2, null]}', '{"v": [1, 2, "3"]}', '{"v": [1, [2], 3]}', '{"v": [1, 2, 1e39]}']::jsonb[]) change;
SELECT fails('SELECT easq_score(''v'', ''[1, 2, 3]''::jsonb)');
SELECT fails('SELECT easq_score(''v'', ''7''::jsonb)');
SELECT fails('SELECT easq_score(''v'', ''null''::jsonb)');
SELECT fails('SELECT easq_uncertainty(''v'', ''{"v": [1, 2, 3]}''::jsonb)');
SELECT fails('SELECT easq_score(''none'', ''{"v": [1, 2, 3]}''::jsonb)');
\t off
-- after an error a loop goes on
DO $$
DECLARE
    scores real[];
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            scores := scores || easq_score('v', jsonb_build_object('v', CASE i WHEN 2 THEN '[1, 2, "x"]' ELSE '[1, 2, 3]' END::jsonb));
        EXCEPTION WHEN datatype_mismatch THEN
            NULL;
        END;
    END LOOP;
    RAISE NOTICE '% scores, %', cardinality(scores), CASE WHEN scores[1] = scores[2] THEN 'the same' END;
END $$;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
