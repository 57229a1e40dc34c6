\set ECHO none
\i test/tools.sql
\set ECHO all

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_owner, regress_heir, regress_feed, regress_crew, regress_sailor, regress_teacher, regress_writer, "regress, Odd", regress_gone;
CREATE ROLE regress_owner;
CREATE ROLE regress_heir;
CREATE ROLE regress_feed;
CREATE ROLE regress_crew;
CREATE ROLE regress_sailor IN ROLE regress_crew;
CREATE ROLE regress_teacher;
CREATE ROLE regress_writer;
CREATE ROLE "regress, Odd";
GRANT ALL ON SCHEMA regress TO PUBLIC;
GRANT EXECUTE ON FUNCTION easq_create_model, easq_configure, easq_drop_model, easq_train, easq_learn, easq_stop_learning, easq_align, easq_checkpoint,
    easq_restore, easq_reset_alignment, easq_export, easq_import TO regress_owner, regress_heir, regress_feed, regress_sailor, regress_teacher;

-- a role that is written as its name
SELECT '-'::easq.role AS nobody, 'public'::easq.role AS everybody, '"regress, Odd"'::easq.role AS odd, 'REGRESS_owner'::easq.role AS folded, 4000000000::oid::easq.role AS dangling,
       'regress_owner'::easq.role = 'regress_owner'::regrole AS same, '{public,-,"\"regress, Odd\""}'::easq.role[] AS several, easq_role_send('regress_owner') = 'regress_owner'::bytea AS binary;
