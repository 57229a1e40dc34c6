\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- 100 groups of 3 to 40 rows with labels, a few of one label only; x has ties
SELECT easq_create_model('m', '[{"name": "x", "kind": "vector", "dim": 2}]', '{"hidden": 8, "expert_hidden": 4, "seed": 3}') \g /dev/null
CREATE TABLE item AS
SELECT g, i, ARRAY[sin(g * 7 + i % 9), cos(g + i % 5 * 3)]::real[] AS x, (g * 31 + i * 17) % 7 < g % 4 AS l
FROM generate_series(1, 100) g, LATERAL generate_series(1, 3 + g * 37 % 38) i;

-- the same metrics once more, from the scores
CREATE FUNCTION expected(scores text) RETURNS TABLE (metric text, value float8) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
    WITH scored AS (SELECT g, l::int, %s AS s FROM item),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY g ORDER BY s DESC, l) AS r, row_number() OVER (PARTITION BY g ORDER BY l DESC) AS best,
                      bool_or(l = 1) OVER (PARTITION BY g) AND bool_or(l = 0) OVER (PARTITION BY g) AS mixed FROM scored),
    by_k AS (SELECT g, k, max(l) FILTER (WHERE r <= k)::float8 AS hr,
                    coalesce(sum(l * ln(2) / ln(r + 1)) FILTER (WHERE r <= k), 0)::float8 / sum(l * ln(2) / ln(best + 1)) FILTER (WHERE best <= k)::float8 AS ndcg
             FROM ranked, unnest(ARRAY[1, 5, 10, 20]) k WHERE mixed GROUP BY g, k),
    by_g AS (SELECT g, 1.0 / min(r) FILTER (WHERE l = 1) AS mrr FROM ranked WHERE mixed GROUP BY g),
    pairs AS (SELECT p.g, avg(CASE WHEN p.s > n.s THEN 1 WHEN p.s = n.s THEN 0.5 ELSE 0 END) AS auc
              FROM scored p JOIN scored n ON p.g = n.g AND p.l = 1 AND n.l = 0 GROUP BY p.g)
    SELECT 'hr@' || k, avg(hr) FROM by_k GROUP BY k
    UNION ALL SELECT 'ndcg@' || k, avg(ndcg) FROM by_k GROUP BY k
    UNION ALL SELECT 'mrr', avg(mrr)::float8 FROM by_g
    UNION ALL SELECT 'gauc', avg(auc)::float8 FROM pairs
    UNION ALL SELECT 'auc', avg(CASE WHEN p.s > n.s THEN 1 WHEN p.s = n.s THEN 0.5 ELSE 0 END)::float8 FROM scored p JOIN scored n ON p.l = 1 AND n.l = 0$q$, scores);
END $$;
CREATE TABLE expected AS
SELECT * FROM expected('easq_score(''m'', item)') UNION ALL SELECT 'satisfaction/' || metric, value FROM expected('easq_satisfaction(''m'', item)');
SELECT metric, abs(e.value - v.value) < 1e-9 AS same
FROM easq_evaluate('m', 'SELECT * FROM item', 'l', 'g') WITH ORDINALITY v (metric, value, n) LEFT JOIN expected e USING (metric) ORDER BY n;
SELECT count(*) FROM expected;
SELECT metric, value FROM easq_evaluate('m', 'SELECT * FROM item', 'l', 'g') WHERE metric ~ 'groups';
SELECT count(*) FILTER (WHERE mixed), count(*) FILTER (WHERE NOT mixed) AS skipped FROM (SELECT bool_or(l) AND NOT bool_and(l) AS mixed FROM item GROUP BY g) t;

