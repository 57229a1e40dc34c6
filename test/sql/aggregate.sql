\set ECHO none
\i test/tools.sql
\set ECHO all

-- One group at a time: hand-made orders, ties (the worse order counts, half in auc), one label only.
CREATE TABLE ranked (g text, score float8, label bool);
INSERT INTO ranked VALUES ('right', 3, true), ('right', 2, false), ('right', 1, false),
    ('wrong', 1, true), ('wrong', 2, false), ('wrong', 3, false),
    ('tied', 1, true), ('tied', 1, false), ('tied', 1, false),
    ('yes', 1, true), ('no', 1, false),
    ('gaps', 2, true), ('gaps', NULL, false), ('gaps', 1, NULL), ('gaps', 1, false);
SELECT g, easq_auc(score, label) AS auc, round(easq_mrr(score, label)::numeric, 3) AS mrr, easq_hr(score, label, 1) AS "hr@1",
       round(easq_ndcg(score, label, 2)::numeric, 3) AS "ndcg@2", easq_auc(score, label::int) = easq_auc(score, label) AS "0/1"
FROM ranked GROUP BY g ORDER BY g;
-- labels of every type of number
SELECT g, easq_auc(score, label::int::smallint) = auc AND easq_auc(score, label::int::bigint) = auc AND easq_auc(score, label::int::real) = auc AND easq_auc(score::real, label::int::float8) = auc AND
       easq_auc(score::numeric, label::int::numeric) = auc AS auc, easq_mrr(score, label::int::bigint) = mrr AS mrr, easq_hr(score, label::int::real, 1) = hr AS hr, easq_ndcg(score, label::int::numeric, 2) = ndcg AS ndcg
FROM ranked JOIN (SELECT g, easq_auc(score, label) AS auc, easq_mrr(score, label) AS mrr, easq_hr(score, label, 1) AS hr, easq_ndcg(score, label, 2) AS ndcg FROM ranked GROUP BY g) b USING (g) GROUP BY g, auc, mrr, hr, ndcg ORDER BY g;
SELECT easq_auc(score, label) FILTER (WHERE g = 'right') AS filtered, easq_auc(score, label) FILTER (WHERE false) AS empty FROM ranked;

-- Averaged over groups they are what easq_evaluate gives.
SELECT easq_create_model('ranker', '[{"name": "x", "kind": "numeric"}, {"name": "y", "kind": "numeric"}]') \g /dev/null
CREATE TABLE shown AS SELECT i % 40 AS g, i % 7 AS x, i % 11 AS y, i % 3 = 0 AS liked FROM generate_series(1, 1200) i;
WITH scored AS (SELECT g, liked, easq_score('ranker', c) AS score FROM (SELECT g, x, y, liked FROM shown) c),
     grouped AS (SELECT easq_auc(score, liked) AS auc, easq_mrr(score, liked) AS mrr, easq_hr(score, liked, 5) AS hr, easq_ndcg(score, liked, 10) AS ndcg
                 FROM scored GROUP BY g),
     ours AS (SELECT 'gauc' AS metric, avg(auc) AS value FROM grouped UNION ALL SELECT 'mrr', avg(mrr) FROM grouped
              UNION ALL SELECT 'hr@5', avg(hr) FROM grouped UNION ALL SELECT 'ndcg@10', avg(ndcg) FROM grouped
              UNION ALL SELECT 'auc', easq_auc(score, liked) FROM scored)
SELECT metric, abs(ours.value - theirs.value) < 1e-12 AS same
FROM ours JOIN easq_evaluate('ranker', 'SELECT * FROM shown', 'liked', 'g') theirs USING (metric) ORDER BY metric;

SELECT fails($$SELECT easq_auc('NaN', true)$$);
SELECT fails($$SELECT easq_auc(1, 2)$$);
SELECT fails($$SELECT easq_auc(1, 0.5)$$);
SELECT fails($$SELECT easq_auc(1, 'NaN'::real)$$);
SELECT fails($$SELECT easq_ndcg(1, true, 0)$$);
SELECT fails($$SELECT easq_hr(1, true, NULL)$$);
SELECT fails($$SELECT easq_hr(1, true, k) FROM generate_series(1, 2) k$$);

SELECT easq_drop_model('ranker') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
