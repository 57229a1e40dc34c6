\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- Which answers moved a row: by the estimate, and by learning everything again without each of them.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE seen AS
SELECT u, 'v' || u AS viewer, i AS item, luck('x', i, 0) AS x, ARRAY['t' || i % 4, 't' || u % 3] AS tags, luck('click', u, i) < luck('x', i, 0) AS clicked, luck('answer', u, i) < luck('q', i, 0) AS satisfied
FROM generate_series(1, 150) u, generate_series(1, 20) i;
SELECT easq_create_model('m', '[{"name": "viewer", "kind": "categorical", "size": 30000, "dim": 4}, {"name": "item", "kind": "categorical", "size": 1000, "dim": 4}, {"name": "tags", "kind": "categorical", "size": 1000, "dim": 2}, {"name": "x", "kind": "numeric"}]',
                         '{"seed": 1, "hidden": 16, "expert_hidden": 8, "behaviour_budget": 1}') \g /dev/null
SELECT rows FROM easq_train('m', 'SELECT * FROM seen', 'clicked', 'u', options => '{"epochs": 2}');
CREATE TABLE survey (n int, user_id int, viewer text, item int, x float8, tags text[], answer bool, at timestamptz);
SELECT easq_learn('m', 'survey', options => '{"asked_at": "at"}') \g /dev/null
CREATE TABLE given AS
SELECT row_number() OVER (ORDER BY luck('asked', u, item))::int AS n, * FROM seen ORDER BY luck('asked', u, item) LIMIT 60;
CREATE FUNCTION logit(score real) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$ SELECT score + ln(1 - exp(-score::float8)) $$;
CREATE PROCEDURE answer(leave_out int) LANGUAGE plpgsql AS $$
BEGIN
    FOR part IN 0 .. 5 LOOP
        INSERT INTO survey SELECT n, u, viewer, item, x, tags, satisfied, timestamptz '2020-01-01' + n * interval '1 hour' FROM given WHERE n / 10 = part AND n <> leave_out ORDER BY n;
    END LOOP;
END $$;
CREATE VIEW asked_about AS SELECT viewer, item, x, tags FROM given WHERE n = 17;
CREATE TABLE learned (n int, logit float8);
DO $$
DECLARE
    without float8;
BEGIN
    FOR i IN 0 .. 60 LOOP
        BEGIN
            CALL regress.answer(i);
            SELECT logit(easq_satisfaction('m', a)) INTO without FROM regress.asked_about a;
            RAISE SQLSTATE 'ZZ000';
        EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
            INSERT INTO regress.learned VALUES (i, without);
        END;
    END LOOP;
END $$;
CALL answer(0);
CREATE VIEW influence AS
SELECT (extract(epoch FROM asked_at - timestamptz '2020-01-01') / 3600)::int AS n, e.* FROM asked_about a, easq_explain_answers('m', a, answers => 100) e;
SELECT count(*), corr(satisfaction, w.logit - l.logit) > 0.97 AS correlation, abs(regr_slope(w.logit - l.logit, satisfaction) - 1) < 0.2 AS slope
FROM influence JOIN learned l USING (n), learned w WHERE w.n = 0;
-- the answer about the very row first; satisfied answers speak for it; what they have in common with it
SELECT n, respondent, answer, weight, asked_at = timestamptz '2020-01-01' + 17 * interval '1 hour' AS at, shares FROM influence ORDER BY abs(satisfaction) DESC LIMIT 1;
SELECT bool_and((satisfaction > 0) = (answer > 0)) FILTER (WHERE shares @> '{item}') AS "for and against", bool_and((shares @> '{item}') = (g.item = a.item)) AS items, bool_and((shares @> '{viewer}') = (g.viewer = a.viewer)) AS viewers,
       bool_and((shares @> '{tags}') = (g.tags && a.tags)) AS tags, count(*) FILTER (WHERE shares = '{}') > 0 AS "nothing in common", bool_and(abs(contribution - satisfaction * knob) < 1e-9) AS contribution
FROM influence i JOIN given g USING (n), asked_about a, easq.models;
SELECT array_agg(n) = (SELECT array_agg(n) FROM (SELECT n FROM influence ORDER BY abs(satisfaction) DESC LIMIT 10) s) AS "ten by default" FROM (SELECT (extract(epoch FROM asked_at - timestamptz '2020-01-01') / 3600)::int AS n FROM asked_about a, easq_explain_answers('m', to_jsonb(a)) e) s;
-- forgotten answers are gone from here, too
SELECT easq_forget('m', (SELECT u::text FROM given WHERE n = 17)) > 0 AS forgotten;
SELECT count(*) AS left FROM influence WHERE n = 17;

SELECT easq_create_model('plain', '[{"name": "x", "kind": "numeric"}]', '{"beliefs": false}'), easq_create_model('fresh', '[{"name": "x", "kind": "numeric"}]') \g /dev/null
SELECT count(*) FROM easq_explain_answers('fresh', '{"x": 1}'::jsonb);
SELECT count(*) FROM easq_explain_answers('fresh', NULL::jsonb);
\t on
SELECT fails('SELECT * FROM easq_explain_answers(''plain'', ''{"x": 1}''::jsonb)');
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{"x": 1}''::jsonb, answers => 0)');
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{"x": 1}''::jsonb, answers => NULL)');
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{"x": 1}''::jsonb, adapter => ''mine'')');
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{}''::jsonb)');
\t off

-- for owners, and whom EXECUTE was given
CREATE ROLE regress_reader;
SELECT easq_grant('fresh', 'score', 'regress_reader'), easq_grant('fresh', 'teach', 'regress_reader') \g /dev/null
GRANT USAGE ON SCHEMA regress TO regress_reader;
SET ROLE regress_reader;
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{"x": 1}''::jsonb)');
RESET ROLE;
GRANT EXECUTE ON FUNCTION easq_explain_answers(text, jsonb, text, text, int) TO regress_reader;
SET ROLE regress_reader;
SELECT fails('SELECT * FROM easq_explain_answers(''fresh'', ''{"x": 1}''::jsonb)');
RESET ROLE;
SELECT easq_configure('fresh', '{"owner": "regress_reader"}') \g /dev/null
SET ROLE regress_reader;
SELECT count(*) FROM easq_explain_answers('fresh', '{"x": 1}'::jsonb);
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;
SET client_min_messages = warning;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
