\set ECHO none
\i test/tools.sql
\set ECHO all

-- What a superuser puts on easq's tables: indexes and constraints are kept as for any other table, row triggers are refused.
SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0}') \g /dev/null
CREATE TABLE q (user_id int, x real, answer int);
SELECT easq_learn('m', 'q') \g /dev/null
INSERT INTO q VALUES (1, 1, 1), (1, -1, 0);
-- what the last statement taught, and whether its rows are there
CREATE FUNCTION last(OUT status text, OUT reason text, OUT rows bigint) LANGUAGE sql AS $$
    SELECT status, coalesce(detail, reason), (SELECT count(*) FROM regress.q) FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1 $$;
-- rows of a condition, by whatever index there is and by none
CREATE FUNCTION found(condition text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    by_index bigint;
    plan text;
    by_none bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM ' || condition INTO by_index;
    EXECUTE 'EXPLAIN (COSTS off) SELECT * FROM ' || condition INTO plan;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    EXECUTE 'SELECT count(*) FROM ' || condition INTO by_none;
    RETURN concat_ws(' ', by_index, by_none, substring(plan, 'using (\w+)'));
END $$;
-- every index holds what its table holds: as amcheck sees it, where it is installed
SET client_min_messages = warning;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck') THEN
        CREATE EXTENSION amcheck SCHEMA regress;
    ELSE
        CREATE FUNCTION bt_index_check(regclass, bool) RETURNS void LANGUAGE sql AS 'SELECT';
    END IF;
END $$;
RESET client_min_messages;
CREATE FUNCTION sound() RETURNS bool LANGUAGE sql AS $$
    SELECT bool_and(regress.bt_index_check(indexrelid::regclass, true) IS NOT NULL) AND count(*) > 10
    FROM pg_index i, pg_class c WHERE c.oid = indrelid AND relnamespace = 'easq'::regnamespace $$;

-- indexes of expressions, of a part of the rows, of values that are out of line; unique ones that hold
CREATE INDEX adapter_expression ON easq.adapter ((model || 'x'));
CREATE INDEX answer_part ON easq.answer (ordinal) WHERE answer > 0;
CREATE INDEX tensor_length ON easq.tensor (length(data));
CREATE INDEX step_reason ON easq.step (lower(reason)) WHERE status = 'skipped';
CREATE UNIQUE INDEX answer_once ON easq.answer (model, respondent, ordinal);
INSERT INTO q VALUES (2, 2, 1), (2, -2, 0);
SELECT * FROM last();
DO $$ BEGIN FOR i IN 1..200 LOOP
    INSERT INTO regress.q VALUES (i % 7, i % 13, CASE WHEN i % 50 = 0 THEN NULL ELSE i % 3 END);
END LOOP; END $$;
UPDATE q SET answer = 2 WHERE x = 5;
SELECT found('easq.adapter WHERE model || ''x'' = ''mx''');
SELECT found('easq.answer WHERE answer > 0 AND ordinal > 0') ~ '^(\d+) \1 answer_part$' AS same;
SELECT found('easq.tensor WHERE length(data) > 0') ~ '^(\d+) \1 tensor_length$' AS same;
SELECT sound();
VACUUM easq.adapter, easq.tensor, easq.answer, easq.step;
INSERT INTO q SELECT i % 5, i % 11, i % 2 FROM generate_series(1, 300) i;
SELECT sound();
REINDEX TABLE easq.answer;
REINDEX TABLE easq.tensor;
INSERT INTO q VALUES (1, 7, 1);
SELECT * FROM last();
SELECT sound();

-- constraints that hold, and that do not: the row stays, and nothing is learned
ALTER TABLE easq.answer ADD CONSTRAINT small CHECK (answer < 5);
INSERT INTO q VALUES (3, 1, 4);
SELECT * FROM last();
-- a column is refused, generated or not
ALTER TABLE easq.answer ADD COLUMN good bool GENERATED ALWAYS AS (answer > 0) STORED;
INSERT INTO q VALUES (3, 1, 3);
SELECT * FROM last();
ALTER TABLE easq.answer DROP COLUMN good;
INSERT INTO q VALUES (3, 2, 6);
SELECT * FROM last();
ALTER TABLE easq.answer DROP CONSTRAINT small, ALTER respondent SET NOT NULL;
INSERT INTO q VALUES (3, 1, 3);
SELECT * FROM last();
INSERT INTO q VALUES (NULL, 1, 4);
SELECT * FROM last();
ALTER TABLE easq.answer ALTER respondent DROP NOT NULL;
CREATE UNIQUE INDEX answer_only ON easq.answer (model, respondent) WHERE respondent > '8';
INSERT INTO q VALUES (9, 1, 4);
SELECT * FROM last();
INSERT INTO q VALUES (9, 2, 3);
SELECT * FROM last();
DROP INDEX easq.answer_only;
-- an update too
ALTER TABLE easq.adapter ADD CONSTRAINT few CHECK (answers < 1000), ADD CONSTRAINT same_model CHECK (model = 'm');
SELECT split_part(fails('SELECT easq_create_model(''n'', ''[{"name": "x", "kind": "numeric"}]'')'), ' | Failing', 1);
UPDATE easq.adapter SET answers = 999;
INSERT INTO q VALUES (5, 2, 3);
SELECT * FROM last();
ALTER TABLE easq.adapter DROP CONSTRAINT few, DROP CONSTRAINT same_model;
INSERT INTO q VALUES (5, 2, 3);
SELECT * FROM last();

-- row triggers and foreign keys either way are refused by name; what is disabled, and what is for statements, is not fired
CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''fired''; END';
CREATE TRIGGER "Mine" AFTER INSERT ON easq.answer FOR EACH ROW EXECUTE FUNCTION count_rows();
INSERT INTO q VALUES (6, 1, 1);
SELECT * FROM last();
SELECT fails('SELECT easq_drop_model(''m'')');
ALTER TABLE easq.answer DISABLE TRIGGER "Mine";
CREATE TRIGGER for_statements AFTER INSERT OR UPDATE OR DELETE ON easq.answer EXECUTE FUNCTION count_rows();
INSERT INTO q VALUES (6, 2, 1);
SELECT * FROM last();
DROP TRIGGER "Mine" ON easq.answer;
DROP TRIGGER for_statements ON easq.answer;
CREATE TABLE mine (model text COLLATE "C" REFERENCES easq.model ON DELETE CASCADE, id int);
SELECT fails('SELECT easq_configure(''m'', ''{"beta": 2}'')');
SELECT fails('SELECT easq_drop_model(''m'')');
DROP TABLE mine;
CREATE TABLE "Their table" (model text COLLATE "C" PRIMARY KEY);
INSERT INTO "Their table" VALUES ('m');
ALTER TABLE easq.tensor ADD CONSTRAINT theirs FOREIGN KEY (model) REFERENCES "Their table";
INSERT INTO q VALUES (6, 3, 1);
SELECT * FROM last();
ALTER TABLE easq.tensor DROP CONSTRAINT theirs;
ALTER TABLE easq.answer ADD CONSTRAINT later UNIQUE (model, ordinal) DEFERRABLE;
INSERT INTO q VALUES (6, 4, 1);
SELECT * FROM last();
ALTER TABLE easq.answer DROP CONSTRAINT later;
-- a table that others inherit from
CREATE TABLE heir () INHERITS (easq.answer);
INSERT INTO q VALUES (6, 5, 1);
SELECT * FROM last();
DROP TABLE heir;
INSERT INTO q VALUES (6, 6, 1);
SELECT * FROM last();
-- a table in its place
BEGIN;
ALTER TABLE easq.held RENAME TO elsewhere;
CREATE TABLE easq.held (LIKE easq.elsewhere) PARTITION BY LIST (model);
SELECT fails('SELECT easq_import(''m'', easq_export(''m''))');
ROLLBACK;
-- an update that changes no key leaves the indexes alone
BEGIN;
SELECT easq_configure('m', jsonb_build_object('beta', i)) FROM generate_series(1, 4) i \g /dev/null
SELECT pg_stat_get_xact_tuples_updated('easq.model'::regclass) AS updated, pg_stat_get_xact_tuples_hot_updated('easq.model'::regclass) >= 3 AS hot;
ROLLBACK;
-- where the log itself is held up, the row stays, and a warning says what was not logged
CREATE TRIGGER mine BEFORE INSERT ON easq.step FOR EACH ROW EXECUTE FUNCTION count_rows();
INSERT INTO q VALUES (6, 7, 1);
SELECT count(*) FROM q WHERE x = 7 AND user_id = 6;
DROP TRIGGER mine ON easq.step;

-- an index is what it is, not what it is called; a table or index that is gone, or an attachment that cannot be read, takes no answer along
CREATE FUNCTION hurt(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint := (SELECT count(*) FROM regress.q);
    result text;
BEGIN
    EXECUTE change;
    INSERT INTO q VALUES (7, 1, 1);
    UPDATE q SET answer = 2 WHERE user_id = 7;
    result := CASE WHEN (SELECT count(*) FROM regress.q) = rows + 1 THEN 'kept, ' ELSE 'LOST, ' END;
    RAISE EXCEPTION SQLSTATE 'RG001' USING MESSAGE = result || (SELECT concat_ws(' ', status, coalesce(detail, reason)) FROM easq.steps WHERE model = 'm' ORDER BY id DESC LIMIT 1);
EXCEPTION WHEN SQLSTATE 'RG001' THEN
    RETURN sqlerrm;
END $$;
\t on
SELECT hurt('');
SELECT hurt('ALTER INDEX easq.' || name || ' RENAME TO elsewhere') FROM unnest('{adapter_pkey, answer_key, answer_value, queued_pkey}'::text[]) name;
SELECT hurt('ALTER INDEX easq.' || name || ' RENAME TO elsewhere; CREATE INDEX ' || name || ' ON easq.' || definition) FROM (VALUES
    ('answer_key', 'answer (model, adapter, key) WHERE answer > 0'), ('adapter_pkey', 'adapter (model, checkpoint, adapter, state, version DESC)'), ('adapter_pkey', 'tensor (model, checkpoint, adapter, state, version)'),
    ('answer_count_pkey', 'answer_count (model, adapter, answer)'), ('answer_value', 'answer (model COLLATE "POSIX", adapter, answer, ordinal)'), ('answer_pkey', 'answer (model, (adapter || ''x''), ordinal)'),
    ('answer_rate_pkey', 'answer_rate USING hash (model)')) t (name, definition);
SELECT hurt('ALTER TABLE easq.answer ALTER model TYPE text COLLATE "POSIX"');
SELECT hurt('ALTER INDEX easq.answer_key RENAME TO elsewhere; CREATE MATERIALIZED VIEW easq.answer_key AS SELECT 1');
SELECT hurt(format('ALTER TABLE easq.%I RENAME TO elsewhere', name)) FROM unnest('{tensor, answer, queued, answer_rate, questionnaire}'::text[]) name;
SELECT hurt('ALTER TABLE easq.step RENAME TO elsewhere; CREATE TABLE easq.step (id bigint, model text)');
SELECT hurt('ALTER TABLE easq.questionnaire ADD COLUMN note text');
SELECT hurt(format('UPDATE easq.questionnaire SET options = %L', options)) FROM unnest('{7,"{\"weight_limit\": \"a\"}"}'::text[]) options;
\t off
INSERT INTO q VALUES (7, 2, 2);
SELECT * FROM last();

-- wide rows, written many together: behaviour pairs of a vector that no compression makes small
SELECT easq_create_model('wide', '[{"name": "v", "kind": "vector", "dim": 1500}]', '{"hidden": 4, "expert_hidden": 4, "replay_behaviour": 200}') \g /dev/null
CREATE TABLE views AS SELECT u AS viewer, i % 2 AS clicked, ARRAY(SELECT sin(u * 1e4 + i * 1e3 + j * j)::real FROM generate_series(1, 1500) j) AS v
FROM generate_series(1, 20) u, generate_series(1, 4) i;
-- (notices have a speed in them)
SET client_min_messages = warning;
CREATE INDEX behaviour_chosen ON easq.behaviour (length(chosen), model);
SELECT pg_relation_size('easq.behaviour') AS heap \gset
SELECT easq_train('wide', 'SELECT * FROM views', 'clicked', 'viewer', options => '{"epochs": 1}') \g /dev/null
SELECT count(*) > 20 AS rows, min(octet_length(chosen)) > 5000 AS wide, pg_relation_size('easq.behaviour') - :heap < 65536 AS narrow_heap FROM easq.behaviour;
SELECT found('easq.behaviour WHERE length(chosen) > 5000') ~ '^(\d+) \1 behaviour_chosen$' AS same;
SELECT sound();

\set ECHO none
SET client_min_messages = warning;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP INDEX easq.adapter_expression, easq.answer_part, easq.tensor_length, easq.step_reason, easq.answer_once, easq.behaviour_chosen;
DROP SCHEMA regress CASCADE;
