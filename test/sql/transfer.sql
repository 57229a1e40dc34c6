\set ECHO none
\i test/tools.sql
\set ECHO all

\set features '[{"name": "a", "kind": "numeric"}, {"name": "g", "kind": "categorical", "size": 4, "dim": 2}, {"name": "v", "kind": "vector", "dim": 2}]'
\set options '{"hidden": 4, "expert_hidden": 3, "experts": 2, "satisfaction_experts": 1, "rank": 2, "seed": 7, "factors": 0, "beliefs": false}'
SELECT easq_create_model('m', :'features', :'options') \g /dev/null
SELECT loss > 0 AS aligned FROM easq_align('m', '{{1,2,3,4,5}}', '{{5,4,3,2,1}}');
SELECT easq_configure('m', '{"lambda2": 2.5, "alpha": 0.1, "learning_rate": 0.003, "alignment": "distil"}') \g /dev/null
SELECT easq_export('m') AS file \gset
CREATE FUNCTION scores(model text) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg(easq_score(model, r)) || array_agg(easq_satisfaction(model, r))
    FROM (SELECT i AS a, 'g' || i AS g, ARRAY[i, 1 / i::real]::real[] AS v FROM generate_series(-3, 3) i WHERE i <> 0) r $$;

-- what is in the file
SELECT key, value FROM jsonb_each_text(header(:'file')->'__metadata__') ORDER BY key;
SELECT key, value->'shape' AS shape, value->'data_offsets' AS data_offsets FROM jsonb_each(header(:'file')) WHERE key <> '__metadata__' ORDER BY value->'data_offsets';
SELECT header_length(:'file') % 8 AS padding, length(data(:'file')) AS bytes;
SELECT tensor(:'file', 'main.gate.weight') = (SELECT data FROM easq.tensor WHERE model = 'm' AND name = 'main.gate.weight' AND state = 'current' AND part = 'weight') AS "as stored";

-- out and in again: the same bytes, the same scores; a new name takes everything from __metadata__
SELECT easq_import('copy', :'file') \g /dev/null
SELECT easq_export('copy') = :'file' AS bytes, scores('copy') = scores('m') AS scores;
SELECT a.features = b.features AS features, a.options = b.options AS options, b.owner = current_user::regrole AS mine, b.adapter_version, b.steps, b.answers
FROM easq.models a, easq.models b WHERE a.name = 'm' AND b.name = 'copy';
SELECT easq_import('m', :'file') \g /dev/null
SELECT easq_export('m') = :'file' AS bytes, steps AS "the optimiser starts afresh", (SELECT count(*) FROM easq.tensor WHERE model = 'm' AND state = 'current' AND part = 'moments') AS moments FROM easq.models WHERE name = 'm';
SELECT a.loss = b.loss AND a."rewards/margins" = b."rewards/margins" AS "the same step" FROM easq_align('m', '{{1,2,3,4,5}}', '{{5,4,3,2,1}}') a, easq_align('copy', '{{1,2,3,4,5}}', '{{5,4,3,2,1}}') b;
SELECT easq_export('copy') = easq_export('m') AS same, easq_export('m') = :'file' AS before;
-- a file that was rewritten by others: order and white space of the header, no metadata
SELECT easq_import('m', with_header(:'file', header(:'file') - '__metadata__')) \g /dev/null
SELECT data(easq_export('m')) = data(:'file') AS data, scores('m') = scores('copy') AS "not the copy's, which went on" FROM easq.models WHERE name = 'm';
SELECT easq_import('m', file('  ' || jsonb_pretty(header(:'file')) || E'\n\n', data(:'file'))) \g /dev/null
SELECT easq_export('m') = :'file' AS bytes;
-- names, defaults and what else a header may hold
SELECT easq_create_model('größe', '[{"name": "größe \"x\" \\", "kind": "categorical", "size": 3, "dim": 1}]', '{"rank": 0, "hidden": 2, "expert_hidden": 2}') \g /dev/null
SELECT easq_import('größe 2', easq_export('größe')) \g /dev/null
SELECT easq_export('größe') = easq_export('größe 2') AS bytes, (SELECT string_agg(k, ', ') FROM jsonb_object_keys(header(easq_export('größe'))) k WHERE k ~ 'embedding') AS tensor;
-- means and deviations, trained or not
SELECT easq_import('trained', with_header(:'file', header(:'file') || jsonb_build_object('__metadata__', header(:'file')->'__metadata__'
    || '{"mean": "[0.1]", "deviation": "[3e-300]", "trained": "true"}'))) \g /dev/null
