\set ECHO none
\i test/tools.sql
\set ECHO all

-- easq_learn's option when: "commit" and "later", the queue and easq_drain.
SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 4, "expert_hidden": 4, "warm_up": 0, "beliefs": false}')
FROM unnest('{m, n}'::text[]) name \g /dev/null
CREATE TABLE late (id serial PRIMARY KEY, user_id int, x real, answer text);
SELECT easq_learn('m', 'late', options => '{"when": "later", "key": "id"}') \g /dev/null
CREATE VIEW waiting AS SELECT model, answers, changes, oldest IS NULL AS none, lag >= '0' AS lag FROM easq.queues ORDER BY model;
CREATE VIEW log AS SELECT source, status, reason, sum(answers) AS answers FROM easq.steps WHERE model = 'm' GROUP BY 1, 2, 3 ORDER BY min(id);
-- nothing is learned before somebody drains; one row, several, uncertain and bad ones, none
INSERT INTO late (user_id, x, answer) VALUES (1, 1, 'satisfied');
INSERT INTO late (user_id, x, answer) VALUES (1, -1, 'dissatisfied');
INSERT INTO late (user_id, x, answer) VALUES (2, 2, 'satisfied'), (2, -2, 'dissatisfied'), (2, 0, 'uncertain');
INSERT INTO late (user_id, x, answer) VALUES (3, 0, 'uncertain');
INSERT INTO late (user_id, x, answer) VALUES (3, 0, 'perhaps');
INSERT INTO late (user_id, x, answer) VALUES (3, 'NaN', 'satisfied');
INSERT INTO late (user_id, x, answer) VALUES (3, 3, NULL);
SELECT * FROM waiting;
SELECT steps, answers, uncertain FROM easq.models WHERE name = 'm';
SELECT easq_drain('m');
SELECT * FROM waiting;
SELECT steps, answers, uncertain FROM easq.models WHERE name = 'm';
SELECT * FROM log;
SELECT easq_drain('m'), easq_drain();

-- the short way costs no transaction id but the statement's own, and no step; neither does the long one once it has worked
BEGIN;
SELECT pg_current_xact_id()::text::bigint AS mine \gset
INSERT INTO late (user_id, x, answer) SELECT 4, 1, 'satisfied';
INSERT INTO late (user_id, x, answer) SELECT 4, -i, 'dissatisfied' FROM generate_series(1, 2) i;
SELECT count(*) FILTER (WHERE xmin::text::bigint <> :mine % 4294967296) AS others FROM easq.queued;
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - :mine AS ids;
COMMIT;

-- changed and withdrawn while queued; replaced; what was learned is forgotten
UPDATE late SET answer = 'dissatisfied' WHERE user_id = 4 AND x = 1;
UPDATE late SET answer = NULL WHERE user_id = 4 AND x = -1;
UPDATE late SET answer = 'satisfied' WHERE user_id = 1 AND x = -1;
SELECT * FROM waiting WHERE model = 'm';
SELECT count(*) FROM easq.answer WHERE model = 'm' AND respondent = '1' AND answer = 1;
SELECT easq_drain('m');
SELECT answer, count(*) FROM easq.answer WHERE model = 'm' AND respondent IN ('1', '4') GROUP BY 1 ORDER BY 1;
SELECT * FROM log;
SELECT * FROM waiting WHERE model = 'm';

-- of several words with one key the last one said counts, not one that is drawn
CREATE TABLE said (user_id int, x real, answer text);
SELECT easq_learn('m', 'said', options => '{"when": "later"}') \g /dev/null
INSERT INTO said SELECT 100 + i, 1, 'satisfied' FROM generate_series(1, 20) i;
INSERT INTO said SELECT 100 + i, 1, 'dissatisfied' FROM generate_series(1, 20) i;
SELECT easq_drain('m') > 0 AS learned;
SELECT answer, count(*) FROM easq.answer WHERE model = 'm' AND respondent::int > 100 GROUP BY 1;

-- as many steps as there are portions of 256, and one write
CREATE TABLE many (user_id int, x real, answer text);
SELECT easq_learn('n', 'many', options => '{"when": "later"}') \g /dev/null
INSERT INTO many SELECT i, sin(i), CASE WHEN sin(i) > 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(1, 600) i;
SELECT easq_drain();
SELECT count(*), count(DISTINCT adapter_version), sum(answers) FROM easq.steps WHERE model = 'n';

