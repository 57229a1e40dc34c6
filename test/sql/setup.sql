\set ECHO none
\i test/tools.sql
\set ECHO all

-- what the extension brings, and how it is declared
CREATE VIEW member AS
SELECT o.* FROM pg_depend d, pg_identify_object(d.classid, d.objid, d.objsubid) o
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'easq') AND d.deptype = 'e';
SELECT proname AS function, pg_get_function_arguments(oid) AS arguments, pg_get_function_result(oid) AS result
FROM pg_proc WHERE proname LIKE 'easq\_%' ORDER BY proname, oid;
SELECT oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, procost AS cost, proisstrict AS strict, prokind AS kind, prosecdef AS definer, proconfig AS config,
       has_function_privilege('public', oid, 'EXECUTE') AS public, obj_description(oid, 'pg_proc') <> '' AS comment
FROM pg_proc WHERE proname LIKE 'easq\_%' ORDER BY proname, oid;
SELECT DISTINCT type, schema FROM member WHERE type NOT IN ('type', 'index', 'toast table') ORDER BY 1, 2;
SELECT type, identity AS "neither in easq nor in the schema of the extension" FROM member
WHERE type <> 'schema' AND schema NOT IN ('easq', (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'easq'));
SELECT oid::regclass AS "without a comment" FROM pg_class
WHERE relnamespace = 'easq'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL;
SELECT obj_description('easq'::regnamespace, 'pg_namespace') AS schema;

-- a dump carries every table and every sequence
SELECT c.oid::regclass AS "not dumped" FROM pg_class c, pg_extension e
WHERE e.extname = 'easq' AND c.relnamespace = 'easq'::regnamespace AND c.relkind IN ('r', 'S') AND c.oid <> ALL (e.extconfig);

-- PUBLIC reads views, and no table
SELECT relname, relkind, string_agg(p, ', ') AS public FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p
WHERE relnamespace = 'easq'::regnamespace AND relkind IN ('r', 'v', 'S') AND has_table_privilege('public', oid, p) GROUP BY 1, 2 ORDER BY 1;
SELECT has_schema_privilege('public', 'easq', 'USAGE') AS usage, has_schema_privilege('public', 'easq', 'CREATE') AS "create";
SELECT column_name FROM information_schema.columns WHERE table_schema = 'easq' AND table_name = 'models' ORDER BY ordinal_position;
SELECT column_name FROM information_schema.columns WHERE table_schema = 'easq' AND table_name = 'steps' ORDER BY ordinal_position;

-- settings, once the library is loaded
LOAD 'easq';
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'easq.%' ORDER BY name;

-- the extension stays where it is, and a table that learns holds it
SELECT fails('ALTER EXTENSION easq SET SCHEMA regress');
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]') \g /dev/null
CREATE TABLE q (user_id int, x int, answer boolean);
SELECT easq_learn('m', 'q') \g /dev/null
SELECT left(fails('DROP EXTENSION easq'), 5) AS sqlstate;
SELECT easq_drop_model('m') \g /dev/null
DROP EXTENSION easq;
SELECT count(*) AS left_behind FROM pg_proc WHERE proname LIKE 'easq\_%';
SELECT count(*) AS left_behind FROM pg_namespace WHERE nspname = 'easq';

-- nothing that was there before is adopted
CREATE SCHEMA easq;
SELECT fails('CREATE EXTENSION easq');
DROP SCHEMA easq;
CREATE FUNCTION public.easq_export(text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea';
SELECT fails('CREATE EXTENSION easq SCHEMA public');
DROP FUNCTION public.easq_export(text);
SELECT fails('CREATE EXTENSION easq VERSION ''0.0''');

-- a name that format() would take for its own
CREATE SCHEMA "100%s";
CREATE EXTENSION easq SCHEMA "100%s";
DROP EXTENSION easq;
DROP SCHEMA "100%s";
-- in a schema of its own, with nothing in the search_path
CREATE SCHEMA regress_other;
-- where whoever may create there waits for a superuser to run the script
CREATE FUNCTION regress_other.hostile(oid, regnamespace) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'as %', current_user; END $$;
CREATE OPERATOR regress_other.= (LEFTARG = oid, RIGHTARG = regnamespace, FUNCTION = regress_other.hostile);
CREATE EXTENSION easq SCHEMA regress_other;
SET search_path = pg_catalog;
SELECT regress_other.easq_create_model('m', '[{"name": "x", "kind": "numeric"}]') \g /dev/null
SELECT regress_other.easq_learn('m', 'regress.q') \g /dev/null
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'regress.q'::regclass ORDER BY tgname;
INSERT INTO regress.q VALUES (1, 1, true), (1, 2, false);
SELECT status, answers, pairs, reason FROM easq.steps;
SELECT regress_other.easq_score('m', q) > 0 AS score FROM regress.q LIMIT 1;
SELECT regress_other.easq_batch_score('m', q) OVER () > 0 AS batch FROM regress.q LIMIT 1;
SELECT regress_other.easq_import('n', regress_other.easq_export('m')) \g /dev/null
SELECT name, steps FROM easq.models ORDER BY 1;
-- without the extension the session's library is still loaded
SET client_min_messages = warning;
DROP EXTENSION easq CASCADE;
RESET client_min_messages;
CREATE FUNCTION regress.score(text, anyarray, text, text) RETURNS real LANGUAGE c AS '$libdir/easq', 'easq_score_array';
SELECT regress.fails('SELECT regress.score(''m'', ARRAY[1], NULL, NULL)');
CREATE EXTENSION easq SCHEMA public;
SELECT regress.fails('SELECT regress.score(''m'', ARRAY[1], NULL, NULL)');

SET client_min_messages = warning;
DROP SCHEMA regress, regress_other CASCADE;
