\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- Answers that go wrong: a taste that turns, 99 of one kind to one of the other, a time that is far ahead, a pathway that is dead.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE seen AS
SELECT g AS user_id, i AS item, luck('x', i, 1) AS x, luck('y', g, i) AS y, luck('c', g, i) < luck('x', i, 1) AS clicked FROM generate_series(1, 200) g, generate_series(1, 30) i;
CREATE TABLE survey (user_id int, x float8, y float8, answer bool, at timestamptz);
CREATE FUNCTION make(model text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
    SELECT easq_create_model(model, '[{"name": "x", "kind": "numeric"}, {"name": "y", "kind": "numeric"}]', '{"seed": 1, "hidden": 16, "expert_hidden": 8}'::jsonb || more);
    SELECT rows FROM easq_train(model, 'SELECT * FROM seen', 'clicked', 'user_id', options => '{"epochs": 2}') $$;
CREATE FUNCTION answer(first int, last int, satisfied text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s record;
BEGIN
    FOR s IN EXECUTE format('SELECT *, %s AS satisfied FROM (SELECT *, row_number() OVER (ORDER BY luck(''o'', user_id, item)) AS n FROM seen) n WHERE n BETWEEN %s AND %s ORDER BY n', satisfied, first, last) LOOP
        INSERT INTO survey VALUES (s.user_id, s.x, s.y, s.satisfied);
    END LOOP;
END $$;

-- 400 answers like y, then they turn: 500 later the new taste is known, and the pathway lives
SELECT make('turn') \g /dev/null
SELECT easq_learn('turn', 'survey') \g /dev/null
SELECT answer(1, 400, 'y > 0.5') \g /dev/null
SELECT easq_auc(easq_satisfaction('turn', s), y > 0.5) > 0.9 AS learned FROM seen s;
SELECT answer(401, 900, 'y < 0.5') \g /dev/null
SELECT easq_auc(easq_satisfaction('turn', s), y < 0.5) > 0.8 AS turned, count(DISTINCT easq_satisfaction('turn', s)) > 5000 AS scores FROM seen s;
SELECT easq_stop_learning('turn', 'survey') \g /dev/null

-- one in a hundred: scores keep their order near the rare kind, and probabilities are near 1
SELECT make('rare') \g /dev/null
SELECT easq_learn('rare', 'survey') \g /dev/null
SELECT answer(1, 1500, 'y <= 0.99') \g /dev/null
SELECT string_agg((s > lead)::text, ', ' ORDER BY y) AS falls, min(s) > 0 AS "above 0", min(p) FILTER (WHERE y < 0.95) > 0.95 AS sure
FROM (SELECT y, s, p, lead(s) OVER (ORDER BY y) FROM (SELECT v.y, easq_satisfaction('rare', c) AS s, easq_probability('rare', c) AS p
      FROM (VALUES (0.1::float8), (0.5), (0.9), (0.98), (0.995)) v(y), LATERAL (SELECT 0.5::float8 AS x, v.y) c) f) r;
SELECT easq_stop_learning('rare', 'survey') \g /dev/null

-- an answer of 2099 does not make all others old
SELECT make('late', '{"half_life": "30 days"}') \g /dev/null
SELECT easq_learn('late', 'survey', options => '{"asked_at": "at"}') \g /dev/null
INSERT INTO survey VALUES (1, 0.1, 0.1, true, '2099-01-01'), (1, 0.9, 0.9, false, now()), (2, 0.9, 0.8, false, now() - interval '1 day');
SELECT asked_at <= now() AS "no later than now" FROM easq.adapter WHERE model = 'late' AND state = 'current';
SELECT count(*), count(asked_at) AS dated FROM easq.answer WHERE model = 'late';

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