SELECT trained_at <= now() AS trained, header(easq_export('trained'))#>>'{__metadata__,mean}' AS mean, ((header(easq_export('trained'))#>>'{__metadata__,deviation}')::jsonb->>0)::float8 AS deviation FROM easq.models WHERE name = 'trained';
SELECT easq_import('trained 2', easq_export('trained')) \g /dev/null
SELECT easq_export('trained 2') = easq_export('trained') AS bytes;
SELECT easq_import('trained', :'file') \g /dev/null
SELECT trained_at, easq_export('trained') = :'file' AS bytes FROM easq.models WHERE name = 'trained';
-- alpha belongs to the weights; the other options of a model that is there stay its own
SELECT easq_configure('m', '{"alpha": 8, "lambda2": 7}') \g /dev/null
SELECT easq_import('m', :'file') \g /dev/null
SELECT options->'alpha' AS alpha, options->'lambda2' AS lambda2 FROM easq.models WHERE name = 'm';
-- remembered answers stay, and learning goes on
CREATE TABLE q (user_id int, a int, g text, v real[], answer boolean);
SELECT easq_learn('m', 'q') \g /dev/null
INSERT INTO q VALUES (1, 1, 'x', '{1,2}', true), (1, 2, 'y', '{2,1}', false);
SELECT easq_import('m', :'file') \g /dev/null
INSERT INTO q VALUES (1, 3, 'x', '{1,2}', true);
SELECT steps, answers FROM easq.models WHERE name = 'm';
-- taken back with its transaction
BEGIN;
SELECT scores('m') AS before \gset
SELECT easq_import('m', :'file') \g /dev/null
SELECT scores('m') <> :'before' AS imported;
ROLLBACK;
SELECT scores('m') = :'before' AS "taken back";

