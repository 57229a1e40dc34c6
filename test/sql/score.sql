\set ECHO none
\i test/tools.sql
\set ECHO all

SELECT easq_create_model('s', '[
    {"name": "age", "kind": "numeric"}, {"name": "tag", "kind": "categorical", "size": 50, "dim": 4},
    {"name": "slot", "kind": "categorical", "size": 10, "dim": 3, "encoding": "index"}, {"name": "v", "kind": "vector", "dim": 8}]', '{"seed": 5}'),
       easq_create_model('v', '[{"name": "v", "kind": "vector", "dim": 8}]', '{"seed": 6}'),
       easq_create_model('w', '[{"name": "v", "kind": "vector", "dim": 8}]', '{"seed": 7, "hidden": 16}') \g /dev/null
CREATE TABLE videos AS
SELECT i AS id, i % 80 AS age, 'tag ' || i % 70 AS tag, i % 10 AS slot, i % 7 AS feed,
       ARRAY(SELECT sin(i * j)::real FROM generate_series(1, 8) j) AS v
FROM generate_series(1, 3000) i;
UPDATE videos SET age = NULL, tag = NULL WHERE id % 11 = 0;
ANALYZE videos;
CREATE FUNCTION step(model text) RETURNS float8 LANGUAGE sql AS
$$ SELECT loss FROM easq_align(model, (SELECT array_agg(v) FROM (SELECT v FROM videos ORDER BY id LIMIT 4) t),
                                      (SELECT array_agg(v) FROM (SELECT v FROM videos ORDER BY id DESC LIMIT 4) t)) $$;

-- the three ways agree
SELECT count(*), count(DISTINCT record) > 2900 AS differ, min(record) > 0 AS positive, bool_and(same(record, batch)) AS batch, bool_and(same(record, encoded)) AS encoded
FROM (SELECT easq_score('v', t) AS record, easq_batch_score('v', t) OVER () AS batch, easq_score('v', v) AS encoded FROM videos t) s;
SELECT count(*), count(DISTINCT record) > 1000 AS differ, bool_and(same(record, batch)) AS batch
FROM (SELECT easq_score('s', t) AS record, easq_batch_score('s', t) OVER () AS batch FROM videos t) s;
SELECT bool_and(same(easq_satisfaction('v', t), easq_satisfaction('v', v))) AS satisfaction,
       bool_and(easq_satisfaction('v', t) > 0) AS positive, bool_or(easq_satisfaction('v', t) <> easq_score('v', t)) AS "not the score" FROM videos t;
-- arrays of any number
SELECT DISTINCT easq_score('v', n) = easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::real[]) AS same
FROM (VALUES (ARRAY[1, 2, 3, 4, 5, 6, 7, 8])) t (n);
SELECT easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::smallint[]) = easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]::numeric[]) AS same;

-- NULL: no model, no row; a row of NULLs is a row
SELECT easq_score(NULL, t) AS model, easq_score('v', NULL::videos) AS row, easq_score('v', NULL::real[]) AS array,
       easq_satisfaction('v', NULL::videos) AS satisfaction, easq_score('s', n) IS NULL AS "row of NULLs"
FROM videos t, (SELECT NULL::int AS age, NULL::text AS tag, NULL::int AS slot, NULL::real[] AS v) n WHERE id = 1;
SELECT i, easq_batch_score(CASE WHEN i <> 2 THEN 'v' END, t) OVER (ORDER BY i) IS NULL AS batch, easq_score('v', t) IS NULL AS record
FROM generate_series(1, 4) i LEFT JOIN videos t ON t.id = i AND i <> 3 ORDER BY i;
SELECT count(*), count(easq_score('v', t)) AS scored FROM generate_series(0, 5) i LEFT JOIN videos t ON t.id = i;
SELECT easq_batch_score('v', t) OVER () FROM videos t WHERE false;

