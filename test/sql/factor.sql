-- The factorisation beside the main pathway: what it is for, where its tables are, and what comes without them.
\set ECHO none
\i test/tools.sql
\set ECHO all
SET client_min_messages = warning;

-- a world where only the product of viewer and item explains clicks: nobody is active, nothing is popular
CREATE TABLE taste AS
SELECT v AS viewer, i AS item, (hashint4(v) % 2 = 0) = (hashint4(i + 1000) % 2 = 0) AS clicked, hashint4(v * 1000 + i) % 5 = 0 AS unseen
FROM generate_series(1, 80) v, generate_series(1, 60) i;
\set ids '[{"name": "viewer", "kind": "categorical", "size": 512, "dim": 8}, {"name": "item", "kind": "categorical", "size": 512, "dim": 8}]'
SELECT easq_create_model(name, :'ids', jsonb_build_object('factors', factors, 'behaviour_budget', 1)) FROM (VALUES ('product', 16), ('sum', 0)) m (name, factors) \g /dev/null
SELECT rows = count FROM (VALUES ('product'), ('sum')) m (name), LATERAL easq_train(name, 'SELECT * FROM taste WHERE NOT unseen', 'clicked', 'viewer', options => '{"early_stopping": false}') r, (SELECT count(*) FROM taste WHERE NOT unseen) t;
SELECT name, CASE WHEN value > 0.8 THEN 'is learned' WHEN value < 0.65 THEN 'is not learned' ELSE value::text END AS product
FROM (VALUES ('product'), ('sum')) m (name), easq_evaluate(name, 'SELECT * FROM taste WHERE unseen', 'clicked', 'viewer') WHERE metric = 'gauc' ORDER BY 1;
-- row form, batch form and the order of rows say the same; an encoded input has no values and only what the network says
SELECT bool_and(same(easq_score('product', t), b)) AS batch FROM (SELECT t, easq_batch_score('product', t) OVER (ORDER BY item, viewer) AS b FROM taste t WHERE unseen) t;

-- what has tables, in which shape
\set mixed '[{"name": "a", "kind": "numeric"}, {"name": "g", "kind": "categorical", "size": 4, "dim": 2}, {"name": "v", "kind": "vector", "dim": 2}]'
SELECT easq_create_model('m', :'mixed', '{"factors": 3, "hidden": 4, "expert_hidden": 3, "seed": 7}') \g /dev/null
-- before the first training factors are 0 and in no file: an untrained model is the reference's
SELECT count(*) AS factors FROM jsonb_each(header(easq_export('m'))) WHERE key ~ '^factor';
CREATE TABLE little AS SELECT i % 7 AS s, i % 3 AS a, 'g' || i % 5 AS g, ARRAY[1, 2]::real[] AS v, i % 5 < 2 AS l FROM generate_series(1, 70) i;
SELECT abs(easq_score('m', t) - easq_score('m', ARRAY[a, 0, 0, 1, 2]::real[])) < 1e-6 AS same FROM (SELECT a, NULL AS g, v FROM little LIMIT 1) t;
SELECT rows FROM easq_train('m', 'TABLE little', 'l', 's', options => '{"epochs": 1, "held_share": 0}') \g /dev/null
SELECT key, value->'shape' AS shape FROM jsonb_each(header(easq_export('m'))) WHERE key ~ '^(embedding|factor)' ORDER BY 1;
SELECT name, sum(length(data)) / 4 AS numbers FROM easq.tensor WHERE model = 'm' AND state = 'current' AND part = 'weight' AND name ~ '^factor' GROUP BY 1 ORDER BY 1;
SELECT easq_create_model('none', :'mixed', '{"factors": 0, "hidden": 4, "expert_hidden": 3, "seed": 7}'), easq_create_model('vector', '[{"name": "v", "kind": "vector", "dim": 2}]') \g /dev/null
SELECT name, options->'factors' AS factors, (SELECT count(*) FROM easq.tensor t WHERE t.model = m.name AND state = 'current' AND part = 'weight' AND t.name ~ '^factor') AS tables
FROM easq.models m WHERE name IN ('m', 'none', 'vector') ORDER BY 1;
SELECT fails(s) FROM unnest(ARRAY[$$SELECT easq_create_model('x', '[{"name": "a", "kind": "numeric"}]', '{"factors": 65}')$$, $$SELECT easq_create_model('x', '[{"name": "a", "kind": "numeric"}]', '{"factors": -1}')$$, $$SELECT easq_configure('m', '{"factors": 2}')$$,
    $$SELECT easq_create_model('x', '[{"name": "g", "kind": "categorical", "size": 100000000, "dim": 1}]', '{"factors": 64}')$$]) s;