-- everything else is refused, and nothing changes
SELECT state() AS before, easq_export('m') AS file \gset
CREATE FUNCTION refused(file bytea, model text DEFAULT 'm') RETURNS text LANGUAGE sql AS $$ SELECT fails(format('SELECT easq_import(%L, %L)', model, file)) $$;
CREATE FUNCTION changed(path text, value jsonb) RETURNS bytea LANGUAGE sql AS $$ SELECT with_header(easq_export('m'), jsonb_set(header(easq_export('m')), path::text[], value)) $$;
-- cut off anywhere
SELECT count(*) AS lengths, count(*) FILTER (WHERE r LIKE '22023 | not a safetensors file: %') AS refused
FROM generate_series(0, length(:'file'::bytea) - 1) n, LATERAL refused(substr(:'file'::bytea, 1, n)) r WHERE n < 24 OR n % 7 = 0 OR n > length(:'file'::bytea) - 20;
\t on
SELECT regexp_replace(refused(substr(:'file'::bytea, 1, n)), 'have \d+', 'have n') FROM unnest(ARRAY[0, 7, 8, 9]) n;
SELECT refused(substr(:'file'::bytea, 1, length(:'file'::bytea) - n)) FROM unnest(ARRAY[1, 450]) n;
SELECT refused(:'file' || '\x00'::bytea);
-- any byte of the header is another
\t off
BEGIN;
CREATE TABLE mutants AS
SELECT i, refused(set_byte(:'file'::bytea, i, get_byte(:'file'::bytea, i) # b)) AS result, state() = :'before' AS unchanged
FROM generate_series(0, header_length(:'file') + 7) i, unnest(ARRAY[1, 128]) b WHERE i < 8 OR i % 9 = 0;
SELECT left(result, 5) AS sqlstate, count(*) > 0 AS found, bool_and(unchanged) AS unchanged FROM mutants WHERE result ~ '\|' AND i < (SELECT min(i) FROM mutants WHERE NOT result ~ '\|') GROUP BY 1 ORDER BY 1;
SELECT count(*) > 300 AS mutants, bool_and(result ~ '^(22|42|0A)' OR result !~ '\|') AS "refused or taken" FROM mutants;
ROLLBACK;
SELECT state() = :'before' AS unchanged;
\t on
-- the length of the header
SELECT refused(decode(n, 'hex') || '{}') FROM unnest(ARRAY['0000000000000000', '0300000000000000', 'ffffffffffffffff', 'ffffffffffffff7f', '0000000004000000']) n;
-- the header
SELECT refused(file(h, '')) FROM unnest(ARRAY['', ' ', '{', '[]', 'null', '7', '"x"', '{}', '{"a": }', '{"a": 1}', '{"a": {}} x', '{"\u0000": {}}', '{"__metadata__": 1}', '{"__metadata__": {"a": 1}}', '{"__metadata__": {"a": null}}']) h;
SELECT refused('\x0400000000000000'::bytea || b) FROM unnest(ARRAY['\x7b7d0020', '\xff7b7d20', '\x7b22c37d']::bytea[]) b;
SELECT left(refused(file(repeat('[', 100000), '')), 5);
-- the same key twice
SELECT refused(file(left(header(:'file')::text, -1) || ', "lora_A.weight": ' || (header(:'file')->>'lora_A.weight') || '}', data(:'file')));
SELECT refused(file(left(header(:'file')::text, -1) || ', "__metadata__": {}}', data(:'file')));
SELECT refused(file('{"__metadata__": {"alpha": "1", "alpha": "2"}}', ''));
-- tensors: described badly
SELECT refused(changed(path, value)) FROM (VALUES
    ('{lora_A.weight}', '7'::jsonb), ('{lora_A.weight}', '[]'), ('{lora_A.weight,dtype}', '"F16"'), ('{lora_A.weight,dtype}', '"BF16"'), ('{lora_A.weight,dtype}', '32'),
    ('{lora_A.weight,shape}', '10'), ('{lora_A.weight,shape}', '[2, "5"]'), ('{lora_A.weight,shape}', '[-2, -5]'), ('{lora_A.weight,shape}', '[2.5, 4]'), ('{lora_A.weight,shape}', '[2, 6]'),
    ('{lora_A.weight,shape}', '[5, 2]'), ('{lora_A.weight,shape}', '[10]'), ('{lora_A.weight,shape}', '[2, 5, 1]'), ('{lora_A.weight,shape}', '[1, 1, 1, 1, 1, 1, 1, 2, 5]'),
    ('{lora_A.weight,shape}', '[4294967296, 4294967296]'), ('{lora_A.weight,shape}', '[4611686018427387904, 1]'), ('{lora_A.weight,shape}', '[1e30]'),
    ('{lora_A.weight,data_offsets}', '[96]'), ('{lora_A.weight,data_offsets}', '[96, 136, 140]'), ('{lora_A.weight,data_offsets}', '[136, 96]'), ('{lora_A.weight,data_offsets}', '[-40, 0]'),
    ('{lora_A.weight,data_offsets}', '[96, 132]'), ('{lora_A.weight,data_offsets}', '[0, 40]'), ('{lora_A.weight,data_offsets}', '[100, 140]'), ('{lora_A.weight,data_offsets}', '[1000000, 1000040]'),
    ('{lora_A.weight,data_offsets}', '[9223372036854775767, 9223372036854775807]')) t (path, value);
SELECT refused(with_header(:'file', header(:'file') #- path::text[])) FROM unnest(ARRAY['{lora_A.weight,dtype}', '{lora_A.weight,shape}', '{lora_A.weight,data_offsets}']) path;
-- tensors: too few, too many, none
SELECT refused(with_header(:'file', header(:'file') - 'embedding.g.weight'));
SELECT refused(file((header(:'file') - 'embedding.g.weight')::text, substr(data(:'file'), 1, (header(:'file')#>>'{embedding.g.weight,data_offsets,0}')::int)));
SELECT refused(changed('{more}', '{"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}'));
SELECT refused(file('{}', ''));
-- numbers
SELECT refused(with_numbers(:'file', t, ARRAY[n]::real[])) FROM (VALUES ('lora_A.weight', 'NaN'), ('backbone.bias', 'Infinity'), ('satisfaction.out.bias', '-Infinity'), ('embedding.g.weight', 'NaN')) v (t, n);
-- metadata
SELECT refused(changed('{__metadata__,' || key || '}', to_jsonb(value))) FROM (VALUES
    ('format', 'easq 2'), ('alpha', ''), ('alpha', 'x'), ('alpha', '-1'), ('alpha', 'NaN'), ('alpha', '1e400'), ('mean', ''), ('mean', '[]'), ('mean', '[1, 2]'), ('mean', '["1"]'), ('mean', '{"a": 1}'), ('mean', '1'),
    ('mean', '[1e400]'), ('mean', '[NaN]'), ('deviation', '[-1]'), ('features', 'x'), ('features', '[]'), ('features', '[{"name": "b", "kind": "numeric"}]')) t (key, value);
-- under a new name
SELECT refused(changed('{__metadata__,' || key || '}', to_jsonb(value)), 'new') FROM (VALUES
    ('features', 'x'), ('features', '{}'), ('features', '[{"name": "a", "kind": "numeric"}]'), ('features', '[{"name": "a", "kind": "numeric"}, {"name": "c", "kind": "categorical", "size": 100000000, "dim": 16}]'),
    ('options', '{}'), ('options', '[]'), ('options', '{"hidden": 0}'), ('options', '{"owner": "postgres"}'), ('mean', '[1, 2]')) t (key, value);
SELECT refused(with_header(:'file', header(:'file') - '__metadata__'), 'new');
SELECT refused(:'file', repeat('x', 64));
-- a model of another shape, of other features
SELECT easq_create_model('other', :'features', '{"hidden": 8, "expert_hidden": 3}') \g /dev/null
SELECT refused(:'file', 'other'), refused(:'file', 'größe');
SELECT easq_drop_model('other') \g /dev/null
\t off
SELECT state() = :'before' AS unchanged;
-- NULL in, NULL out
SELECT easq_export(NULL) IS NULL AS export, easq_import('m', NULL) IS NULL AS import, state() = :'before' AS unchanged;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