-- several models in one query
SELECT count(*), bool_and(same(record, batch)) AS batch, bool_and(record = one) AS one FROM (
    SELECT easq_score(m, t) AS record, easq_batch_score(m, t) OVER (ORDER BY id) AS batch,
           CASE m WHEN 'v' THEN easq_score('v', t) ELSE easq_score('w', t) END AS one
    FROM (SELECT t.*, CASE WHEN id % 3 = 0 OR id BETWEEN 1000 AND 2100 THEN 'v' ELSE 'w' END AS m FROM videos t) t) s;
-- windows: partitions, order, frames, filters around it
SELECT count(*), bool_and(same(record, a)) AS a, bool_and(same(record, b)) AS b, bool_and(same(record, c)) AS c FROM (
    SELECT easq_score('v', t) AS record, easq_batch_score('v', t) OVER (PARTITION BY feed) AS a,
           easq_batch_score('v', t) OVER (PARTITION BY id % 3 ORDER BY age, id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS b,
           easq_batch_score('v', t) OVER (ORDER BY id DESC) AS c FROM videos t) s;
SELECT bool_and(same(record, batch)) AS small_partitions FROM (SELECT easq_score('v', t) AS record, easq_batch_score('v', t) OVER (PARTITION BY id) AS batch FROM videos t WHERE id < 300) s;
SELECT count(*), bool_and(same(record, batch)) AS top_20 FROM ROWS FROM (
    unnest(ARRAY(SELECT easq_score('v', t) FROM videos t ORDER BY 1 DESC LIMIT 20)),
    unnest(ARRAY(SELECT easq_batch_score('v', t) OVER () FROM videos t ORDER BY 1 DESC LIMIT 20))) s (record, batch);
SELECT count(*) FROM (SELECT easq_batch_score('v', t) OVER () FROM videos t LIMIT 3) s;

-- anywhere in a query
SELECT count(*) > 0 AND count(*) < 3000 AS "WHERE" FROM videos t WHERE easq_score('v', t) > (SELECT avg(easq_score('v', a)) FROM videos a);
SELECT bool_and(n > 0) AS "GROUP BY" FROM (SELECT round(easq_score('v', t)::numeric, 1), count(*) AS n FROM videos t GROUP BY 1) s;
SELECT bool_and(score = easq_score('v', t)) AS "LATERAL" FROM videos t, LATERAL (SELECT easq_score('v', t) AS score) s;
SELECT sum(easq_score('v', t)) > 0 AS aggregate, max(easq_score('v', t)) = (SELECT easq_score('v', t) FROM videos t ORDER BY 1 DESC LIMIT 1) AS "ORDER BY" FROM videos t;
CREATE VIEW feed AS SELECT id, easq_score('v', t) AS score FROM videos t;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM feed;
SELECT bool_and(feed.score = kept.score) AS "materialized view" FROM feed JOIN kept USING (id);
SELECT fails('CREATE INDEX ON videos (easq_score(''v'', v))');
SELECT fails('ALTER TABLE videos ADD score real GENERATED ALWAYS AS (easq_score(''v'', v)) STORED');

-- a prepared plan goes on with the model as it is
SET plan_cache_mode = force_generic_plan;
PREPARE one AS SELECT easq_score('v', v) FROM videos WHERE id = 1;
PREPARE any_model (text, int) AS SELECT easq_score($1, t) FROM videos t WHERE id = $2;
PREPARE fixed AS SELECT easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]);
EXECUTE one \gset before_
EXECUTE any_model ('v', 1) \gset again_
EXECUTE fixed \gset fixed_
SELECT :before_easq_score::real = :again_easq_score::real AS same, step('v') > 0 AS step;
EXECUTE one \gset after_
EXECUTE any_model ('v', 1) \gset again_
SELECT :before_easq_score::real <> :after_easq_score::real AS learned, :after_easq_score::real = :again_easq_score::real AS same,
       easq_score('v', v) = :after_easq_score::real AS new FROM videos WHERE id = 1;
SELECT :fixed_easq_score::real AS fixed \gset
EXECUTE fixed \gset fixed_
SELECT :fixed <> :fixed_easq_score AS "constant arguments too";
RESET plan_cache_mode;
DEALLOCATE ALL;

