\set ECHO none
\i test/tools.sql
\set ECHO all

-- easq_forget: a person, or one answer, out of what is remembered, queued, counted and logged.
SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0, "answers_per_respondent": 3, "replay_answers": 300}')
FROM unnest('{m, other}'::text[]) name \g /dev/null
CREATE TABLE q (id text, user_id text, x real, answer int);
CREATE TABLE plain (user_id text, x real, answer int);
SELECT easq_learn('m', 'q', options => '{"key": "id"}') \g /dev/null
SELECT easq_learn('other', 'q', options => '{"key": "id"}') \g /dev/null
SELECT easq_learn('m', 'plain', options => '{"answers_per_hour": 2}') \g /dev/null
CREATE FUNCTION remembered(OUT respondent text, OUT answers text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT respondent, string_agg(answer::text, ' ' ORDER BY ordinal) FROM easq.answer WHERE model = 'm' GROUP BY 1 ORDER BY 1 $$;
CREATE FUNCTION tallied() RETURNS bool LANGUAGE sql AS $$
    SELECT coalesce(bool_and(counted.answer = held.answer AND counted.n = held.n AND counted.oldest <= held.oldest), true)
    FROM (SELECT answer, answers AS n, oldest FROM easq.answer_count WHERE model = 'm') counted
    FULL JOIN (SELECT answer, count(*) AS n, min(ordinal) AS oldest FROM easq.answer WHERE model = 'm' GROUP BY 1) held USING (answer) $$;
INSERT INTO q VALUES ('a1', 'ann', 1, 1), ('a2', 'ann', 2, 0), ('a3', 'ann', 3, 5), ('b1', 'bob', 1, 1), ('b2', 'bob', -2, 0), ('n1', NULL, 4, 1), ('a1', NULL, 5, 1);
INSERT INTO plain VALUES ('ann', 7, 0), ('bob', 7, 1);
SELECT * FROM remembered();

-- one answer by its key, in whatever table it was, that table attached or not; of a respondent if one is named too
SELECT easq_forget('m', key => 'b2');
SELECT easq_forget('m', key => 'b2');
SELECT easq_stop_learning('m', 'q') \g /dev/null
SELECT easq_forget('m', 'bob', 'a1'), easq_forget('m', 'ann', 'a1'), easq_forget('m', key => 'a1');
SELECT * FROM remembered();
SELECT tallied();

-- a person: other people, other models and the rows themselves stay
SELECT learned, respondent FROM easq.answer_rate ORDER BY 2;
SELECT easq_forget('m', 'ann');
SELECT * FROM remembered();
SELECT learned, respondent FROM easq.answer_rate ORDER BY 2;
SELECT tallied();
SELECT count(*) FROM easq.answer WHERE model = 'other' AND respondent = 'ann';
SELECT count(*) FROM q WHERE user_id = 'ann';
SELECT easq_forget('m', 'nobody'), easq_forget('m', 'bob', 'b1'), easq_forget('m', 'bob');
SELECT * FROM remembered();

-- as if new: room, partners, turns of the hour
INSERT INTO plain VALUES ('ann', 1, 1), ('ann', 2, 0);
INSERT INTO plain VALUES ('ann', 3, 2);
SELECT status, answers, pairs, reason FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 2;
SELECT * FROM remembered();
SELECT tallied();
SELECT easq_forget('m', 'ann');
INSERT INTO plain SELECT i, i % 9, i % 2 FROM generate_series(1, 320) i;
SELECT count(*), sum(answer) FROM easq.answer WHERE model = 'm';
SELECT sum(easq_forget('m', i::text)) FROM generate_series(21, 300) i;
SELECT count(*), tallied() FROM easq.answer WHERE model = 'm';
INSERT INTO plain SELECT 1000 + i, i % 9, i % 2 FROM generate_series(1, 260) i;
SELECT count(*), count(*) FILTER (WHERE respondent::int < 400), tallied() FROM easq.answer WHERE model = 'm';

-- what is queued, to learn or to forget, and is not learned any more
SELECT easq_learn('m', 'q', options => '{"key": "id"}') \g /dev/null
INSERT INTO q VALUES ('c1', 'cid', 1, 1), ('c2', 'cid', 2, 0), ('d1', 'dan', 2, 0);
INSERT INTO easq.queued SELECT model, adapter, pg_catalog.gen_random_uuid(), respondent, key, named, true, f, answer, weight, asked_at, 0, example
FROM easq.answer, unnest('{f, t}'::bool[]) f WHERE model = 'm' AND respondent IN ('cid', 'dan');
SELECT easq_forget('m', 'cid', 'c1'), easq_forget('m', key => 'd1'), easq_forget('m', 'cid');
SELECT count(*) FROM easq.queued;

-- what the log quotes
INSERT INTO q VALUES ('e1', 'eve', 'NaN', 1), ('e2', 'eve', 1, 1);
INSERT INTO plain VALUES (repeat('long', 300), 1, 1);
SELECT count(*) FILTER (WHERE detail LIKE '%NaN%') AS quoted FROM easq.steps WHERE model = 'm';
SELECT easq_forget('m', 'eve');
SELECT count(*) FILTER (WHERE detail LIKE '%NaN%') AS quoted, count(detail) AS details,
       count(*) FILTER (WHERE reason LIKE 'more than%') > 0 AS others FROM easq.steps WHERE model = 'm';

-- what stays is said
CREATE TABLE views AS SELECT v AS viewer, i % 2 AS clicked, (i * v) % 7 AS x FROM generate_series(1, 90) v, generate_series(1, 4) i;
SET client_min_messages = warning;
SELECT easq_train('m', 'SELECT * FROM views', 'clicked', 'viewer', options => '{"epochs": 1}') \g /dev/null
RESET client_min_messages;
SELECT easq_forget('m', '1') \g /dev/null
SELECT easq_score('m', v) > 0 AS score FROM views v LIMIT 1;

-- what is no way to ask, and who may not
SELECT fails('SELECT easq_forget(''m'')');
SELECT fails('SELECT easq_forget(NULL, ''ann'')');
SELECT fails('SELECT easq_forget(''none'', ''ann'')');
BEGIN READ ONLY;
SELECT split_part(fails('SELECT easq_forget(''m'', ''ann'')'), ' | ', 1);
ROLLBACK;
CREATE ROLE regress_forgetter;
GRANT USAGE ON SCHEMA regress TO regress_forgetter;
SET ROLE regress_forgetter;
SELECT fails('SELECT easq_forget(''m'', ''ann'')');
RESET ROLE;
GRANT EXECUTE ON FUNCTION easq_forget TO regress_forgetter;
SET ROLE regress_forgetter;
SELECT fails('SELECT easq_forget(''m'', ''ann'')');
RESET ROLE;

\set ECHO none
SET client_min_messages = warning;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
REVOKE EXECUTE ON FUNCTION easq_forget FROM regress_forgetter;
DROP ROLE regress_forgetter;