-- another model learns from the table too, from the next answer on
INSERT INTO said VALUES (1, 4, 'satisfied');
SELECT easq_learn('n', 'said', options => '{"when": "later"}') \g /dev/null
INSERT INTO said VALUES (1, -4, 'dissatisfied');
SELECT model, answers FROM easq.queues ORDER BY model;
SELECT easq_stop_learning('n', 'said') \g /dev/null
SELECT easq_drain('m');
SELECT easq_drain('n');

-- rights: of who has none, nothing is shown and nothing drained; a right that is lost is lost with the next answer
CREATE ROLE regress_later_teacher;
GRANT ALL ON SCHEMA regress TO regress_later_teacher;
GRANT EXECUTE ON FUNCTION easq_drain(text) TO regress_later_teacher;
INSERT INTO said VALUES (1, 5, 'satisfied');
SET ROLE regress_later_teacher;
SELECT count(*) FROM easq.queues;
SELECT easq_drain();
SELECT fails('SELECT easq_drain(''m'')');
SELECT fails('SELECT easq_start_worker()');
SELECT fails('SELECT easq_stop_worker()');
RESET ROLE;
SELECT fails('SELECT easq_drain(''nobody'')');
SELECT fails('SELECT easq_learn(''m'', ''said'', options => ''{"when": "soon"}'')');
SELECT fails('SELECT easq_learn(''m'', ''said'', options => ''{"when": "later", "strict": true}'')');
SELECT easq_drain('m');
CREATE TABLE theirs (user_id int, x real, answer text);
ALTER TABLE theirs OWNER TO regress_later_teacher;
GRANT EXECUTE ON FUNCTION easq_learn, easq_stop_learning TO regress_later_teacher;
SELECT easq_grant('m', 'teach', 'regress_later_teacher') \g /dev/null
SET ROLE regress_later_teacher;
SELECT easq_learn('m', 'theirs', options => '{"when": "later"}') \g /dev/null
RESET ROLE;
INSERT INTO theirs VALUES (1, 6, 'satisfied');
INSERT INTO theirs VALUES (1, -6, 'dissatisfied');
SELECT easq_revoke('m', 'teach', 'regress_later_teacher') \g /dev/null
INSERT INTO theirs VALUES (1, 7, 'satisfied');
SELECT easq_grant('m', 'teach', 'regress_later_teacher') \g /dev/null
INSERT INTO theirs VALUES (1, 8, 'satisfied');
SELECT answers FROM easq.queues WHERE model = 'm';
SELECT status, reason, answers FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
-- the table changes under what was prepared
ALTER TABLE theirs ADD COLUMN more int, ALTER COLUMN x TYPE float8;
INSERT INTO theirs VALUES (1, 9, 'satisfied');
ALTER TABLE theirs DROP COLUMN x;
INSERT INTO theirs VALUES (1, 'satisfied');
ALTER TABLE theirs ADD COLUMN x numeric;
INSERT INTO theirs (user_id, x, answer) VALUES (1, 10, 'satisfied');
SELECT answers FROM easq.queues WHERE model = 'm';
SELECT status, reason, answers FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
-- another way to learn from the same table, from the next statement on; and none at all
SET ROLE regress_later_teacher;
SELECT easq_learn('m', 'theirs') \g /dev/null
RESET ROLE;
INSERT INTO theirs (user_id, x, answer) VALUES (1, -10, 'dissatisfied');
SELECT answers FROM easq.queues WHERE model = 'm';
SET ROLE regress_later_teacher;
SELECT easq_learn('m', 'theirs', options => '{"when": "later"}') \g /dev/null
RESET ROLE;
INSERT INTO theirs (user_id, x, answer) VALUES (1, -11, 'dissatisfied');
INSERT INTO theirs (user_id, x, answer) VALUES (1, -12, 'dissatisfied');
SET ROLE regress_later_teacher;
SELECT easq_stop_learning('m', 'theirs') \g /dev/null
RESET ROLE;
INSERT INTO theirs (user_id, x, answer) VALUES (1, -13, 'dissatisfied');
SELECT answers FROM easq.queues WHERE model = 'm';
-- the model's row was on a page that is no more: the short way, which has been taken, is not lost for that
SELECT easq_create_model('moves', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 4, "expert_hidden": 4, "warm_up": 0, "beliefs": false}') \g /dev/null
CREATE TABLE moving (user_id int, x real, answer text);
SELECT easq_learn('moves', 'moving', options => '{"when": "later"}') \g /dev/null
SELECT count(easq_configure('moves', jsonb_build_object('learning_rate', i * 1e-5))) FROM generate_series(1, 50) i;
INSERT INTO moving SELECT 1, 1, 'satisfied';
INSERT INTO moving SELECT 1, -1, 'dissatisfied';
SELECT (ctid::text::point)[0] > 0 AS "on a later page" FROM easq.model WHERE name = 'moves';
VACUUM FULL easq.model;
INSERT INTO moving SELECT 2, 1, 'satisfied';
INSERT INTO moving SELECT 2, -1, 'dissatisfied';
INSERT INTO moving SELECT 3, -1, 'dissatisfied';
SELECT easq_drain('moves');
SELECT easq_drop_model('moves') \g /dev/null
-- types whose reading runs somebody's code go the long way
CREATE DOMAIN word AS text;
CREATE TABLE domains (user_id int, x real, answer word);
SELECT easq_learn('m', 'domains', options => '{"when": "later"}') \g /dev/null
INSERT INTO domains VALUES (1, 20, 'satisfied');
INSERT INTO domains VALUES (1, -20, 'dissatisfied');
SELECT answers FROM easq.queues WHERE model = 'm';
SELECT easq_drain('m') > 0 AS learned;

