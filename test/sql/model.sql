\set ECHO none
\i test/tools.sql
\set ECHO all

-- defaults
SELECT easq_create_model('plain', '[{"name": "age", "kind": "numeric"}]') \g /dev/null
SELECT name, owner = current_user::regrole AS mine, features, backbone_version, adapter_version, steps, answers,
       created_at <= now() AS created, trained_at
FROM easq.models;
SELECT jsonb_object_agg(key, value ORDER BY key) FROM easq.models, jsonb_each(options) WHERE name = 'plain';

-- every kind of feature, every option
SELECT easq_create_model('full', '[
    {"name": "age", "kind": "numeric"},
    {"name": "user_id", "kind": "categorical", "size": 100, "dim": 4},
    {"name": "tags", "kind": "categorical", "size": 50, "dim": 3, "encoding": "hash"},
    {"name": "slot", "kind": "categorical", "size": 10, "dim": 2, "encoding": "index"},
    {"name": "title", "kind": "vector", "dim": 5}]',
  '{"hidden": 8, "expert_hidden": 4, "experts": 3, "satisfaction_experts": 1, "rank": 2, "seed": -7,
    "alpha": 4, "learning_rate": 0.01, "lambda1": 0.5, "lambda2": 3, "beta": 0.1, "max_grad_norm": 2.5,
    "alignment": "distil", "pairwise": "logit", "anchor": 1, "pairs_per_answer": 4, "behaviour_pairs": 16,
    "replay_answers": 100, "replay_behaviour": 200}') \g /dev/null