-- a loop sees every step of its own, a statement none of those within it
DO $$
DECLARE
    scores real[];
    alone real;
BEGIN
    FOR i IN 1 .. 5 LOOP
        scores := scores || easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]);
        PERFORM step('v');
    END LOOP;
    EXECUTE 'SELECT easq_score(''v'', ARRAY[1, 2, 3, 4, 5, 6, 7, 8])' INTO alone;
    RAISE NOTICE '% scores, the last %', (SELECT count(DISTINCT s) FROM unnest(scores) s),
        CASE WHEN alone = easq_score('v', ARRAY[1, 2, 3, 4, 5, 6, 7, 8]) AND alone <> scores[5] THEN 'is new' END;
END $$;
CREATE FUNCTION stable_score(x real[]) RETURNS real LANGUAGE plpgsql STABLE AS 'BEGIN RETURN easq_score(''v'', x); END';
CREATE FUNCTION volatile_score(x real[]) RETURNS real LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN easq_score(''v'', x); END';
WITH RECURSIVE r AS (
    SELECT 1 AS i, easq_score('v', v) AS score, stable_score(v) AS stable, volatile_score(v) AS volatile, step('v') FROM videos WHERE id = 1
    UNION ALL SELECT i + 1, easq_score('v', v), stable_score(v), volatile_score(v), step('v') FROM r, videos WHERE id = 1 AND i < 4)
SELECT count(*), count(DISTINCT score) AS scores, count(DISTINCT stable) AS stable, count(DISTINCT volatile) AS volatile, bool_and(score = stable) AS same FROM r;

-- a cursor keeps the model that it was opened with
SELECT array_agg(easq_score('v', t) ORDER BY id) AS before FROM videos t WHERE id <= 6 \gset
BEGIN;
DECLARE c CURSOR FOR SELECT easq_score('v', t) AS score, easq_batch_score('v', t) OVER (ORDER BY id) AS batch FROM videos t WHERE id <= 6 ORDER BY id;
CREATE TEMP TABLE fetched (i serial, score real);
DO $$
DECLARE
    c refcursor := 'c';
    s record;
BEGIN
    FOR i IN 1 .. 6 LOOP
        FETCH c INTO s;
        INSERT INTO fetched (score) VALUES (s.score);
        PERFORM step('v');
    END LOOP;
END $$;
SELECT array_agg(score ORDER BY i) = :'before' AS "as it was", (SELECT array_agg(easq_score('v', t) ORDER BY id) <> :'before' FROM videos t WHERE id <= 6) AS "has learned" FROM fetched;
-- what is rolled back was not learned, to a savepoint or altogether
SELECT easq_score('v', v) AS before FROM videos WHERE id = 1 \gset
SAVEPOINT s;
SELECT step('v') > 0 AS step;
SELECT easq_score('v', v) <> :'before' AS learned FROM videos WHERE id = 1;
ROLLBACK TO s;
SELECT easq_score('v', v) = :'before' AS "as before" FROM videos WHERE id = 1;
ROLLBACK;
SELECT array_agg(easq_score('v', t) ORDER BY id) AS before FROM videos t WHERE id <= 6 \gset
BEGIN;
SELECT step('v') > 0 AS step;
ROLLBACK;
DO $$
BEGIN
    PERFORM step('v');
    RAISE EXCEPTION 'taken back';
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '%', sqlerrm;
END $$;
SELECT array_agg(easq_score('v', t) ORDER BY id) = :'before' AS "as before" FROM videos t WHERE id <= 6;

