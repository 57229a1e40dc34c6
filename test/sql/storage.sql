\set ECHO none
\i test/tools.sql
\set ECHO all
SET client_min_messages = warning;

-- What the tables of schema easq promise.  A model that has been trained and taught, with a checkpoint, a queue and rates.
CREATE TABLE views AS SELECT i / 10 AS session, i % 7 AS x, i % 7 > 3 AS clicked FROM generate_series(1, 3000) i;
CREATE TABLE answers (user_id int, x int, answer bool);
CREATE FUNCTION make(model text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM easq_create_model(model, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "rank": 2, "warm_up": 0}');
    PERFORM easq_learn(model, 'answers', options => '{"answers_per_hour": 100}');
    PERFORM easq_train(model, 'SELECT * FROM views', 'clicked', 'session', options => '{"early_stopping": false}');
    INSERT INTO answers SELECT i % 4, i, i % 2 = 0 FROM generate_series(1, 10) i;
    PERFORM easq_align(model, '{{1}}', '{{3}}');
    PERFORM easq_checkpoint(model, 'kept');
END $$;
SELECT make('m'), make('other') \g /dev/null
INSERT INTO easq.queued (model, id, respondent, key, keyed, forget, answer, weight, per_hour, example)
SELECT name, gen_random_uuid(), 'x', '\x', false, false, 1, 1, 0, '\x' FROM easq.model;
SELECT adapter, state, checkpoint, count(*) AS adapters FROM easq.adapter WHERE model = 'm' GROUP BY 1, 2, 3 ORDER BY 3, 2;
SELECT checkpoint, state, part, count(*) AS tensors FROM easq.tensor WHERE model = 'm' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT answer, answers, oldest FROM easq.answer_count WHERE model = 'm' ORDER BY 1;

-- A model that is dropped leaves no row in any table that names models, and takes none of another's.
CREATE FUNCTION rows_of(name text) RETURNS TABLE (relation text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR relation IN SELECT relname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
                    WHERE relnamespace = 'easq'::regnamespace AND relkind = 'r' AND attname = 'model' ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*) FROM easq.%I WHERE model = %L', relation, name) INTO rows;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT count(*) AS tables, count(*) FILTER (WHERE rows = 0) AS "without a row" FROM rows_of('m');
CREATE TABLE before AS SELECT * FROM rows_of('other');
SELECT easq_drop_model('m') \g /dev/null
SELECT count(*) AS tables, count(*) FILTER (WHERE rows = 0) AS "without a row" FROM rows_of('m');
SELECT count(*) AS "of another, changed" FROM rows_of('other') JOIN before b USING (relation) WHERE rows_of.rows <> b.rows;
SELECT easq_drop_model('other') \g /dev/null
TRUNCATE answers;

-- One version in every state: rows that do not belong together are refused where they are read.
CREATE FUNCTION mixed(change text, use text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM make('m');
    EXECUTE change;
    result := fails(use);
    RAISE EXCEPTION SQLSTATE 'RG001' USING MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'RG001' THEN
    RETURN sqlerrm;
END $$;
\set reset 'SELECT easq_reset_alignment(''m'')'
\set restore 'SELECT easq_restore(''m'', ''kept'')'
\set checkpoint 'SELECT easq_checkpoint(''m'', ''another'')'
\t on
SELECT mixed('', :'reset'), mixed('', :'restore'), mixed('', :'checkpoint');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 0 AND state = ''trained'' AND name = ''main.out.bias'' AND part = ''weight''', :'reset');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 0 AND state = ''trained'' AND name = ''satisfaction'' AND part = ''moments''', :'reset');
SELECT mixed('DELETE FROM easq.tensor WHERE checkpoint = 0 AND state = ''trained'' AND name = ''satisfaction'' AND part = ''moments''', :'reset');
SELECT mixed('UPDATE easq.tensor SET data = ''\x0000c07f'' WHERE checkpoint = 0 AND state = ''trained'' AND name = ''main.out.bias'' AND part = ''weight''', :'reset');
SELECT mixed('UPDATE easq.adapter SET backbone_id = gen_random_uuid() WHERE checkpoint = 0 AND state = ''trained''', :'reset');
SELECT mixed('UPDATE easq.adapter SET drift = ''Infinity'' WHERE checkpoint = 0 AND state = ''trained''', :'reset');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 1 AND state = ''current'' AND name = ''main.out.bias'' AND part = ''weight''', :'restore');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 1 AND state = ''current'' AND name = ''backbone.bias'' AND part = ''moments''', :'restore');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 1 AND state = ''trained'' AND name = ''main.out.bias'' AND part = ''weight''', :'restore');
SELECT mixed('UPDATE easq.adapter SET backbone_id = gen_random_uuid() WHERE checkpoint = 1 AND state = ''trained''', :'restore');
SELECT mixed('DELETE FROM easq.adapter WHERE checkpoint = 1 AND state = ''trained''', :'restore');
SELECT mixed('DELETE FROM easq.adapter WHERE checkpoint = 1', :'restore');
SELECT mixed('UPDATE easq.checkpoint SET backbone_id = gen_random_uuid()', :'restore');
SELECT mixed('UPDATE easq.tensor SET id = gen_random_uuid() WHERE checkpoint = 0 AND state = ''trained'' AND name = ''main.out.bias'' AND part = ''weight''', :'checkpoint');
-- counts by value that cannot be
SELECT mixed('UPDATE easq.answer_count SET answers = 0 WHERE answer = 1', :'restore');
SELECT mixed('UPDATE easq.answer_count SET oldest = -3 WHERE answer = 1', :'restore');
SELECT mixed('UPDATE easq.answer_count SET answer = ''NaN'' WHERE answer = 1', :'restore');
SELECT mixed('INSERT INTO easq.answer_count SELECT ''m'', '''', i, 0, 1, 0 FROM generate_series(1, 64) i', :'restore');
SELECT mixed('DELETE FROM easq.answer_count', :'restore');
\t off

-- Everything comes back with a checkpoint: also what easq_reset_alignment goes back to.
SELECT make('m') \g /dev/null
CREATE VIEW kept AS
SELECT md5(string_agg(concat_ws(' ', state, name, part, chunk, md5(data)), ',' ORDER BY state, name, part, chunk)) AS tensors,
       (SELECT string_agg(concat_ws(' ', state, step, CASE WHEN state <> 'current' THEN (to_jsonb(a) - ARRAY['id', 'backbone_id', 'version', 'updated_at', 'checkpoint']) END), ', ' ORDER BY state)
        FROM easq.adapter a WHERE checkpoint = t.checkpoint) AS adapters
FROM easq.tensor t WHERE model = 'm' GROUP BY checkpoint ORDER BY checkpoint;
SELECT count(*) AS versions, count(DISTINCT kept) AS different FROM kept;
SELECT easq_reset_alignment('m') \g /dev/null
SELECT epochs FROM easq_train('m', 'SELECT * FROM views', 'clicked', 'session', options => '{"epochs": 1}');
SELECT count(*) AS versions, count(DISTINCT kept) AS different FROM kept;
SELECT easq_restore('m', 'kept') \g /dev/null
SELECT count(*) AS versions, count(DISTINCT kept) AS different FROM kept;
SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM easq.adapter;
SELECT count(*) AS "of another backbone" FROM easq.adapter a JOIN easq.model m ON m.name = a.model WHERE a.checkpoint = 0 AND a.backbone_id <> m.backbone_id;
-- the next label gets another number; a label that is written over too
SELECT easq_checkpoint('m', 'second'), easq_checkpoint('m', 'kept') \g /dev/null
SELECT label, number, steps FROM easq.checkpoint JOIN easq.checkpoints USING (model, label) ORDER BY number;
SELECT checkpoint, count(*) AS tensors FROM easq.tensor GROUP BY 1 ORDER BY 1;

-- A step writes the counts that have changed, and answers that are not counted are counted anew.
SELECT ctid AS place FROM easq.answer_count WHERE answer = 0 \gset
INSERT INTO answers VALUES (9, 9, true);
SELECT answer, answers, ctid = :'place' AS "as it was" FROM easq.answer_count ORDER BY 1;
DELETE FROM easq.answer_count;
INSERT INTO answers VALUES (9, 9, true);
SELECT answer, answers, (SELECT count(*) FROM easq.answer a WHERE a.answer = c.answer) AS remembered FROM easq.answer_count c ORDER BY 1;

-- A table with other columns than the script made is refused by name, until it is as it was.
CREATE FUNCTION altered(change text, use text DEFAULT 'SELECT easq_score(''m'', ARRAY[1])') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE change;
    result := fails(use);
    RAISE EXCEPTION SQLSTATE 'RG001' USING MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'RG001' THEN
    RETURN sqlerrm;
END $$;
\set align 'SELECT easq_align(''m'', ''{{1}}'', ''{{3}}'')'
\t on
SELECT altered(''), altered('', :'align');
SELECT altered('ALTER TABLE easq.model ADD COLUMN "my note" text');
SELECT altered('ALTER TABLE easq.model ADD COLUMN note text; ALTER TABLE easq.model DROP COLUMN note');
SELECT altered('ALTER TABLE easq.adapter RENAME COLUMN drift TO "Drift"');
SELECT altered('ALTER TABLE easq.adapter DROP COLUMN calibration_offset_offset');
SELECT altered('ALTER TABLE easq.tensor ALTER COLUMN version TYPE numeric', :'align');
SELECT altered('ALTER TABLE easq.step ADD COLUMN note text', :'align');
SELECT altered('ALTER TABLE easq.step ADD COLUMN note text');
\t off
-- what was right once is looked at again when it changes; and an answer is not refused with its row
ALTER TABLE easq.answer_count ADD COLUMN note int;
INSERT INTO answers VALUES (9, 9, false);
SELECT status, coalesce(detail, reason) AS reason FROM easq.steps ORDER BY id DESC LIMIT 1;
ALTER TABLE easq.answer_count DROP COLUMN note;
INSERT INTO answers VALUES (9, 9, false);
SELECT status, coalesce(detail, reason) AS reason FROM easq.steps ORDER BY id DESC LIMIT 1;

-- No content of a row breaks a view.
BEGIN;
UPDATE easq.model SET features = '[{"name": "x", "kind": "vector", "dim": 8.5}, 7]', options = '[]';
SELECT name, inputs, features FROM easq.models;
UPDATE easq.model SET features = '{"dim": "many"}';
SELECT name, inputs, features FROM easq.models;
ROLLBACK;
SELECT easq_drop_model('m') \g /dev/null

-- Publishing all tables stands in nobody's way.
SELECT make('m') \g /dev/null
SET client_min_messages = error;
CREATE PUBLICATION regress_all FOR ALL TABLES;
ALTER TABLE answers REPLICA IDENTITY FULL;
INSERT INTO answers VALUES (1, 1, true);
DELETE FROM answers WHERE x = 1;
SELECT easq_restore('m', 'kept') \g /dev/null
WITH gone AS (DELETE FROM easq.step RETURNING id) SELECT count(*) > 0 AS steps FROM gone;
WITH gone AS (DELETE FROM easq.training RETURNING id) SELECT count(*) AS trainings FROM gone;
WITH gone AS (DELETE FROM easq.checkpoint RETURNING number) SELECT count(*) AS checkpoints FROM gone;
SELECT c.oid::regclass AS "without an identity" FROM pg_class c
WHERE relnamespace = 'easq'::regnamespace AND relkind = 'r' AND relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary);
SELECT easq_drop_model('m') \g /dev/null
DROP PUBLICATION regress_all;

DROP SCHEMA regress CASCADE;
