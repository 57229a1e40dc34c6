\set ECHO none
\i test/tools.sql
\set ECHO all

-- Rows in easq's tables that easq did not write: a bad restore, a hand at work.  The model is made, changed, used, and gone again.
CREATE FUNCTION tampered(change text, use text DEFAULT 'SELECT easq_score(''m'', ARRAY[1, 2, 3])') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM easq_create_model('m', '[{"name": "a", "kind": "numeric"}, {"name": "c", "kind": "categorical", "size": 140000, "dim": 2}]', '{"hidden": 4, "expert_hidden": 3, "seed": 1}');
    EXECUTE change;
    result := fails(use);
    RAISE EXCEPTION SQLSTATE 'RG001' USING MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'RG001' THEN
    RETURN sqlerrm;
END $$;
SELECT tampered('') AS "nothing changed";
\t on
-- the definition
SELECT tampered('UPDATE easq.model SET format = 3');
SELECT tampered('UPDATE easq.model SET features = ''[]''');
SELECT tampered('UPDATE easq.model SET features = features || ''[{"name": "b", "kind": "numeric"}]''');
SELECT tampered('UPDATE easq.model SET options = options || ''{"hidden": 5}''');
SELECT tampered('UPDATE easq.model SET options = options || ''{"more": 5}''');
SELECT tampered('UPDATE easq.model SET mean = ''{}''');
SELECT tampered('UPDATE easq.adapter SET pace = ''NaN''');
SELECT tampered('UPDATE easq.adapter SET calibration_slope = ''-Infinity''');
SELECT tampered('ALTER TABLE easq.adapter ALTER drift DROP NOT NULL; UPDATE easq.adapter SET drift = NULL');
SELECT tampered('UPDATE easq.model SET mean = ''{NULL}''');
SELECT tampered('UPDATE easq.model SET mean = ''{NaN}''');
SELECT tampered('UPDATE easq.model SET deviation = ''{Infinity}''');
SELECT tampered('UPDATE easq.model SET name = ''other''');
SELECT tampered('DELETE FROM easq.adapter');
-- tiers that do not belong together
SELECT tampered('UPDATE easq.model SET backbone_id = ''00000000-0000-0000-0000-000000000000''');
SELECT tampered('UPDATE easq.adapter SET backbone_id = ''00000000-0000-0000-0000-000000000000''');
SELECT tampered('UPDATE easq.adapter SET id = ''00000000-0000-0000-0000-000000000000''');
SELECT tampered('UPDATE easq.tensor SET id = ''00000000-0000-0000-0000-000000000000'' WHERE name = ''main.out.bias''');
SELECT tampered('UPDATE easq.tensor SET id = ''00000000-0000-0000-0000-000000000000'' WHERE name = ''embedding.c.weight'' AND chunk = 1');
SELECT tampered('UPDATE easq.adapter SET id = a.id FROM (SELECT backbone_id AS id FROM easq.model) a');
-- tensors
SELECT tampered('SELECT easq_drop_model(''m'')');
SELECT tampered('DELETE FROM easq.tensor');
SELECT tampered('DELETE FROM easq.tensor WHERE name = ''lora_A.weight''');
SELECT tampered('DELETE FROM easq.tensor WHERE name = ''embedding.c.weight'' AND chunk = 1');
SELECT tampered('UPDATE easq.tensor SET chunk = 7 WHERE name = ''embedding.c.weight'' AND chunk = 1');
SELECT tampered('UPDATE easq.tensor SET chunk = -1 WHERE name = ''main.out.bias''');
-- a row too many is not read
SELECT tampered('CREATE TEMP TABLE one AS SELECT * FROM easq.tensor WHERE name = ''main.out.bias''; UPDATE one SET chunk = 1; INSERT INTO easq.tensor TABLE one');
SELECT tampered('UPDATE easq.tensor SET data = '''' WHERE name = ''main.out.bias''');
SELECT tampered('UPDATE easq.tensor SET data = data || ''\x00'' WHERE name = ''main.out.bias''');
SELECT tampered('UPDATE easq.tensor SET data = ''\x0000c07f'' WHERE name = ''main.out.bias''');
-- what only learning reads
SELECT tampered('', 'SELECT easq_align(''m'', ''{{1,2,3}}'', ''{{3,2,1}}'')');
CREATE FUNCTION tampered_step(change text, use text DEFAULT 'SELECT easq_align(''m'', ''{{1,2,3}}'', ''{{3,2,1}}'')') RETURNS text LANGUAGE sql AS
$$ SELECT tampered('DO $do$ DECLARE u uuid := gen_random_uuid(); BEGIN PERFORM easq_align(''m'', ''{{1,2,3}}'', ''{{3,2,1}}'');
     -- as if another session had written it: what a session wrote itself it does not read back
     UPDATE easq.adapter SET id = u; UPDATE easq.tensor SET id = u WHERE name !~ ''^(backbone|embedding)''; '
     || change || '; END $do$', use) $$;