-- order, memory, and the types of label and group do not matter
CREATE FUNCTION digest(query text) RETURNS text LANGUAGE sql AS $$ SELECT md5(string_agg(metric || value, ' ' ORDER BY metric)) FROM easq_evaluate('m', query, 'l', 'g') $$;
SELECT digest('SELECT * FROM item') AS before \gset
SET work_mem = '64kB';
SELECT digest('SELECT * FROM item ORDER BY md5(item::text)') = :'before' AS same;
RESET work_mem;
SELECT abs(a.value - b.value) < 1e-12 AS same, count(*)
FROM easq_evaluate('m', 'SELECT * FROM item', 'l', 'g') a, easq_evaluate('m', 'SELECT x, ''group '' || g AS g, l::int::numeric AS l FROM item', 'l', 'g') b
WHERE a.metric = b.metric GROUP BY 1;
-- rows without a label or a group are left out
SELECT digest('SELECT * FROM item UNION ALL SELECT NULL, i, x, l FROM item UNION ALL SELECT g, i, x, NULL FROM item') = :'before' AS same;

-- a constant score earns nothing; metrics that have no value are not there
SELECT easq_create_model('c', '[{"name": "one", "kind": "numeric"}]', '{"hidden": 2, "expert_hidden": 2}') \g /dev/null
SELECT string_agg(metric || ' ' || round(value::numeric, 3), ', ') FROM easq_evaluate('c', 'SELECT 1 AS one, i % 3 = 0 AS l, i / 6 AS g FROM generate_series(0, 59) i', 'l', 'g') WHERE metric !~ '^satisfaction';
SELECT * FROM easq_evaluate('c', 'SELECT 1 AS one, i / 6 % 2 AS l, i / 6 AS g FROM generate_series(0, 59) i', 'l', 'g');
SELECT * FROM easq_evaluate('c', 'SELECT 1 AS one, true AS l, 1 AS g', 'l', 'g');

-- it writes nothing, and whoever may score may evaluate, with what they may read
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA regress TO regress_reader;
GRANT SELECT ON easq.model TO regress_reader;
BEGIN READ ONLY;
SET LOCAL ROLE regress_reader;
SELECT count(*) FROM easq_evaluate('c', 'SELECT 1 AS one, true AS l, 1 AS g', 'l', 'g');
\t on
SELECT fails($$SELECT * FROM easq_evaluate('m', 'SELECT * FROM item', 'l', 'g')$$);
COMMIT;
REVOKE SELECT ON easq.model FROM regress_reader;
SET ROLE regress_reader;
SELECT fails($$SELECT * FROM easq_evaluate('c', 'SELECT 1 AS one, true AS l, 1 AS g', 'l', 'g')$$);
RESET ROLE;

-- what is refused
SELECT fails(format('SELECT * FROM easq_evaluate(%L, %L, %L, %L)', m, q, l, g))
FROM (VALUES (NULL, 'SELECT 1', 'l', 'g'), ('c', NULL, 'l', 'g'), ('c', 'SELECT 1', NULL, 'g'), ('c', 'SELECT 1', 'l', NULL), ('none', 'SELECT 1', 'l', 'g'),
             ('c', 'SELECT 1 AS one, 1 AS g', 'l', 'g'), ('c', 'SELECT 1 AS one, 1 AS l', 'l', 'g'), ('c', 'SELECT 1 AS l, 1 AS g', 'l', 'g'),
             ('c', 'SELECT 1 AS one, 2 AS l, 1 AS g', 'l', 'g'), ('c', 'SELECT 1 AS one, 0.5 AS l, 1 AS g', 'l', 'g'), ('c', 'SELECT 1 AS one, ''NaN''::real AS l, 1 AS g', 'l', 'g'),
             ('c', 'SELECT 1 AS one, ''yes'' AS l, 1 AS g', 'l', 'g'), ('c', 'SELECT 1 AS one, true AS l, 1 AS g WHERE false', 'l', 'g'), ('c', 'SELECT 1 AS one, NULL::bool AS l, 1 AS g', 'l', 'g'),
             ('c', 'SELECT ''NaN''::real AS one, true AS l, 1 AS g', 'l', 'g'), ('c', 'DELETE FROM item', 'l', 'g'), ('c', 'SELECT 1; SELECT 2', 'l', 'g')) t (m, q, l, g);
\t off

\o /dev/null
SELECT easq_drop_model(name) FROM easq.models;
\o
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;
DROP SCHEMA regress CASCADE;