-- a model that cannot be read is rid of what waits for it
INSERT INTO said VALUES (1, 30, 'satisfied'), (2, 30, 'satisfied');
UPDATE easq.adapter SET id = gen_random_uuid() WHERE model = 'm';
SELECT easq_drain('m');
SELECT answers FROM easq.queues WHERE model = 'm';
SELECT status, reason, answers FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
SELECT easq_drop_model('m') \g /dev/null

-- at commit
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 4, "expert_hidden": 4, "warm_up": 0, "beliefs": false}') \g /dev/null
CREATE TABLE committed (user_id int, x real, answer text);
SELECT easq_learn('m', 'committed', options => '{"when": "commit"}') \g /dev/null
SELECT easq_learn('n', 'committed', options => '{"when": "commit"}') \g /dev/null
CREATE VIEW learned AS SELECT name, steps, answers, (SELECT answers FROM easq.queues WHERE model = name) AS queued FROM easq.models ORDER BY name;
INSERT INTO committed VALUES (1, 1, 'satisfied'), (1, -1, 'dissatisfied');
SELECT * FROM learned;
BEGIN;
INSERT INTO committed VALUES (2, 1, 'satisfied');
INSERT INTO committed VALUES (2, -1, 'dissatisfied');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT * FROM learned;
COMMIT;
SELECT * FROM learned;
-- what is rolled back leaves no trace, a savepoint's neither
BEGIN;
SAVEPOINT s;
INSERT INTO committed VALUES (3, 1, 'satisfied');
ROLLBACK TO s;
INSERT INTO committed VALUES (4, 1, 'satisfied');
COMMIT;
BEGIN;
INSERT INTO committed VALUES (5, 1, 'satisfied');
ROLLBACK;
SELECT * FROM learned;
SELECT respondent FROM easq.answer WHERE model = 'm' ORDER BY ordinal;
-- a COMMIT never fails because learning does
DO $$ BEGIN
    INSERT INTO committed VALUES (6, 2, 'satisfied');
    COMMIT;
    INSERT INTO committed VALUES (6, -2, 'dissatisfied');
END $$;
SELECT * FROM learned;
UPDATE easq.adapter SET id = gen_random_uuid() WHERE model = 'm';
INSERT INTO committed VALUES (7, 2, 'satisfied');
SELECT * FROM learned;
SELECT source, status, reason, answers FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
ALTER TABLE easq.step RENAME TO elsewhere;
INSERT INTO committed VALUES (8, 2, 'satisfied');
ALTER TABLE easq.elsewhere RENAME TO step;
SELECT * FROM learned;
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO committed VALUES (9, 2, 'satisfied');
COMMIT;
SELECT * FROM learned;

\set ECHO none
SET client_min_messages = warning;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
REVOKE EXECUTE ON FUNCTION easq_drain, easq_learn, easq_stop_learning FROM regress_later_teacher;
DROP ROLE regress_later_teacher;