SELECT tampered_step('UPDATE easq.tensor SET data = ''\x00'' WHERE part = ''moments''', 'SELECT easq_score(''m'', ARRAY[1, 2, 3])');
SELECT tampered_step('UPDATE easq.tensor SET data = ''\x00'' WHERE part = ''moments'' AND name = ''satisfaction''');
SELECT tampered_step('UPDATE easq.tensor SET id = ''00000000-0000-0000-0000-000000000000'' WHERE part = ''moments'' AND name = ''satisfaction''');
SELECT tampered_step('UPDATE easq.tensor SET data = overlay(data PLACING ''\x0000c07f'' FROM 1) WHERE part = ''moments'' AND name = ''satisfaction''');
-- a row of moments that is missing counts as zeros
SELECT tampered_step('DELETE FROM easq.tensor WHERE part = ''moments''');
\t off

-- remembered answers that do not fit are left out, and the INSERT goes on
SELECT easq_create_model('m', '[{"name": "a", "kind": "numeric"}, {"name": "c", "kind": "categorical", "size": 20, "dim": 2}]', '{"hidden": 4, "expert_hidden": 3, "warm_up": 0}') \g /dev/null
CREATE TABLE q (user_id int, a int, c text[], answer boolean);
SELECT easq_learn('m', 'q') \g /dev/null
INSERT INTO q VALUES (1, 1, '{x}', true), (2, 2, '{y,z}', true);
UPDATE easq.answer SET example = CASE respondent WHEN '1' THEN '\x00' ELSE example || '\x0000000000000000' END;
INSERT INTO q VALUES (3, 3, '{x}', false);
SELECT status, answers, pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 1;
UPDATE easq.answer SET example = set_byte(example, 15, 127) WHERE respondent = '3';
INSERT INTO q VALUES (4, 4, NULL, true);
SELECT status, answers, pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 1;
INSERT INTO q VALUES (5, 5, '{}', false);
SELECT status, answers, pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 1;
UPDATE easq.answer SET key = '\x01', answer = 'NaN' WHERE respondent = '4';
INSERT INTO q VALUES (6, 6, '{w}', true);
SELECT status, answers, pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 1;
-- queued ones and rehearsed pairs likewise
INSERT INTO easq.queued (model, id, respondent, key, keyed, forget, answer, weight, per_hour, example)
SELECT 'm', ('00000000-0000-0000-0000-00000000000' || i)::uuid, 'nobody', '\x', false, false, 0, 1, 0, e FROM unnest(ARRAY['\x', '\x0102030405060708', (SELECT example FROM easq.answer WHERE respondent = '6')]::bytea[]) WITH ORDINALITY t (e, i);
INSERT INTO easq.behaviour SELECT 'm', '', i, e, e, 0, 0 FROM unnest(ARRAY['\x', '\xffffffffffffffffffffffffffffffff']::bytea[]) WITH ORDINALITY t (e, i);
INSERT INTO q VALUES (7, 7, '{w}', false);
SELECT source, status, answers, behaviour_pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 3;
SELECT count(*) FROM easq.queued;
-- a model that is broken: the INSERT goes on, and says why nothing was learned
UPDATE easq.adapter SET id = gen_random_uuid();
INSERT INTO q VALUES (8, 8, '{w}', false);
SELECT status, answers, pairs, reason, detail FROM easq.steps ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM q;
SELECT easq_drop_model('m') \g /dev/null
SELECT count(*) FROM easq.tensor;

SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
