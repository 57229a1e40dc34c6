\set ECHO none
\i test/tools.sql
\set ECHO all

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_curator, regress_colleague, regress_feed, regress_asker, regress_viewer, regress_later;
RESET client_min_messages;
CREATE ROLE regress_curator;                        -- owns models
CREATE ROLE regress_colleague IN ROLE regress_curator;
CREATE ROLE regress_feed;                           -- scores
CREATE ROLE regress_asker;                          -- owns questionnaires
CREATE ROLE regress_viewer;                         -- answers
GRANT ALL ON SCHEMA regress TO PUBLIC;
SELECT easq_create_model('root', '[{"name": "x", "kind": "numeric"}]') \g /dev/null

-- nothing was granted: no function that writes, no model
SET ROLE regress_viewer;
\t on
SELECT fails(q) FROM unnest(ARRAY['SELECT easq_create_model(''m'', ''[{"name": "x", "kind": "numeric"}]'')', 'SELECT easq_configure(''root'', ''{}'')', 'SELECT easq_drop_model(''root'')',
    'SELECT easq_align(''root'', ''{{1}}'', ''{{2}}'')', 'SELECT easq_learn(''root'', ''pg_class'')', 'SELECT easq_stop_learning(''root'', ''pg_class'')', 'SELECT easq_export(''root'')', 'SELECT easq_import(''root'', '''')',
    'SELECT easq_score(''root'', ARRAY[1])', 'SELECT easq_satisfaction(''root'', r) FROM (SELECT 1 AS x) r', 'SELECT easq_batch_score(''root'', r) OVER () FROM (SELECT 1 AS x) r',
    'SELECT * FROM easq.model', 'SELECT * FROM easq.tensor', 'DELETE FROM easq.step', 'SELECT nextval(''easq.step_id_seq'')']) q;
\t off
SELECT count(*) AS models, (SELECT count(*) FROM easq.steps) AS steps FROM easq.models;
RESET ROLE;

-- whoever creates a model owns it; so do the members of that role
GRANT EXECUTE ON FUNCTION easq_create_model, easq_configure, easq_drop_model, easq_align, easq_learn, easq_stop_learning, easq_export, easq_import
TO regress_curator, regress_feed, regress_asker;
SET ROLE regress_curator;
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]') \g /dev/null
SELECT name, owner, easq_score(name, ARRAY[1]) > 0 AS score FROM easq.models;
SELECT loss > 0 AS aligned FROM easq_align('m', '{{1}}', '{{2}}');
SELECT model, source FROM easq.steps;
SET ROLE regress_colleague;
SELECT name, owner, easq_score(name, ARRAY[1]) > 0 AS score FROM easq.models;
SELECT easq_configure('m', '{"lambda2": 2}'), easq_import('m', easq_export('m')) \g /dev/null
\t on
SELECT fails('SELECT easq_score(''root'', ARRAY[1])');
SELECT fails('SELECT easq_configure(''root'', ''{}'')');

-- SELECT on easq.model is the right to score with all models, and to no more
RESET ROLE;
GRANT SELECT ON easq.model TO regress_feed;
SET ROLE regress_feed;
SELECT name, easq_score(name, ARRAY[1]) > 0 AS score FROM easq.models ORDER BY name;
SELECT fails(q) FROM unnest(ARRAY['SELECT easq_configure(''m'', ''{}'')', 'SELECT easq_drop_model(''m'')', 'SELECT easq_align(''m'', ''{{1}}'', ''{{2}}'')', 'SELECT easq_export(''m'')',
    'SELECT easq_import(''m'', easq_export(''m''))', 'SELECT easq_import(''m'', ''{}'')', 'SELECT easq_learn(''m'', ''pg_class'')', 'SELECT easq_create_model(''m'', ''[{"name": "x", "kind": "numeric"}]'')']) q;
RESET ROLE;

-- a right that is taken away is gone with the next statement, one of another role never used
PREPARE score AS SELECT easq_score('m', ARRAY[1]) > 0 AS score;
SET ROLE regress_feed;
EXECUTE score;
RESET ROLE;
REVOKE SELECT ON easq.model FROM regress_feed;
SET ROLE regress_feed;
SELECT fails('EXECUTE score');
RESET ROLE;
EXECUTE score;
DO $$
DECLARE
    score real;
BEGIN
    FOREACH score IN ARRAY ARRAY[1, 2] LOOP
        score := easq_score('m', ARRAY[1]);
        RAISE NOTICE '% scores', CASE WHEN current_user = session_user THEN 'superuser' ELSE current_user END;
        SET LOCAL ROLE regress_viewer;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE '%', sqlerrm;
END $$;
CREATE FUNCTION score_for_all(x real[]) RETURNS real LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS 'SELECT easq_score(''m'', x)';
CREATE FUNCTION score_as_caller(x real[]) RETURNS real LANGUAGE sql STABLE AS 'SELECT public.easq_score(''m'', x)';
SET ROLE regress_viewer;
SELECT score_for_all(ARRAY[1]) > 0 AS definer;
SELECT fails('SELECT score_as_caller(ARRAY[1]), score_for_all(ARRAY[1])');
SELECT fails('SELECT score_for_all(ARRAY[1]), score_as_caller(ARRAY[1])');
RESET ROLE;
CREATE VIEW scored AS SELECT x, easq_score('m', ARRAY[x]) > 0 AS score FROM generate_series(1, 1) x;
GRANT SELECT ON scored TO regress_viewer;
SET ROLE regress_viewer;
SELECT fails('SELECT * FROM scored');
RESET ROLE;

-- a model changes hands: to a role that its owner could act as
SET ROLE regress_curator;
SELECT fails('SELECT easq_configure(''m'', ''{"owner": "regress_feed"}'')');
SELECT fails('SELECT easq_configure(''m'', ''{"owner": "regress_nobody"}'')');
-- null: it stays who it is
SELECT easq_configure('m', '{"owner": null}') \g /dev/null
SELECT fails('SELECT easq_create_model(''theirs'', ''[{"name": "x", "kind": "numeric"}]'', ''{"owner": "regress_feed"}'')');
SELECT name, owner FROM easq.models;
RESET ROLE;
SELECT easq_configure('m', '{"owner": "regress_feed", "lambda2": 3}'), easq_create_model('theirs', '[{"name": "x", "kind": "numeric"}]', '{"owner": "regress_feed"}') \g /dev/null
SELECT name, CASE WHEN owner = session_user::regrole THEN 'mine' ELSE owner::text END AS owner, options->'lambda2' AS lambda2, options ? 'owner' AS option FROM easq.models ORDER BY name;
SET ROLE regress_curator;
SELECT fails('SELECT easq_score(''m'', ARRAY[1])');
SELECT fails('SELECT easq_configure(''m'', ''{"owner": "regress_curator"}'')');
RESET ROLE;
SELECT easq_configure('m', '{"owner": "regress_asker"}') \g /dev/null

-- teaching from a table: its owner, who also owns the model
SET ROLE regress_asker;
CREATE TABLE survey (user_id text, video_id int, answer boolean);
CREATE TABLE video (id int, x real);
INSERT INTO video SELECT i, i FROM generate_series(1, 9) i;
\set query 'SELECT n.*, v.x, current_user AS runs_as FROM new_rows n JOIN video v ON v.id = n.video_id'
SELECT fails('SELECT easq_learn(''root'', ''survey'')');
SELECT fails('SELECT easq_learn(''theirs'', ''survey'')');
SET ROLE regress_feed;
SELECT fails('SELECT easq_learn(''theirs'', ''survey'')');
SELECT fails('SELECT easq_stop_learning(''theirs'', ''survey'')');
SET ROLE regress_asker;
SELECT easq_learn('m', 'survey', respondent => 'runs_as', features => :'query') \g /dev/null
GRANT INSERT, UPDATE ON survey TO regress_viewer;
-- the one who answers needs no other right; the query runs as the author, with the author's search_path
SET ROLE regress_viewer;
CREATE TEMP TABLE video (id int, x real);
INSERT INTO pg_temp.video SELECT i, 100 FROM generate_series(1, 9) i;
SET search_path = pg_temp, regress, public;
INSERT INTO survey VALUES ('ann', 1, true), ('ann', 2, false);
SELECT current_user, current_setting('search_path') AS search_path;
RESET ROLE;
SET search_path = regress, public;
DROP TABLE pg_temp.video;
SELECT status, answers, pairs, reason, detail FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
SELECT respondent, count(*), count(DISTINCT example) AS examples FROM easq.answer WHERE model = 'm' GROUP BY 1;
-- what the author may not do is skipped, whatever the inserter may
ALTER TABLE video OWNER TO regress_curator;
INSERT INTO survey VALUES ('root', 3, true);
SELECT status, answers, reason, detail FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
SET ROLE regress_asker;
SELECT fails(format('SELECT easq_learn(''m'', ''survey'', features => %L)', :'query'));
RESET ROLE;
ALTER TABLE video OWNER TO regress_asker;
-- the author does not own the model any more
SELECT easq_configure('m', '{"owner": "regress_curator"}') \g /dev/null
INSERT INTO survey VALUES ('root', 3, true);
SELECT status, answers, reason, detail FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
SELECT easq_configure('m', '{"owner": "regress_asker"}') \g /dev/null
-- the author does not own the table any more
ALTER TABLE survey OWNER TO regress_curator;
INSERT INTO survey VALUES ('root', 3, true);
SELECT status, answers, reason, detail FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
-- the author is gone
CREATE ROLE regress_later;
SELECT easq_configure('m', '{"owner": "regress_later"}') \g /dev/null
ALTER TABLE survey OWNER TO regress_later;
ALTER TABLE video OWNER TO regress_later;
GRANT EXECUTE ON FUNCTION easq_learn TO regress_later;
SET ROLE regress_later;
SELECT easq_learn('m', 'survey', features => :'query') \g /dev/null
RESET ROLE;
INSERT INTO survey VALUES ('root', 3, true);
SELECT status, answers, reason, detail FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
REASSIGN OWNED BY regress_later TO regress_asker;
DROP OWNED BY regress_later;
DROP ROLE regress_later;
INSERT INTO survey VALUES ('root', 3, true);
SELECT status, answers, reason, regexp_replace(detail, 'OID \d+', 'OID n') FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1;
SELECT count(*) AS kept FROM survey;
SELECT name, easq_score(name, ARRAY[1]) > 0 AS score FROM easq.models ORDER BY name;
SET ROLE regress_asker;
SELECT count(*) AS models FROM easq.models;
SELECT fails('SELECT easq_configure(''m'', ''{"owner": "regress_asker"}'')');
RESET ROLE;
SELECT easq_configure('m', '{"owner": "regress_asker"}') \g /dev/null
SET ROLE regress_asker;
SELECT easq_stop_learning('m', 'survey') \g /dev/null
-- dropping a model needs no right on the tables it learned from
SELECT easq_learn('m', 'survey', features => :'query') \g /dev/null
RESET ROLE;
SELECT easq_configure('m', '{"owner": "regress_curator"}') \g /dev/null
SET ROLE regress_curator;
SELECT easq_drop_model('m') \g /dev/null
RESET ROLE;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'survey'::regclass;
INSERT INTO survey VALUES ('root', 3, true);
SELECT count(*) AS rows FROM easq.questionnaire;
-- row security of a joined table holds for the author
\t off
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]', '{"owner": "regress_asker"}') \g /dev/null
ALTER TABLE video ENABLE ROW LEVEL SECURITY;
ALTER TABLE video OWNER TO regress_curator;
GRANT SELECT ON video TO regress_asker;
CREATE POLICY below_5 ON video TO regress_asker USING (id < 5);
SET ROLE regress_asker;
SELECT easq_learn('m', 'survey', features => :'query') \g /dev/null
RESET ROLE;
INSERT INTO survey VALUES ('root', 3, true), ('root', 7, false);
SELECT count(*) AS "below 5" FROM easq.answer WHERE model = 'm';

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
DROP OWNED BY regress_curator, regress_colleague, regress_feed, regress_asker, regress_viewer;
DROP ROLE regress_curator, regress_colleague, regress_feed, regress_asker, regress_viewer;
