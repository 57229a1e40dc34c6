-- What the parts share: results of runs, G and its bound over seeds, checks that can fail.
SET client_min_messages = warning;
\set QUIET on
CREATE EXTENSION easq;

-- A number from 0 to 1 that depends on its arguments alone.
CREATE FUNCTION luck(what text, seed int, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, seed) & 1048575) / 1048576.0 $$;

CREATE FUNCTION metric(model text, query text, label text, grp text, metric text) RETURNS float8 LANGUAGE sql AS
$$ SELECT value FROM easq_evaluate($1, $2, $3, $4) e WHERE e.metric = $5 $$;

-- GAUC on rows that no training query and no answer had: of behaviour, of satisfaction by the ranking and by its own pathway.
CREATE TABLE result (seed int, lambda2 float8, budget float8, phase text, behaviour float8, ranking float8, satisfaction float8);
CREATE TABLE trace (seed int, lambda2 float8, budget float8, steps int, eased float8, shortened int, reverted int, cost float8);

-- What the step log says of a run that has just ended.
CREATE PROCEDURE keep_trace(model text, seed int, lambda2 float8, budget float8) LANGUAGE sql AS $$
    INSERT INTO trace
    SELECT $2, $3, $4, count(*) FILTER (WHERE answers > 0 AND status IN ('applied', 'shortened')),
           avg(alignment_strength), count(*) FILTER (WHERE status = 'shortened'), count(*) FILTER (WHERE status = 'reverted'),
           (SELECT behaviour_cost FROM easq.models m WHERE m.name = $1)
    FROM easq.steps s WHERE s.model = $1;
$$;

CREATE VIEW g AS
SELECT b.seed, b.lambda2, b.budget, b.behaviour AS a0, a.behaviour AS a, (b.behaviour - a.behaviour) / (b.behaviour - 0.5) AS g,
       a.ranking - b.ranking AS gain, a.satisfaction - b.satisfaction AS learned, t.steps, t.eased, t.shortened, t.reverted, t.cost
FROM result b JOIN result a USING (seed, lambda2, budget) LEFT JOIN trace t USING (seed, lambda2, budget)
WHERE b.phase = 'before' AND a.phase = 'after';

-- Quantile 0.95 of Student's t.
CREATE FUNCTION t95(df bigint) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$
    SELECT coalesce((ARRAY[6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761,
                           1.753, 1.746, 1.740, 1.734, 1.729, 1.725])[df], 1.725)::float8 $$;

-- The bound is the upper end of a one-sided 95 % interval of the mean G over seeds.
CREATE VIEW summary AS
SELECT lambda2, budget, count(*) AS seeds, avg(a0) AS a0, avg(a) AS a, avg(g) AS g, max(g) AS worst,
       avg(g) + t95(count(*) - 1) * stddev_samp(g) / sqrt(count(*)) AS bound, avg(gain) AS gain, avg(learned) AS learned,
       avg(cost) AS judged, avg(eased) AS strength, sum(shortened) AS shortened, sum(reverted) AS reverted
FROM g GROUP BY 1, 2;

CREATE TABLE check_ (id int GENERATED ALWAYS AS IDENTITY, what text, held bool);
CREATE PROCEDURE check_budget() LANGUAGE sql AS $$
    INSERT INTO check_ (what, held)
    SELECT format('lambda2 %s, budget %s: G %s, bound over %s seeds %s', lambda2, budget, round(g::numeric, 4), seeds, round(bound::numeric, 4)),
           bound <= budget
    FROM summary WHERE budget < 1 ORDER BY lambda2, budget;
$$;