-- u = sum w + sum v v': one row of a number's, times the number, and the mean of the members' rows; what an encoded input has not
SELECT easq_create_model('u', '[{"name": "a", "kind": "numeric"}, {"name": "g", "kind": "categorical", "size": 4, "dim": 1, "encoding": "index"}]', '{"factors": 2, "beliefs": false}') \g /dev/null
SELECT rows FROM easq_train('u', 'SELECT s, a, s AS g, l FROM little WHERE s < 4', 'l', 's', options => '{"epochs": 1, "held_share": 0}') \g /dev/null
SELECT with_header(file, jsonb_set(jsonb_set(header(file), '{__metadata__,mean}', '"[0]"'), '{__metadata__,deviation}', '"[1]"')) AS file FROM easq_export('u') file \gset
SELECT easq_import('u', with_numbers(with_numbers(with_numbers(:'file', 'embedding.g.weight', '{0, 0, 0, 0}'),
    'factor.a.weight', '{0.5, 1, 2}'), 'factor.g.weight', '{0.25, 1, 1,  2, -1, 3,  4, 0, 1,  -3, 2, 2}')) \g /dev/null
SELECT a, g, round((ln(exp(easq_score('u', c)::float8) - 1) - ln(exp(easq_score('u', ARRAY[coalesce(a, 0), 0])::float8) - 1))::numeric, 3) AS u,
    easq_satisfaction('u', c) = easq_satisfaction('u', ARRAY[coalesce(a, 0), 0]) AS "none of satisfaction's"
FROM (VALUES (2, '{1}'::int[]), (2, '{1,2}'), (2, '{2,1,NULL}'), (NULL, '{3}'), (1, NULL), (1, '{}')) c (a, g);

-- files: without factors they are 0 until they are trained, and a new model has none; with them only into a model that has them
SELECT easq_export('none') AS without, easq_export('m') AS file \gset
CREATE FUNCTION scores(model text) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg(easq_score(model, r)) || array_agg(easq_satisfaction(model, r))
    FROM (SELECT i AS a, 'g' || i AS g, ARRAY[i, 1 / i::real]::real[] AS v FROM generate_series(-3, 3) i WHERE i <> 0) r $$;
SET client_min_messages = notice;
SELECT easq_import('m', :'without') \g /dev/null
SELECT easq_import('m', with_header(:'without', jsonb_set(header(:'without'), '{__metadata__,trained}', '"true"'))) \g /dev/null
SELECT easq_import('new', with_header(:'without', jsonb_set(header(:'without'), '{__metadata__,options}', to_jsonb(((header(:'without')#>>'{__metadata__,options}')::jsonb - 'factors')::text)))) \g /dev/null
SET client_min_messages = warning;
SELECT scores('m') = scores('none') AS "the file's scores", easq_export('new') = :'without' AS "a model without";
SELECT fails(format('SELECT easq_import(%L, %L)', model, file)) FROM (VALUES ('none', :'file'::bytea),
    ('m', with_header(:'file', replace(header(:'file')::text, 'factor.a.weight', 'factor.b.weight')::jsonb)),
    ('m', with_numbers(:'file', 'factor.a.weight', '{NaN}'))) f (model, file);
SELECT scores('m') = scores('none') AS "as it was";
-- the next training starts them afresh: between vectors that are all 0 there is no gradient
SELECT rows FROM easq_train('m', 'SELECT i % 7 AS s, i % 3 AS a, ''g'' || i % 5 AS g, ARRAY[1, 2]::real[] AS v, i % 5 < 2 AS l FROM generate_series(1, 70) i', 'l', 's', options => '{"epochs": 1, "held_share": 0}');
SELECT bool_and(tensor(easq_export('m'), t) <> floats(array_fill(0::real, ARRAY[4]))) AS "not 0" FROM unnest(ARRAY['factor.a.weight', 'factor.g.weight']) t;
-- a step on answers does not move them; easq_restore brings them back; dropping the model leaves nothing
SELECT easq_export('m') AS before \gset
SELECT easq_checkpoint('m', 'c') \g /dev/null
SELECT loss > 0 AS aligned FROM easq_align('m', '{{1,2,3,4,5}}', '{{5,4,3,2,1}}') \g /dev/null
SELECT easq_export('m') <> :'before' AS moved, tensor(easq_export('m'), 'factor.g.weight') = tensor(:'before', 'factor.g.weight') AS "factors did not";
SELECT easq_import('m', :'file'), easq_restore('m', 'c') \g /dev/null
SELECT easq_export('m') = :'before' AS restored;

SET client_min_messages = warning;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
