\set ECHO none
\i test/tools.sql
-- NOTICEs tell rows a second
SET client_min_messages = warning;
\set ECHO all

-- What people and fuzzers write.

-- numbers: 8.0 is 8, in specifications, options and metadata, and is stored as 8; views read what is there
SELECT easq_create_model('n', '[{"dim": 8.0, "kind": "categorical", "size": 1e1, "name": "a", "encoding": "hash"}, {"name": "b", "kind": "categorical", "size": 30e-1, "dim": 2.000, "encoding": "index"}]', '{"hidden": 4.0, "lambda2": 2.50}') \g /dev/null
SELECT features, inputs, options->'hidden' AS hidden, options->'lambda2' AS lambda2 FROM easq.models WHERE name = 'n';
SELECT header(easq_export('n'))#>>'{__metadata__,features}' AS features;
\t on
SELECT fails(format('SELECT easq_create_model(''x'', ''[{"name": "a", "kind": "categorical", "size": %s, "dim": 8}]'')', size)) FROM unnest(ARRAY['8.5', '"8"', '1e20', '1e-1', '-8', 'true', '1' || repeat('0', 1000)]) size;
SELECT fails(format('SELECT easq_configure(''n'', ''{"warm_up": %s}'')', n)) FROM unnest(ARRAY['8.5', '"8"', '1e20']) n;
SELECT fails(format('SELECT easq_import(''n'', with_header(f, jsonb_set(header(f), ''{__metadata__,%s}'', %L))) FROM easq_export(''n'') f', k, to_json(v)))
FROM (VALUES ('alpha', '0x10'), ('alpha', ' inf'), ('alpha', '1e400'), ('alpha', '[8]'), ('trained', 'yes'), ('mean', '["1"]'), ('deviation', '[null]')) t (k, v);
\t off
SELECT easq_import('n', with_header(f, jsonb_set(header(f), '{__metadata__,alpha}', '" 16.0 "'))) FROM easq_export('n') f \g /dev/null
SELECT options->'alpha' AS alpha FROM easq.models WHERE name = 'n';

-- weights that are finite and scores that are not: refused, and all is as it was
CREATE FUNCTION all_numbers(file bytea, number real) RETURNS bytea LANGUAGE sql AS
$$ SELECT substr(file, 1, 8 + header_length(file)) || decode(repeat(encode(floats(ARRAY[number]), 'hex'), length(data(file)) / 4), 'hex') $$;
CREATE TABLE v AS SELECT u AS user_id, i % 7 AS c, (u * 7 + i) % 3 = 0 AS clicked FROM generate_series(1, 60) u, generate_series(1, 10) i;
SELECT easq_create_model('m', '[{"name": "c", "kind": "categorical", "size": 16, "dim": 4}]', '{"hidden": 8, "expert_hidden": 4, "seed": 1, "beliefs": false}') \g /dev/null
SELECT easq_export('m') AS untrained \gset
\t on
SELECT fails(format('SELECT easq_import(%L, %L)', name, all_numbers(:'untrained', 1.05e38))) FROM (VALUES ('m'), ('new')) m (name);
SELECT fails(format('SELECT easq_import(''m'', %L)', with_numbers(:'untrained', 'satisfaction.out.weight', '{3e38,3e38,3e38,3e38}')));
-- what only one row of a table does
SELECT fails(format('SELECT easq_import(''m'', %L)', with_numbers(with_numbers(:'untrained', 'backbone.weight', '{3e38,3e38,3e38,3e38}'), 'embedding.c.weight', '{0,0,0,0,2,2,2,2}')));
\t off
SELECT rows FROM easq_train('m', 'SELECT * FROM v', 'clicked', 'user_id', options => '{"epochs": 1}');
SELECT easq_checkpoint('m', 'good') \g /dev/null
SELECT state() AS before \gset
\t on
SELECT fails(format('SELECT easq_import(''m'', %L)', all_numbers(easq_export('m'), 1.05e38)));
\t off
SELECT state() = :'before' AS unchanged, count(*) AS pairs, count(*) FILTER (WHERE abs(kept_chosen) < 'Infinity' AND abs(kept_rejected) < 'Infinity') AS finite FROM easq.behaviour WHERE model = 'm';
SELECT count(*) FILTER (WHERE easq_score('m', v) > 0) AS scored FROM v;
-- alpha scales the LoRA: an alpha that scores cannot bear is refused
SELECT easq_import('m', with_numbers(with_numbers(f, 'lora_B.weight', array_fill(1e17::real, '{32}')), 'lora_A.weight', array_fill(1::real, '{16}'))) FROM easq_export('m') f \g /dev/null
\t on
SELECT fails('SELECT easq_configure(''m'', ''{"alpha": 1e6}'')');
\t off
SELECT options->'alpha' AS alpha FROM easq.models WHERE name = 'm';
-- a step likewise
SELECT easq_configure('m', '{"learning_rate": 10, "alpha": 9}') \g /dev/null
SELECT state() AS before \gset
\t on
SELECT fails('SELECT easq_align(''m'', ''{{1e30,1,1,1}}'', ''{{-1e30,1,1,1}}'')');
\t off
SELECT state() = :'before' AS unchanged;
SELECT easq_restore('m', 'good') \g /dev/null

