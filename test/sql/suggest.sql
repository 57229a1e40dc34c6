\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE TYPE point3 AS (a real, b real, c real);
CREATE FUNCTION reals(point3) RETURNS real[] LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[$1.a, $1.b, $1.c]';
CREATE CAST (point3 AS real[]) WITH FUNCTION reals(point3);
CREATE DOMAIN price AS numeric(8, 2);
CREATE TABLE seen AS
SELECT i AS impression_id, i / 10 AS request, i % 150 AS viewer, 1000 + i * 7919 % 400 AS video_id, i % 150 AS user_id, 'genre ' || i % 7 AS genre, (enum_range(NULL::mood))[1 + i % 2] AS mood, i % 3 = 0 AS live,
       18 + i % 150 % 40 AS age, (i % 97 * (i % 89) * 37 % 5003)::int AS views, sin(i) * 9 AS warmth, (i % 50 * 1.25)::price AS price, exp((i % 40) / 4.0) AS seconds, 7 AS seven, NULL::text AS nothing,
       md5(i::text) AS token, md5((i % 11)::text)::uuid AS shop, repeat('word ', i % 9) || i AS words, now() + i * interval '1 minute' AS shown_at, 1700000000 + i AS seen_time, current_date AS today,
       ARRAY['t' || i % 13, 't' || i % 5] AS tags, ARRAY[i % 9, i % 4] AS codes, ARRAY[sin(i), cos(i), 1]::real[] AS looks, (ARRAY[i, 1.5])[:1 + i % 2] AS ragged, ARRAY[1, NULL, i]::float8[] AS holes,
       ROW(i, 1, sin(i))::point3 AS place, jsonb_build_object('a', i) AS extra, ('author ' || i % 5)::name AS author, CASE WHEN i % 9 = 0 THEN 'NaN'::float8 ELSE i END AS broken, (i % 60)::numeric AS shop_id, CASE WHEN i % 4 > 0 THEN i % 6 END AS slot,
       (i * 31 + i / 150) % 5 > 2 AS clicked, CASE WHEN i % 40 = 0 THEN i % 3 > 0 END AS answer
FROM generate_series(1, 6000) i;

-- by types and counts alone: names only where these leave it open
SELECT s->>'name' AS name, s->>'kind' AS kind, s->>'size' AS size, s->>'dim' AS dim, s->>'why' AS why FROM jsonb_array_elements(easq_suggest_features('SELECT * FROM seen')) s;
-- told which columns are label, group and answer: who asks comes first
SELECT string_agg(s->>'name', ' ') FILTER (WHERE s->>'kind' <> 'none') AS features, string_agg(s->>'name', ' ') FILTER (WHERE s->>'why' IN ('the label', 'the answer')) AS taught
FROM jsonb_array_elements(easq_suggest_features('SELECT request, viewer, age, video_id, genre, live AS worth, mood AS said FROM seen', 'worth', group_by => 'viewer', answer => 'said')) s;
-- more groups than are looked at
SELECT string_agg(s->>'name', ' ') FILTER (WHERE s->>'kind' <> 'none') AS features
FROM jsonb_array_elements(easq_suggest_features('SELECT n % 50 AS place, g AS person, g % 13 AS kind FROM generate_series(1, 9000) g, generate_series(1, 4) n', group_by => 'person')) s;
-- different values, counted exactly where they are few and well enough where they are many
SELECT n, abs((substring(s->>'why' FROM '(\d+) different'))::float8 / n - 1) < CASE WHEN n < 90000 THEN 1e-9 ELSE 0.04 END AS counted
FROM unnest(ARRAY[1000, 80000, 400000]) n, jsonb_array_elements(easq_suggest_features(format('SELECT i %% %s AS x_id FROM generate_series(1, 2 * %s) i', n, n))) s;

-- more than a model can have
SELECT s->>'why' AS why, count(*) FROM jsonb_array_elements(easq_suggest_features((SELECT format('SELECT %s FROM generate_series(1, 9) i', string_agg(format('i * %s.5 AS x%s', n, n), ', ')) FROM generate_series(1, 260) n))) s WHERE s->>'kind' = 'none' GROUP BY 1;
SELECT s->>'kind' AS kind, s->>'why' AS why FROM jsonb_array_elements(easq_suggest_features('SELECT i % 9 AS a, array_fill(i::real, ARRAY[16000]) AS v, array_fill(i::real, ARRAY[400]) AS w, ''{}''::real[] AS e FROM generate_series(1, 60) i')) s;
-- as it is, to easq_create_model and easq_train; the reasons are not stored
SELECT easq_create_model('m', easq_suggest_features('SELECT * FROM seen', 'clicked', 'user_id', 'answer')) \g /dev/null
SELECT jsonb_array_length(features) AS features, features @> '[{"name": "looks", "kind": "vector", "dim": 3}]' AS looks, features::text LIKE '%why%' AS why FROM easq.models;
SELECT rows, groups FROM easq_train('m', 'SELECT * FROM seen', 'clicked', 'user_id', 'answer', '{"epochs": 1}');
SELECT count(easq_score('m', s)) AS scored FROM seen s;

-- a specification with reasons and what is left out
SELECT easq_create_model('spare', '[{"name": "x", "kind": "numeric", "why": "because"}, {"name": "x", "kind": "none", "why": 7, "size": 3}, {"kind": "none"}]') \g /dev/null
SELECT features FROM easq.models WHERE name = 'spare';
\t on
SELECT fails('SELECT easq_create_model(''x'', ''[{"name": "x", "kind": "none"}]'')');
SELECT fails('SELECT easq_create_model(''x'', ''[{"kind": "none"}, {"name": "x", "kind": "number"}]'')');
SELECT fails('SELECT easq_suggest_features(NULL)');
SELECT fails('SELECT easq_suggest_features(''SELECT * FROM seen WHERE false'')');
SELECT fails('SELECT easq_suggest_features(''SELECT 1 AS a'', ''b'')');
SELECT fails('SELECT easq_suggest_features(''SELECT 1 AS a'', group_by => ''b'')');
SELECT fails('SELECT easq_suggest_features(''SELECT 1 AS a'', answer => ''b'')');
SELECT fails('SELECT easq_suggest_features(''DELETE FROM seen'')');
SELECT fails('SELECT easq_suggest_features(''SELECT * FROM seen FOR UPDATE'')');
\t off
SELECT easq_suggest_features('SELECT i AS x, i AS x FROM generate_series(1, 100) i'), easq_suggest_features('SELECT FROM generate_series(1, 3)') AS "no columns";

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