-- parallel workers give the same scores, uncommitted steps included
CREATE FUNCTION plan_has(query text, node text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ node THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
BEGIN;
SELECT step('v') > 0 AS step;
SELECT md5(array_agg(easq_score('v', t) ORDER BY id)::text) AS serial FROM videos t \gset
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_leader_participation = off;
CREATE VIEW parallel AS SELECT array_agg(score ORDER BY id) AS scores FROM (SELECT id, easq_score('v', t) AS score FROM videos t OFFSET 0) s;
SELECT plan_has('SELECT * FROM parallel', 'Gather') AS parallel, md5(scores::text) = :'serial' AS same FROM parallel;
SELECT bool_and(same(batch, score)) AS batch FROM (SELECT easq_batch_score('v', t) OVER () AS batch, easq_score('v', t) AS score FROM videos t) s;
ROLLBACK;

-- more models than the cache holds
SELECT easq_create_model('big' || i, '[{"name": "c", "kind": "categorical", "size": 60000, "dim": 4}]', jsonb_build_object('seed', i, 'hidden', 8, 'expert_hidden', 4)) FROM generate_series(1, 6) i \g /dev/null
SELECT array_agg(easq_score('big' || i, r) ORDER BY i) AS before FROM generate_series(1, 6) i, (SELECT 'x' AS c) r \gset
SET easq.cache_size = '1MB';
SELECT array_agg(easq_score('big' || i, r) ORDER BY i) = :'before' AS same FROM generate_series(1, 6) i, (SELECT 'x' AS c) r;
SELECT count(*), count(DISTINCT score) AS scores FROM (SELECT easq_score('big' || (1 + i % 6), r) AS score FROM generate_series(1, 60) i, (SELECT 'x' AS c) r) s;
SELECT count(*), count(DISTINCT score) AS scores FROM (SELECT easq_batch_score('big' || (1 + i % 6), r) OVER () AS score FROM generate_series(1, 60) i, (SELECT 'x' AS c) r) s;
RESET easq.cache_size;
SELECT left(fails('SET easq.cache_size = 0'), 5) AS "too small", left(fails('SET easq.cache_size = ''much'''), 5) AS "no size";

-- scoring writes nothing and takes no transaction id
BEGIN READ ONLY;
SELECT count(easq_score('v', t)) AS scored, pg_current_xact_id_if_assigned() AS xid FROM videos t;
COMMIT;

SELECT state() AS before \gset
\t on
SELECT fails('SELECT easq_score(''v'', v, adapter => ''mine'') FROM videos');
SELECT fails('SELECT easq_score(''v'', t, NULL, ''monday'') FROM videos t');
SELECT fails('SELECT easq_satisfaction(''v'', t, adapter => ''mine'') FROM videos t');
SELECT fails('SELECT easq_satisfaction(''v'', v, version => ''monday'') FROM videos t');
SELECT fails('SELECT easq_batch_score(''v'', t, adapter => ''mine'') OVER () FROM videos t');
SELECT fails('SELECT easq_batch_score(''v'', t, version => ''monday'') OVER () FROM videos t');
SELECT fails('SELECT easq_batch_score(''v'', t) FROM videos t');
SELECT fails('SELECT easq_batch_score(CASE WHEN id = 2500 THEN ''none'' ELSE ''v'' END, t) OVER () FROM videos t');
SELECT fails('SELECT easq_score(''v'', ROW(v)) FROM videos t');
-- one bad row among many
SELECT fails('SELECT easq_score(''v'', r) FROM (SELECT CASE WHEN id = 2500 THEN v[1:7] ELSE v END AS v FROM videos) r');
SELECT fails('SELECT easq_batch_score(''v'', r) OVER () FROM (SELECT CASE WHEN id = 2500 THEN v[1:7] ELSE v END AS v FROM videos) r');
-- writing in a transaction that only reads
BEGIN READ ONLY;
SELECT fails('SELECT easq_create_model(''new'', ''[{"name": "age", "kind": "numeric"}]'')');
SELECT fails('SELECT easq_configure(''v'', ''{}'')');
SELECT fails('SELECT easq_drop_model(''v'')');
SELECT fails('SELECT step(''v'')');
SELECT fails('SELECT easq_learn(''v'', ''videos'', ''age'', ''id'')');
SELECT fails('SELECT easq_stop_learning(''v'', ''videos'')');
SELECT fails('SELECT easq_import(''v'', easq_export(''v''))');
ROLLBACK;
\t off
SELECT state() = :'before' AS unchanged;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP TABLE IF EXISTS fetched;
DROP SCHEMA regress CASCADE;