-- a file that is all header: refused for its size or the number of its tensors, before any of it is looked at
CREATE FUNCTION empties(n int) RETURNS bytea LANGUAGE sql AS
$$ SELECT file('{' || string_agg(format('"t%s":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}', i), ',') || '}', '') FROM generate_series(1, n) i $$;
\t on
SELECT fails(format('SELECT easq_import(''m'', %L)', empties(n))) FROM unnest(ARRAY[528, 529, 10000, 30000]) n;
SELECT fails(format('SELECT easq_import(''m'', %L)', file(format('{"__metadata__": {"note": "%s"}}', repeat('x', 1100000)), '')));
SELECT fails(format('SELECT easq_import(''m'', %L)', file(format('{"__metadata__": {"features": %s}}', to_json(repeat('[', 500000))), ''))) ~ '^(54001|22023) ';
\t off
-- the largest specification fits: 256 features whose names are quotation marks
SELECT easq_create_model('wide', (SELECT jsonb_agg(jsonb_build_object('name', rpad(i::text, 63, '"'), 'kind', 'categorical', 'size', 2, 'dim', 1)) FROM generate_series(1, 256) i), '{"hidden": 2, "expert_hidden": 2}') \g /dev/null
SELECT easq_import('wide 2', easq_export('wide')) \g /dev/null
SELECT easq_export('wide 2') = easq_export('wide') AS bytes, header_length(easq_export('wide')) > 100000 AS long;

-- what is quoted is clipped
SELECT what, octet_length(message) < 900 AS short, left(message, 80) AS message FROM (VALUES
    ('model', fails(format('SELECT easq_score(%L, ARRAY[1])', repeat('m', 1000000)))),
    ('column', fails(format('SELECT easq_train(''m'', ''SELECT * FROM v'', %L, ''user_id'')', repeat('l', 1000000)))),
    ('option', fails(format('SELECT easq_configure(''m'', ''{"%s": 1}'')', repeat('ä', 1000000)))),
    ('interval', fails(format('SELECT easq_configure(''m'', ''{"half_life": "%s"}'')', repeat('1', 1000000)))),
    ('kind', fails(format('SELECT easq_create_model(''k'', ''[{"name": "a", "kind": "%s"}]'')', repeat('k', 1000000)))),
    ('tensor', fails(format('SELECT easq_import(''m'', %L)', file(format('{"%s": 1}', repeat('t', 1000000)), '')))),
    ('dtype', fails(format('SELECT easq_import(''m'', %L)', file(format('{"t": {"dtype": "%s"}}', repeat('d', 1000000)), '')))),
    ('format', fails(format('SELECT easq_import(''m'', %L)', file(format('{"__metadata__": {"format": "easq %s"}}', repeat('9', 1000000)), ''))))) t (what, message);

-- scores are above 0, however far down the logit is
SELECT easq_import('low', with_numbers(with_numbers(:'untrained', 'main.out.bias', '{-1000}'), 'satisfaction.out.bias', '{-1000}')) \g /dev/null
SELECT min(s), max(s), min(b), min(a), min(p) FROM (SELECT easq_score('low', v) AS s, easq_satisfaction('low', v) AS a, easq_batch_score('low', v) OVER () AS b, easq_probability('low', v) AS p FROM v LIMIT 100) t;

-- numbers that hardly vary, or come only later: deviations that are rounding count as none, and a feature that did not vary takes its statistics when it does
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE b AS SELECT g AS user_id, i AS item, CASE WHEN (g + i) % 2 = 0 THEN 0.3::float8 ELSE 0.1::float8 + 0.2::float8 END AS price,
    luck('x', i, 1) AS x, luck('c', g, i) < luck('x', i, 1) AS clicked FROM generate_series(1, 100) g, generate_series(1, 12) i;
SELECT easq_create_model(m, '[{"name": "price", "kind": "numeric"}, {"name": "x", "kind": "numeric"}]', '{"seed": 1}') FROM (VALUES ('near'), ('empty')) v (m) \g /dev/null
SELECT loss < 1 AS "loss is fine" FROM easq_train('near', 'SELECT * FROM b', 'clicked', 'user_id');
SELECT name, round(mean[1]::numeric, 9) AS mean, deviation[1] AS deviation FROM easq.model WHERE name = 'near';
SELECT value > .85 AS "gauc is fine" FROM easq_evaluate('near', 'SELECT user_id, 0.3 + item * 0.001::float8 AS price, x, clicked FROM b', 'clicked', 'user_id') WHERE metric = 'gauc';
SELECT loss < 1 AS "loss is fine" FROM easq_train('empty', 'SELECT user_id, NULL::float8 AS price, x, clicked FROM b', 'clicked', 'user_id');
SELECT name, round(mean[1]::numeric, 9) AS mean, deviation[1] AS deviation FROM easq.model WHERE name = 'empty';
SELECT loss < 1 AS "loss is fine" FROM easq_train('empty', 'SELECT user_id, 100000 + item * 1000 AS price, x, clicked FROM b', 'clicked', 'user_id');
SELECT name, round(mean[1]::numeric, 9) AS mean, round(deviation[1]) AS deviation FROM easq.model WHERE name = 'empty';
SELECT value > .85 AS "gauc is fine" FROM easq_evaluate('empty', 'SELECT user_id, 100000 + item * 1000 AS price, x, clicked FROM b', 'clicked', 'user_id') WHERE metric = 'gauc';
-- statistics that there are stay
SELECT mean[2] AS mean, deviation[2] AS deviation FROM easq.model WHERE name = 'empty' \gset
SELECT rows FROM easq_train('empty', 'SELECT user_id, 100000 + item * 1000 AS price, x * 10 AS x, clicked FROM b', 'clicked', 'user_id', options => '{"epochs": 1}');
SELECT mean[2] = :'mean' AND deviation[2] = :'deviation' AS same FROM easq.model WHERE name = 'empty';

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