SELECT jsonb_object_agg(key, value ORDER BY key) FROM easq.models, jsonb_each(options) WHERE name = 'full';
SELECT tensor, value->'shape' AS shape
FROM jsonb_each(header(easq_export('full'))) AS t (tensor, value)
WHERE tensor <> '__metadata__' ORDER BY (value #>> '{data_offsets,0}')::int;

-- rank 0: no LoRA
SELECT easq_create_model('flat', '[{"name": "age", "kind": "numeric"}]', '{"rank": 0}') \g /dev/null
SELECT header(easq_export('flat')) ? 'lora_A.weight' AS lora;

-- the same seed, the same weights, whatever the name; another seed, others
SELECT easq_create_model('same', '[{"name": "age", "kind": "numeric"}]', '{"seed": 0}'),
       easq_create_model('other', '[{"name": "age", "kind": "numeric"}]', '{"seed": 1}') \g /dev/null
SELECT md5(easq_export('same')) = md5(easq_export('plain')) AS same, md5(data(easq_export('other'))) = md5(data(easq_export('plain'))) AS other;

-- configuring: values stay until they are given again, null is the default
SELECT easq_configure('plain', '{"lambda2": 3, "alignment": "distil", "learning_rate": 0.1}') \g /dev/null
SELECT easq_configure('plain', '{"anchor": 0.25, "learning_rate": null}') \g /dev/null
SELECT easq_configure('plain', '{}'), easq_configure('plain', NULL) \g /dev/null
SELECT jsonb_object_agg(key, value ORDER BY key) FROM easq.models, jsonb_each(options)
WHERE name = 'plain' AND value <> (SELECT options->key FROM easq.models WHERE name = 'same');
SELECT data(easq_export('plain')) = data(easq_export('same')) AS "same weights";
SELECT easq_configure('plain', '{"alpha": null, "lambda2": null, "alignment": null, "anchor": null}') \g /dev/null
SELECT easq_export('plain') = easq_export('same') AS "as created";

-- alpha scales LoRA, and scores follow at once
SELECT easq_import('plain', with_numbers(easq_export('plain'), 'lora_B.weight', array_fill(0.5::real, ARRAY[256]))) \g /dev/null
SELECT easq_score('plain', ARRAY[1]) AS before \gset
SELECT easq_configure('plain', '{"alpha": 0}') \g /dev/null
SELECT easq_score('plain', ARRAY[1]) <> :before::real AS "LoRA was off";
SELECT easq_configure('plain', '{"alpha": 8}') \g /dev/null
SELECT easq_score('plain', ARRAY[1]) = :before::real AS "LoRA is back";
-- in one transaction, taken back
BEGIN;
SELECT easq_configure('plain', '{"alpha": 1}') \g /dev/null
SELECT easq_score('plain', ARRAY[1]) <> :before::real AS changed;
ROLLBACK;
SELECT easq_score('plain', ARRAY[1]) = :before::real AS "taken back";

-- names
SELECT easq_create_model(name, '[{"name": "age", "kind": "numeric"}]', '{"hidden": 2, "expert_hidden": 2}')
FROM unnest(ARRAY['it''s', 'a "quoted" name', 'with space', 'Grüße 你好', 'UPPER', 'upper', repeat('x', 63), 'new
line', '%s\', 'easq.model']) AS name \g /dev/null
SELECT name, easq_score(name, ARRAY[1]) = easq_score('upper', ARRAY[1]) AS works FROM easq.models
WHERE options->>'hidden' = '2' ORDER BY name;
SELECT count(easq_drop_model(name)) FROM easq.models WHERE options->>'hidden' = '2';
SELECT easq_create_model('odd columns', '[{"name": "it''s a \"column\"", "kind": "numeric"}, {"name": "größe", "kind": "categorical", "size": 4, "dim": 2}]') \g /dev/null
SELECT easq_score('odd columns', r) > 0 AS works FROM (SELECT 1 AS "größe", 2 AS "it's a ""column""") r;

-- the most of everything, at the border
SELECT easq_create_model('wide', '[{"name": "v", "kind": "vector", "dim": 16384}]', '{"hidden": 1, "expert_hidden": 1, "experts": 1, "satisfaction_experts": 1, "rank": 1}') \g /dev/null
SELECT easq_score('wide', array_fill(0.5, ARRAY[16384])) > 0 AS wide;
SELECT easq_create_model('many', (SELECT jsonb_agg(jsonb_build_object('name', 'f' || i, 'kind', 'numeric')) FROM generate_series(1, 256) i), '{"hidden": 2, "expert_hidden": 2}') \g /dev/null
SELECT easq_score('many', array_fill(0, ARRAY[256])) > 0 AS many;
-- an embedding table in several chunks
SELECT easq_create_model('tall', '[{"name": "c", "kind": "categorical", "size": 300000, "dim": 3, "encoding": "index"}]', '{"hidden": 2, "expert_hidden": 2}') \g /dev/null
SELECT name, count(*), sum(length(data)) FROM easq.tensor WHERE model = 'tall' AND name ~ '^embedding' GROUP BY name;
SELECT count(*), count(DISTINCT easq_score('tall', r)) > 1 AS differ FROM (SELECT unnest(ARRAY[0, 1, 87381, 87382, 299999]) AS c) r;

-- dropping leaves nothing behind
CREATE FUNCTION left_behind(model text) RETURNS TABLE ("table" regclass, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    column_name text;
BEGIN
    FOR "table", column_name IN
        SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'easq'::regnamespace AND relkind = 'r' AND (attname = 'model' OR relname = 'model' AND attname = 'name')
        ORDER BY relname
    LOOP
        EXECUTE format('SELECT count(*) FROM %s WHERE %I = $1', "table", column_name) INTO rows USING model;
        IF rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
CREATE TABLE answers (user_id int, age int, answer text);
SELECT easq_learn('same', 'answers') \g /dev/null
INSERT INTO answers VALUES (1, 30, 'satisfied'), (1, 40, 'dissatisfied'), (2, 50, 'satisfied');
SELECT * FROM left_behind('same');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'answers'::regclass;
SELECT easq_drop_model('same') \g /dev/null
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'answers'::regclass;
SELECT * FROM left_behind('same');
INSERT INTO answers VALUES (1, 30, 'satisfied');
SELECT easq_create_model('same', '[{"name": "age", "kind": "numeric"}]') \g /dev/null
SELECT easq_score('same', ARRAY[1]) = easq_score('flat', ARRAY[1]) AS "B starts at 0";
-- dropped and made again in one transaction, taken back
SELECT easq_score('same', ARRAY[1]) AS before \gset
BEGIN;
SELECT easq_drop_model('same') \g /dev/null
SELECT easq_create_model('same', '[{"name": "age", "kind": "numeric"}]', '{"seed": 3}') \g /dev/null
SELECT easq_score('same', ARRAY[1]) <> :before::real AS another;
ROLLBACK;
SELECT easq_score('same', ARRAY[1]) = :before::real AS "taken back";
BEGIN;
SELECT easq_drop_model('same') \g /dev/null
SELECT fails('SELECT easq_score(''same'', ARRAY[1])');
ROLLBACK;

SELECT state() AS before \gset
\t on
-- what is refused, with nothing changed
SELECT fails($$SELECT easq_create_model('plain', '[{"name": "age", "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model('', '[{"name": "age", "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model(repeat('ü', 32), '[{"name": "age", "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model(NULL, '[{"name": "age", "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model('new', NULL)$$);
-- features
SELECT fails($$SELECT easq_create_model('new', '{"name": "age", "kind": "numeric"}')$$);
SELECT fails($$SELECT easq_create_model('new', '"age"')$$);
SELECT fails($$SELECT easq_create_model('new', '[]')$$);
SELECT fails($$SELECT easq_create_model('new', (SELECT jsonb_agg(jsonb_build_object('name', 'f' || i, 'kind', 'numeric')) FROM generate_series(1, 257) i))$$);
SELECT fails($$SELECT easq_create_model('new', '["age"]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}, {"name": "b"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": 7, "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "", "kind": "numeric"}]')$$);
SELECT fails(format($$SELECT easq_create_model('new', '[{"name": "%s", "kind": "numeric"}]')$$, repeat('x', 64)));
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "number"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": null}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric", "mean": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric", "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 1, "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 100000001, "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 2.5, "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": "9", "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 1e100, "dim": 3}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 9, "dim": 0}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 9, "dim": 3, "encoding": "md5"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "c", "kind": "categorical", "size": 100000000, "dim": 64}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "v", "kind": "vector"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "v", "kind": "vector", "dim": 16385}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "v", "kind": "vector", "dim": 3, "encoding": "hash"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "v", "kind": "vector", "dim": 16384}, {"name": "a", "kind": "numeric"}]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "a", "kind": "numeric"}, {"name": "b", "kind": "numeric"}, {"name": "a", "kind": "vector", "dim": 2}]')$$);
-- options
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '[]')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '{"hiden": 8}')$$);
SELECT fails(format($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '{%s}')$$, o))
FROM unnest(ARRAY['"hidden": 0', '"hidden": 4097', '"hidden": 8.5', '"hidden": "8"', '"expert_hidden": -1', '"experts": 0',
    '"satisfaction_experts": 1000', '"rank": -1', '"rank": true', '"seed": 1e16', '"seed": 0.5', '"alpha": -1', '"alpha": [8]',
    '"learning_rate": 0', '"learning_rate": 11', '"learning_rate": 1e400', '"lambda1": -1', '"lambda2": 1e7', '"beta": 0',
    '"max_grad_norm": 0', '"alignment": "ppo"', '"alignment": 1', '"pairwise": "scores"', '"anchor": -0.5',
    '"pairs_per_answer": 0', '"behaviour_pairs": 8193', '"replay_answers": 1000001', '"replay_behaviour": -1']) AS o;
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '{"hidden": 4096, "expert_hidden": 1024, "experts": 32}')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '{"owner": "regress_nobody"}')$$);
SELECT fails($$SELECT easq_create_model('new', '[{"name": "age", "kind": "numeric"}]', '{"owner": 10}')$$);
-- configure
SELECT fails(format($$SELECT easq_configure('plain', '{"%s": 1}')$$, o))
FROM unnest(ARRAY['hidden', 'expert_hidden', 'experts', 'satisfaction_experts', 'rank', 'seed', 'features']) AS o;
SELECT fails($$SELECT easq_configure('plain', '{"lambda2": 2, "alpha": -1}')$$);
SELECT fails($$SELECT easq_configure('plain', '"alpha"')$$);
SELECT fails($$SELECT easq_configure(NULL, '{}')$$);
-- unknown models
SELECT fails($$SELECT easq_configure('none', '{}')$$);
SELECT fails($$SELECT easq_drop_model('none')$$);
SELECT fails($$SELECT easq_export('none')$$);
SELECT fails($$SELECT easq_score('none', ARRAY[1])$$);
SELECT fails($$SELECT easq_satisfaction('none', r) FROM (SELECT 1 AS age) r$$);
SELECT fails($$SELECT easq_batch_score('none', r) OVER () FROM (SELECT 1 AS age) r$$);
SELECT fails($$SELECT easq_align('none', ARRAY[[1]], ARRAY[[2]])$$);
SELECT fails($$SELECT easq_learn('none', 'answers')$$);
SELECT fails($$SELECT easq_stop_learning('none', 'answers')$$);
SELECT fails($$SELECT easq_score('PLAIN', ARRAY[1])$$);
SELECT fails($$SELECT easq_checkpoint('none', 'monday')$$);
SELECT fails($$SELECT easq_restore('none', 'monday')$$);
\t off
SELECT state() = :'before' AS unchanged;

\o /dev/null
SELECT easq_drop_model(name) FROM easq.models;
\o
SELECT count(*) FROM easq.tensor;
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