SELECT 'regress_gone'::easq.role AS warned;
SELECT fails('SELECT ''a,b''::easq.role');
SELECT fails('SELECT ''''::easq.role');

-- what each right allows: each call is made and undone
CREATE TABLE item AS SELECT i % 7 AS g, i::real AS x, i % 2 = 0 AS liked FROM generate_series(1, 200) i;
CREATE TABLE file (data bytea);
GRANT SELECT ON item, file TO PUBLIC;
SET ROLE regress_owner;
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 4, "expert_hidden": 3}') \g /dev/null
SELECT rows FROM easq_train('m', 'SELECT * FROM regress.item', 'liked', 'g', options => '{"epochs": 1}');
SELECT easq_checkpoint('m', 'then') \g /dev/null
RESET ROLE;
INSERT INTO file SELECT easq_export('m');
CREATE TABLE call (n int GENERATED ALWAYS AS IDENTITY, name text, statement text);
INSERT INTO call (name, statement) VALUES
    ('score', 'SELECT easq_score(''m'', ARRAY[1])'), ('satisfaction', 'SELECT easq_satisfaction(''m'', i) FROM regress.item i'), ('probability', 'SELECT easq_probability(''m'', ARRAY[1])'),
    ('jsonb', 'SELECT easq_score(''m'', ''{"x": 1}''::jsonb)'), ('explain', 'SELECT * FROM easq_explain(''m'', ''{"x": 1}''::jsonb)'),
    ('batch', 'SELECT easq_batch_score(''m'', i) OVER () FROM regress.item i'), ('evaluate', 'SELECT * FROM easq_evaluate(''m'', ''SELECT * FROM regress.item'', ''liked'', ''g'')'),
    ('align', 'SELECT easq_align(''m'', ''{{1}}'', ''{{2}}'')'), ('learn', 'CREATE TABLE regress.own (user_id int, x real, answer bool); SELECT easq_learn(''m'', ''regress.own''); INSERT INTO regress.own VALUES (1, 1, true)'),
    ('train', 'SELECT easq_train(''m'', ''SELECT * FROM regress.item'', ''liked'', ''g'', options => ''{"epochs": 1}'')'), ('export', 'SELECT easq_export(''m'')'),
    ('configure', 'SELECT easq_configure(''m'', ''{"lambda2": 2}'')'), ('drop', 'SELECT easq_drop_model(''m'')'), ('checkpoint', 'SELECT easq_checkpoint(''m'', ''now'')'), ('restore', 'SELECT easq_restore(''m'', ''then'')'),
    ('reset', 'SELECT easq_reset_alignment(''m'')'), ('import', 'SELECT easq_import(''m'', data) FROM regress.file'), ('grant', 'SELECT easq_grant(''m'', ''score'', ''public'')'), ('revoke', 'SELECT easq_revoke(''m'', ''score'', ''public'')'),
    ('models', 'SELECT 1 / count(*) FROM easq.models'), ('trainings', 'SELECT 1 / count(*) FROM easq.trainings'), ('steps', 'SELECT 1 / count(*) FROM easq.steps'), ('progress', 'SELECT 1 / count(*) FROM easq.progress'), ('checkpoints', 'SELECT 1 / count(*) FROM easq.checkpoints');
CREATE FUNCTION may(who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c record;
    result text := who || ':';
BEGIN
    FOR c IN SELECT * FROM regress.call ORDER BY n LOOP
        BEGIN
            EXECUTE format('SET LOCAL ROLE %I', who);
            EXECUTE c.statement;
            RAISE SQLSTATE 'ZZ000';
        EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
            result := result || ' ' || c.name;
        WHEN insufficient_privilege OR division_by_zero THEN
            NULL;
        END;
    END LOOP;
    RETURN result;
END $$;
CREATE TABLE survey (user_id int, x real, answer text);
SELECT easq_learn('m', 'survey') \g /dev/null
INSERT INTO survey SELECT i, i, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(1, 4) i;
SELECT easq_stop_learning('m', 'survey') \g /dev/null
SELECT backbone_id AS backbone, (SELECT id FROM easq.adapter WHERE state = 'current' AND checkpoint = 0) AS adapter FROM easq.model \gset
\t on
SELECT may('regress_owner');
SELECT may('regress_feed');
SET ROLE regress_owner;
SELECT easq_grant('m', 'score', 'regress_feed'), easq_grant('m', 'score', 'regress_feed') \g /dev/null
SELECT easq_grant('m', 'teach', 'regress_teacher'), easq_grant('m', 'export', 'regress_crew'), easq_grant('m', 'export', 'regress, Odd') \g /dev/null
RESET ROLE;
SELECT may(who) FROM unnest(ARRAY['regress_feed', 'regress_teacher', 'regress_sailor', 'regress_heir']) who;
SELECT backbone_id = :'backbone' AND (SELECT id FROM easq.adapter WHERE state = 'current' AND checkpoint = 0) = :'adapter' AS "weights are what they were" FROM easq.model;
SET ROLE regress_heir;
SELECT fails('SELECT easq_score(''m'', ARRAY[1])');
SELECT fails('SELECT easq_align(''m'', ''{{1}}'', ''{{2}}'')');
SELECT fails('SELECT easq_export(''m'')');
SELECT fails('SELECT easq_grant(''m'', ''score'', ''regress_heir'')');
RESET ROLE;
SELECT fails(q) FROM unnest(ARRAY['SELECT easq_grant(''m'', ''own'', ''regress_feed'')', 'SELECT easq_grant(''m'', ''score'', ''regress_gone'')', 'SELECT easq_revoke(''n'', ''score'', ''regress_feed'')',
    'SELECT easq_grant(NULL, ''score'', ''public'')', 'SELECT easq_grant(''m'', NULL, ''public'')', 'SELECT easq_grant(''m'', ''score'', NULL)']) q;
BEGIN READ ONLY;
SELECT fails('SELECT easq_grant(''m'', ''score'', ''public'')');
COMMIT;

-- who sees which grants
SELECT * FROM easq.grants ORDER BY 1, 2, 3;
SET ROLE regress_owner;
SELECT count(*) FROM easq.grants;
SET ROLE regress_sailor;
SELECT * FROM easq.grants;
SET ROLE regress_heir;
SELECT count(*) FROM easq.grants;
RESET ROLE;

-- they count from the next statement on, with the model in the session's cache; everybody is everybody
DO $$
BEGIN
    FOR i IN 1..4 LOOP
        PERFORM easq_grant('m', 'score', 'regress_heir');
        SET LOCAL ROLE regress_heir;
        PERFORM easq_score('m', ARRAY[1]);
        RESET ROLE;
        IF i = 3 THEN PERFORM easq_revoke('m', 'score', 'regress_heir'); END IF;
        SET LOCAL ROLE regress_heir;
        PERFORM easq_score('m', ARRAY[1]);
        RESET ROLE;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING '%', sqlerrm;
END $$;
SELECT easq_grant('m', 'score', 'public') \g /dev/null
SELECT may('regress_heir');
-- a restored or imported model has the grants that it had, and so has one that changed hands
SELECT easq_restore('m', 'then'), easq_import('m', data), easq_configure('m', '{"owner": "regress_heir"}') FROM file \g /dev/null
SELECT string_agg(concat_ws(' ', model, "right", grantee), ', ' ORDER BY "right", grantee) FROM easq.grants;
SELECT easq_revoke('m', 'score', 'public'), easq_revoke('m', 'export', 'regress, Odd') \g /dev/null
SELECT may('regress_owner');

-- RENAME changes nothing; one statement moves all that a role owns
ALTER ROLE regress_feed RENAME TO regress_gone;
SELECT may('regress_gone');
SELECT easq_create_model('n', '[{"name": "x", "kind": "numeric"}]', '{"owner": "regress_heir"}') \g /dev/null
SELECT easq_configure(name, '{"owner": "regress_owner"}') FROM easq.models WHERE owner = 'regress_heir'::regrole \g /dev/null
SELECT name, owner FROM easq.models ORDER BY 1;
-- DROP ROLE leaves a model to superusers, and no grant
DROP OWNED BY regress_gone;
DROP ROLE regress_gone;
SELECT easq_configure(name, '{"owner": "regress_heir"}') FROM easq.models \g /dev/null
DROP OWNED BY regress_heir;
DROP ROLE regress_heir;
SELECT owner, may_score, may_teach FROM easq.model WHERE name = 'm';
SELECT name, owner, easq_score(name, ARRAY[1]) > 0 AS score FROM easq.models ORDER BY 1;
SELECT may('regress_owner');
SET ROLE regress_owner;
SELECT count(*) FROM easq.models;
SELECT fails('SELECT easq_configure(''m'', ''{"owner": "regress_owner"}'')');
RESET ROLE;
SELECT easq_configure(name, '{"owner": "regress_owner"}') FROM easq.models WHERE owner IS NULL \g /dev/null
SELECT may('regress_owner');
-- who is gone goes from the list with the next grant
SELECT easq_grant('m', 'score', 'regress_crew') \g /dev/null
SELECT owner, may_score, may_teach, may_export FROM easq.model WHERE name = 'm';

-- a teacher's questionnaire: what people wrote is for the teacher, not for who may score
SET ROLE regress_teacher;
CREATE TABLE teaching (user_id int, x real, answer text, v text);
SELECT easq_learn('m', 'teaching') \g /dev/null
INSERT INTO teaching VALUES (1, 1, 'I am ill'), (2, 'NaN', 'satisfied'), (3, 'infinity', 'satisfied'), (4, 1, 'me too');
SELECT easq_learn('m', 'teaching', features => 'SELECT n.*, (''secret of '' || user_id)::int FROM new_rows n') \g /dev/null
INSERT INTO teaching VALUES (5, 1, 'satisfied');
SELECT count(*) FROM easq.steps;
SET ROLE regress_sailor;
SELECT answers, reason, detail FROM easq.steps WHERE status = 'skipped' ORDER BY id;
SET ROLE regress_owner;
SELECT answers, reason, detail FROM easq.steps WHERE status = 'skipped' ORDER BY id;
SELECT easq_grant('m', 'score', 'regress_teacher') \g /dev/null
SET ROLE regress_teacher;
SELECT answers, reason, detail FROM easq.steps WHERE status = 'skipped' ORDER BY id;
-- the teacher needs the right each time, before anything of the teacher's runs
SET ROLE regress_owner;
SELECT easq_revoke('m', 'teach', 'regress_teacher') \g /dev/null
RESET ROLE;
SELECT easq_learn('m', 'survey') \g /dev/null
INSERT INTO teaching VALUES (5, 1, 'satisfied');
SET ROLE regress_teacher;
SELECT easq_stop_learning('m', 'teaching') \g /dev/null
RESET ROLE;
SELECT source, status, answers, reason, detail, author FROM easq.step ORDER BY id DESC LIMIT 1;
-- a long text is cut at the end of a character
SELECT easq_create_model('v', '[{"name": "v", "kind": "vector", "dim": 2}]') \g /dev/null
CREATE TABLE vectors (user_id int, v text, answer bool);
SELECT easq_learn('v', 'vectors') \g /dev/null
INSERT INTO vectors SELECT 1, repeat(c, 1000000), true FROM unnest(ARRAY['é', 'éa€', '漢']) c;
INSERT INTO vectors VALUES (1, '漢' || repeat('é', 1000000), true);
SELECT reason, octet_length(detail) BETWEEN 497 AND 500 AS cut, left(detail, 30) AS detail FROM easq.steps WHERE model = 'v' ORDER BY id;

-- no right on a table of easq is enough to write it, in no form
\t off
GRANT ALL ON ALL TABLES IN SCHEMA easq TO regress_writer;
CREATE VIEW rooted AS SELECT * FROM easq.questionnaire;
GRANT ALL ON rooted, call TO regress_writer;
CREATE TABLE form (form text, statement text);
INSERT INTO form VALUES
    ('INSERT', 'INSERT INTO easq.%1$I SELECT * FROM easq.%1$I'), ('ON CONFLICT', 'INSERT INTO easq.%1$I SELECT * FROM easq.%1$I ON CONFLICT DO NOTHING'),
    ('UPDATE', 'UPDATE easq.%1$I SET %2$I = %2$I'), ('DELETE', 'DELETE FROM easq.%1$I WHERE false'), ('TRUNCATE', 'TRUNCATE easq.%1$I'),
    ('CTE', 'WITH gone AS (DELETE FROM easq.%1$I RETURNING 1) SELECT count(*) FROM gone'),
    ('view', 'CREATE VIEW mine AS SELECT * FROM easq.%1$I; UPDATE mine SET %2$I = %2$I'), ('rooted', 'UPDATE rooted SET features = NULL');
INSERT INTO form SELECT 'MERGE', 'MERGE INTO easq.%1$I t USING regress.call ON false WHEN MATCHED THEN DELETE' WHERE current_setting('server_version_num')::int >= 150000;
CREATE VIEW attempt AS
SELECT form, c.relname, format(statement, c.relname, a.attname) AS statement
FROM form, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 WHERE c.relnamespace = 'easq'::regnamespace AND c.relkind IN ('r', 'p');
GRANT SELECT ON attempt TO regress_writer;
SET ROLE regress_writer;
SELECT count(DISTINCT relname) >= 10 AS tables FROM attempt;
SELECT form, relname, fails(statement) AS "not refused" FROM attempt WHERE fails(statement) NOT LIKE '42501 | must be owner of table easq.% to write it | What this table says is trusted%';
SELECT split_part(fails('DELETE FROM easq.step'), ' Use', 1);
RESET ROLE;
-- their owner may
BEGIN;
SELECT form, relname, fails(statement) AS refused FROM attempt WHERE form <> 'view' AND fails(statement) <> 'IT DOES NOT FAIL' AND fails(statement) NOT LIKE '23505%' ORDER BY 1, 2;
ROLLBACK;
-- whoever replicates too: those of rows also fire where a subscription applies changes
SELECT c.oid::regclass AS unguarded FROM pg_class c WHERE relnamespace = 'easq'::regnamespace AND relkind IN ('r', 'p')
    AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'A' AND (tgname, tgtype) IN (('guard', 2 + 4 + 8 + 16 + 32), ('guard_row', 1 + 2 + 4 + 8 + 16))) <> 2;
SELECT fails('SELECT easq_guard()');

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SELECT count(*) FROM easq.grants;
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
DROP OWNED BY regress_owner, regress_crew, regress_sailor, regress_teacher, regress_writer, "regress, Odd";
DROP ROLE regress_owner, regress_crew, regress_sailor, regress_teacher, regress_writer, "regress, Odd";
