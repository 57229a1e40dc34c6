\set ECHO none
\i test/tools.sql
\set ECHO all

\set features '[{"name": "x", "kind": "numeric"}, {"name": "tag", "kind": "categorical", "size": 20, "dim": 2}]'
\set options '{"hidden": 8, "expert_hidden": 4, "seed": 9, "warm_up": 0, "alignment": "dpo"}'
SELECT easq_create_model('m', :'features', :'options') \g /dev/null
CREATE TABLE survey (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, x real, tag text, answer text);
-- the steps since the last look
CREATE TABLE seen (id bigint);
INSERT INTO seen VALUES (0);
CREATE FUNCTION steps() RETURNS TABLE (model text, source text, status text, answers int, pairs int, behaviour int, loss bool, adapter_version bigint, reason text) LANGUAGE sql AS $$
    WITH old AS (UPDATE seen SET id = (SELECT coalesce(max(id), 0) FROM easq.steps) RETURNING id)
    SELECT model, source, status, answers, pairs, behaviour_pairs, loss > 0, adapter_version, nullif(concat_ws(' / ', reason, detail), '')
    FROM easq.steps WHERE id > (SELECT id FROM seen) AND EXISTS (SELECT FROM old) ORDER BY easq.steps.id $$;
SELECT count(*) >= 0 AS steps FROM steps();

-- an answer counts in the next statement; one without an opposite waits for it
SELECT easq_learn('m', 'survey') \g /dev/null
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'survey'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT model, questionnaire, author = current_user::regrole AS mine, answer, respondent, features, settings->>'search_path' AS search_path, options FROM easq.questionnaire;
SELECT easq_score('m', r) AS before FROM (SELECT 1 AS x, 'a' AS tag) r \gset
INSERT INTO survey (user_id, x, tag, answer) VALUES (1, 1, 'a', 'satisfied');
SELECT * FROM steps();
SELECT easq_score('m', r) = :before::real AS "as before" FROM (SELECT 1 AS x, 'a' AS tag) r;
INSERT INTO survey (user_id, x, tag, answer) VALUES (1, 2, 'b', 'dissatisfied');
SELECT * FROM steps();
SELECT easq_score('m', r) <> :before::real AS learned FROM (SELECT 1 AS x, 'a' AS tag) r;
SELECT name, backbone_version, adapter_version, steps, answers FROM easq.models;
SELECT bool_and(loss > 0 AND loss_main IS NULL AND loss_satisfaction > 0 AND loss_alignment > 0 AND "rewards/margins" IS NOT NULL
                AND "rewards/accuracies" BETWEEN 0 AND 1 AND grad_norm > 0 AND "grad_norm/main" > 0 AND "grad_norm/satisfaction" > 0) AS figures
FROM easq.steps WHERE model = 'm' AND status = 'applied';
-- uncertain makes no pair and is counted; NULL is no answer
INSERT INTO survey (user_id, x, tag, answer) VALUES (2, 3, 'c', 'uncertain'), (3, 3, 'c', NULL);
SELECT * FROM steps();
-- one statement, its own pairs; a statement without rows
INSERT INTO survey (user_id, x, tag, answer) SELECT i, i, 'd', (ARRAY['satisfied', 'dissatisfied'])[1 + i % 2] FROM generate_series(10, 15) i;
INSERT INTO survey (user_id, x, tag, answer) SELECT 1, 1, 'a', 'satisfied' WHERE false;
COPY survey (user_id, x, tag, answer) FROM STDIN;
20	1	a	dissatisfied
21	2	b	satisfied
\.
WITH new AS (INSERT INTO survey (user_id, x, tag, answer) VALUES (22, 5, 'e', 'satisfied') RETURNING *) SELECT user_id FROM new;
SELECT * FROM steps();

-- UPDATE: an answer that comes, changes, goes; and what does not touch it
UPDATE survey SET answer = 'satisfied' WHERE user_id = 3;
SELECT * FROM steps();
SELECT answer, count(*) FROM easq.answer WHERE respondent IN ('2', '3') GROUP BY answer;
UPDATE survey SET answer = 'dissatisfied' WHERE user_id = 3;
SELECT * FROM steps();
SELECT answer, count(*) FROM easq.answer WHERE respondent IN ('2', '3') GROUP BY answer;
UPDATE survey SET user_id = user_id, tag = tag, answer = answer;
UPDATE survey SET answer = 'uncertain' WHERE user_id = 3;
SELECT count(*) FROM easq.answer WHERE respondent IN ('2', '3');
UPDATE survey SET answer = 'satisfied' WHERE false;
SELECT * FROM steps();
INSERT INTO survey (id, user_id, x, tag, answer) OVERRIDING SYSTEM VALUE VALUES (4, 3, 4, 'c', 'satisfied') ON CONFLICT (id) DO UPDATE SET answer = excluded.answer;
SELECT * FROM steps();

-- an answer that cannot be learned: the row is kept, and why it was skipped
SELECT count(*) AS rows FROM survey \gset
INSERT INTO survey (user_id, x, tag, answer) VALUES (1, 2, 'y', 'meh'), (2, 3, 'z', 'meh'), (3, 3, 'z', 'Satisfied'), (3, 'NaN', 'z', 'satisfied'), (4, '-Infinity', 'z', 'dissatisfied'), (5, 1, 'z', 'satisfied');
SELECT count(*) - :rows AS kept FROM survey;
SELECT * FROM steps();

-- rolled back is un-learned
SELECT state() AS before \gset
BEGIN;
INSERT INTO survey (user_id, x, tag, answer) VALUES (1, 7, 'b', 'dissatisfied');
SELECT state() = :'before' AS unchanged;
ROLLBACK;
SELECT state() = :'before' AS unchanged;

-- exactly the step of easq_align: the respondent's own answer is the other half first
CREATE FUNCTION pair_model(name text, options jsonb) RETURNS void LANGUAGE sql AS
$$ SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0, "alignment": "dpo", "replayed_answers": 0}'::jsonb || options) $$;
SELECT pair_model('by answer', '{"pairs_per_answer": 1}'), pair_model('by pair', '{}') \g /dev/null
CREATE TABLE own (user_id text, x real, answer boolean);
SELECT easq_learn('by answer', 'own') \g /dev/null
INSERT INTO own SELECT 'user ' || i, i, true FROM generate_series(1, 20) i;
INSERT INTO own VALUES ('user 7', 30, false);
SELECT loss > 0 AS aligned FROM easq_align('by pair', '{{7}}', '{{30}}');
SELECT data(easq_export('by answer')) = data(easq_export('by pair')) AS same;
SELECT pair_model('by answers', '{}'), pair_model('by pairs', '{}') \g /dev/null
CREATE TABLE others (user_id text, x real, answer numeric);
SELECT easq_learn('by answers', 'others') \g /dev/null
INSERT INTO others VALUES ('a', 1, 5), ('b', 2, 1), (NULL, 3, 3);
SELECT loss > 0 AS aligned FROM easq_align('by pairs', '{{1}, {1}, {3}}', '{{2}, {3}, {2}}');
SELECT bool_and(same(easq_score('by answers', x), easq_score('by pairs', x))) AS same FROM (SELECT ARRAY[i] AS x FROM generate_series(-3, 3) i) s;

-- the same answers give the same weights: in one statement in whatever order of rows, in several in theirs
SELECT pair_model('one', '{}'), pair_model('two', '{}'), pair_model('three', '{"seed": 1}') \g /dev/null
CREATE TABLE first (user_id int, x real, answer boolean);
CREATE TABLE second (answer boolean, x real, note text DEFAULT 'n', user_id int);
SELECT easq_learn('one', 'first'), easq_learn('two', 'second'), easq_learn('three', 'second') \g /dev/null
INSERT INTO first SELECT i % 5, i, i % 3 = 0 FROM generate_series(1, 40) i;
INSERT INTO second (user_id, x, answer) SELECT i % 5, i, i % 3 = 0 FROM generate_series(1, 40) i ORDER BY i DESC;
INSERT INTO first SELECT i % 5, i, i % 4 = 0 FROM generate_series(50, 59) i;
INSERT INTO second (user_id, x, answer) SELECT i % 5, i, i % 4 = 0 FROM generate_series(50, 59) i ORDER BY md5(i::text);
SELECT data(easq_export('one')) = data(easq_export('two')) AS same, data(easq_export('one')) = data(easq_export('three')) AS "another seed";

-- many answers in one statement: mini-batches, one version
SELECT easq_configure('one', '{"pairs_per_answer": 2}') \g /dev/null
SELECT adapter_version AS before FROM easq.models WHERE name = 'one' \gset
SELECT count(*) > 0 AS steps FROM steps();
INSERT INTO first SELECT i % 50, i / 100.0, i % 3 = 0 FROM generate_series(1, 600) i;
SELECT source, status, answers, pairs BETWEEN answers / 2 AND answers * 2 AS pairs, adapter_version - :before AS version FROM steps();
SELECT adapter_version - :before AS versions FROM easq.models WHERE name = 'one';
-- fewer are remembered, and of one respondent 64
SELECT easq_configure('one', '{"replay_answers": 100}') \g /dev/null
SELECT count(*) FROM easq.answer WHERE model = 'one';
INSERT INTO first SELECT 77, i, i % 2 = 0 FROM generate_series(1, 150) i;
SELECT count(*), count(DISTINCT respondent) FROM easq.answer WHERE model = 'one';
SELECT easq_stop_learning('three', 'second') \g /dev/null

-- answers: text, enum, boolean, any number; domains
CREATE TYPE opinion AS ENUM ('dissatisfied', 'uncertain', 'satisfied');
CREATE DOMAIN stars AS smallint CHECK (value BETWEEN 1 AND 5);
CREATE FUNCTION learns(type text, good text, bad text, neither text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM pair_model('typed', '{}');
    EXECUTE format('CREATE TABLE typed (user_id uuid, x int, answer %s)', type);
    PERFORM easq_learn('typed', 'typed');
    EXECUTE format('INSERT INTO typed VALUES (NULL, 1, %L), (NULL, 2, %L), (NULL, 3, %L)', good, bad, neither);
    SELECT string_agg(format('%s %s answers %s pairs%s', s.status, s.answers, s.pairs, ', ' || s.reason || coalesce(' / ' || s.detail, '')), '; ' ORDER BY s.id) INTO result FROM easq.steps s WHERE s.model = 'typed';
    result := result || (SELECT format(' (%s)', string_agg(a.answer::text, ', ' ORDER BY a.answer)) FROM easq.answer a WHERE a.model = 'typed');
    DROP TABLE typed;
    PERFORM easq_drop_model('typed');
    RETURN result;
END $$;
SELECT type, learns(type, good, bad, neither) FROM (VALUES
    ('text', 'satisfied', 'dissatisfied', 'uncertain'), ('varchar(20)', 'satisfied', 'dissatisfied', NULL), ('char(15)', 'satisfied', 'dissatisfied', 'uncertain'),
    ('opinion', 'satisfied', 'dissatisfied', 'uncertain'), ('boolean', 'true', 'false', NULL), ('int', '4', '2', NULL), ('bigint', '4', '2', NULL),
    ('stars', '5', '1', NULL), ('real', '0.5', '-0.5', 'NaN'), ('double precision', '0.5', '-0.5', 'Infinity'), ('numeric', '4.5', '2', 'NaN'),
    ('numeric', '1e308', '-1e308', '1e400')) t (type, good, bad, neither);

-- a query for the features: joins, other names, rows that it leaves out
CREATE TABLE video (id int PRIMARY KEY, x real, tag text);
INSERT INTO video SELECT i, i, 'tag ' || i FROM generate_series(1, 10) i;
CREATE TABLE asked (viewer text, video_id int, happy boolean, at timestamptz DEFAULT now());
SELECT easq_learn('m', 'asked', answer => 'happy', respondent => 'who',
                  features => 'SELECT v.*, n.happy, n.viewer AS who FROM new_rows n JOIN video v ON v.id = n.video_id') \g /dev/null
SELECT count(*) > 0 AS steps FROM steps();
SELECT count(*) AS before FROM easq.answer WHERE model = 'm' \gset
INSERT INTO asked VALUES ('ann', 1, true), ('ann', 2, false), ('bob', 99, true), ('bob', 3, NULL);
SELECT source, status, answers, pairs >= 2 AS pairs FROM steps();
SELECT count(*) - :before AS remembered, array_agg(respondent ORDER BY respondent) FILTER (WHERE respondent IN ('ann', 'bob')) AS respondents FROM easq.answer WHERE model = 'm';
UPDATE asked SET happy = NOT happy WHERE viewer = 'ann';
SELECT source, status, answers, pairs >= 2 AS pairs FROM steps();
SELECT count(*) - :before AS remembered FROM easq.answer WHERE model = 'm';
-- a query that fails later: skipped, and the row stays
ALTER TABLE video RENAME TO videos;
INSERT INTO asked VALUES ('ann', 4, true);
ALTER TABLE videos RENAME TO video;
ALTER TABLE video RENAME tag TO label;
INSERT INTO asked VALUES ('ann', 5, true), ('ann', 6, true);
ALTER TABLE video RENAME label TO tag;
UPDATE video SET x = 'NaN' WHERE id = 7;
INSERT INTO asked VALUES ('ann', 7, true);
SELECT easq_learn('m', 'asked', 'happy', 'who', 'SELECT v.*, n.happy, 1 / (n.video_id - 8) AS who FROM new_rows n JOIN video v ON v.id = n.video_id') \g /dev/null
INSERT INTO asked VALUES ('ann', 8, true);
SELECT source, status, answers, pairs, reason FROM steps();
SELECT count(*) FROM asked;

-- strict: the statement fails instead
SELECT easq_learn('m', 'asked', 'happy', 'viewer', 'SELECT n.*, v.* FROM new_rows n JOIN video v ON v.id = n.video_id', '{"strict": true}') \g /dev/null
SELECT state() AS before \gset
SELECT fails('INSERT INTO asked VALUES (''ann'', 1, true), (''ann'', 7, true)');
ALTER TABLE video RENAME tag TO label;
SELECT fails('INSERT INTO asked VALUES (''ann'', 1, true)');
ALTER TABLE video RENAME label TO tag;
SELECT count(*), state() = :'before' AS unchanged FROM asked;
INSERT INTO asked VALUES ('new', 1, true);
SELECT source, status, answers, pairs > 0 AS pairs, reason FROM steps();

-- a key: the same answer again supersedes the first
SELECT pair_model('keyed', '{}') \g /dev/null
CREATE TABLE keyed (answer_id int, user_id int, x int, answer int);
SELECT easq_learn('keyed', 'keyed', options => '{"key": "answer_id"}') \g /dev/null
INSERT INTO keyed VALUES (1, 1, 1, 5), (2, 1, 2, 4);
INSERT INTO keyed VALUES (1, 1, 1, 3);
SELECT count(*), sum(answer) FROM easq.answer WHERE model = 'keyed';
UPDATE keyed SET answer = 1 WHERE answer_id = 2;
SELECT count(*), sum(answer) FROM easq.answer WHERE model = 'keyed';
INSERT INTO keyed VALUES (NULL, 1, 1, 3), (NULL, 1, 2, 3);
SELECT count(*), sum(answer) FROM easq.answer WHERE model = 'keyed';
-- a row that is deleted was an answer all the same
DELETE FROM keyed;
SELECT count(*), sum(answer) FROM easq.answer WHERE model = 'keyed';

-- the backlog: none of it, remembered, learned
SELECT pair_model('b1', '{}'), pair_model('b2', '{}'), pair_model('b3', '{}') \g /dev/null
CREATE TABLE backlog AS SELECT i AS user_id, i AS x, i % 2 = 0 AS answer FROM generate_series(1, 300) i;
INSERT INTO backlog VALUES (1, 1, NULL);
SELECT count(*) > 0 AS steps FROM steps();
SELECT easq_learn('b1', 'backlog'), easq_learn('b2', 'backlog', options => '{"backlog": "remember"}'), easq_learn('b3', 'backlog', options => '{"backlog": "learn"}') \g /dev/null
SELECT model, source, status, answers, pairs > 0 AS pairs, reason FROM steps();
SELECT name, steps, answers, (SELECT count(*) FROM easq.answer a WHERE a.model = name) AS remembered FROM easq.models WHERE name ~ '^b[123]' ORDER BY 1;
INSERT INTO backlog VALUES (1, 1, true);
SELECT model, status, answers, pairs > 0 AS pairs, reason FROM steps();

-- several models learn from one table; the triggers go with the last
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'backlog'::regclass;
SELECT easq_stop_learning('b1', 'backlog'), easq_drop_model('b2') \g /dev/null
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'backlog'::regclass;
INSERT INTO backlog VALUES (1, 2, false);
SELECT model, status FROM steps();
SELECT easq_stop_learning('b3', 'backlog') \g /dev/null
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'backlog'::regclass;
INSERT INTO backlog VALUES (1, 2, false);
SELECT model, status FROM steps();
SELECT count(*) AS "still remembered" FROM easq.answer WHERE model = 'b3';
-- attached again, with other arguments: one row, two triggers
SELECT easq_learn('b3', 'backlog'), easq_learn('b3', 'backlog', respondent => 'x') \g /dev/null
SELECT model, respondent FROM easq.questionnaire WHERE questionnaire = 'backlog'::regclass;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'backlog'::regclass;
-- a table that is dropped
DROP TABLE backlog;
SELECT easq_drop_model('b3') \g /dev/null
SELECT count(*) FROM easq.questionnaire WHERE model = 'b3';

-- partitions: through the parent, into a leaf, into a leaf that came later (after another call)
SELECT pair_model('parts', '{}') \g /dev/null
CREATE TABLE parts (user_id int, x int, answer boolean) PARTITION BY RANGE (user_id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (answer boolean, note text, x int, user_id int);
ALTER TABLE parts_2 DROP note;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
SELECT easq_learn('parts', 'parts') \g /dev/null
INSERT INTO parts VALUES (1, 1, true), (11, 2, false);
INSERT INTO parts_2 (user_id, x, answer) VALUES (12, 3, true);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts VALUES (21, 4, false);
INSERT INTO parts_3 VALUES (22, 5, false);
SELECT source, status, answers, pairs FROM steps();
SELECT easq_learn('parts', 'parts') \g /dev/null
INSERT INTO parts_3 VALUES (23, 6, false);
UPDATE parts SET answer = true WHERE user_id = 23;
UPDATE parts SET user_id = 2 WHERE user_id = 12;
SELECT source, status, answers, pairs FROM steps();
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('parts')) GROUP BY 1 ORDER BY 1;
ALTER TABLE parts DETACH PARTITION parts_1;
INSERT INTO parts_1 VALUES (3, 3, true);
SELECT count(*) AS detached FROM steps();
SELECT easq_stop_learning('parts', 'parts') \g /dev/null
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('parts')) GROUP BY 1 ORDER BY 1;

-- names that need quotes
CREATE SCHEMA "regress ""odd""";
CREATE TABLE "regress ""odd""".survey ("User's Id" int, "X " int, "The Answer" text, note text DEFAULT 'n');
SELECT easq_create_model('it''s "odd"', '[{"name": "X ", "kind": "numeric"}]') \g /dev/null
SELECT easq_learn('it''s "odd"', '"regress ""odd""".survey', 'The Answer', 'User''s Id', options => '{"key": "note"}') \g /dev/null
INSERT INTO "regress ""odd""".survey VALUES (1, 1, 'satisfied', 'a'), (1, 2, 'dissatisfied', 'b');
SELECT * FROM steps();
SELECT easq_stop_learning('it''s "odd"', '"regress ""odd""".survey') \g /dev/null
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = '"regress ""odd""".survey'::regclass;
DROP TABLE "regress ""odd""".survey;
DROP SCHEMA "regress ""odd""";

-- a trigger that nobody called easq_learn for learns nothing
CREATE TABLE stranger (user_id int, x int, answer boolean);
CREATE TRIGGER mine AFTER INSERT ON stranger REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION easq_answered('parts', 'survey');
INSERT INTO stranger VALUES (1, 1, true), (1, 2, false);
SELECT count(*) FROM steps();
DROP TRIGGER mine ON stranger;
CREATE TRIGGER mine AFTER INSERT ON stranger FOR EACH STATEMENT EXECUTE FUNCTION easq_answered();
CREATE TRIGGER mine_too BEFORE UPDATE ON stranger FOR EACH ROW EXECUTE FUNCTION easq_answered();

SELECT state() AS before \gset
\t on
SELECT fails('INSERT INTO stranger VALUES (1, 1, true)');
SELECT fails('UPDATE stranger SET x = 1');
SELECT fails('SELECT easq_answered()');
-- what cannot teach
CREATE VIEW v AS SELECT * FROM survey;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM survey;
CREATE FOREIGN DATA WRAPPER regress_wrapper;
CREATE SERVER regress_server FOREIGN DATA WRAPPER regress_wrapper;
CREATE FOREIGN TABLE ft (user_id int, x real, tag text, answer text) SERVER regress_server;
SELECT fails(format('SELECT easq_learn(''m'', %L)', q)) FROM unnest(ARRAY['v', 'mv', 'ft', 'survey_id_seq', 'survey_pkey', 'pg_class', 'easq.step', 'none', '0']) q;
SELECT fails('SELECT easq_learn(''m'', NULL)');
SELECT fails('SELECT easq_learn(NULL, ''survey'')');
SELECT fails('SELECT easq_learn(''m'', ''survey'', NULL)');
SELECT fails('SELECT easq_learn(''m'', ''survey'', respondent => NULL)');
-- what is found out at once: columns, types, the query, the options
SELECT fails('SELECT easq_learn(''m'', ''asked'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'', ''viewer'')');
SELECT fails('SELECT easq_learn(''m'', ''survey'', options => ''{"key": "answer_id"}'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''at'', ''viewer'', ''SELECT n.*, 1 AS x, 1 AS tag FROM new_rows n'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'', ''viewer'', ''SELECT n.*, n.happy, 1 AS x, 1 AS tag FROM new_rows n'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'', ''viewer'', ''SELECT n.*, 1 AS x, now() AS tag FROM new_rows n'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'', ''viewer'', ''SELECT n.*, 1 AS x FROM new_rows n'')');
SELECT fails('SELECT easq_learn(''m'', ''asked'', ''happy'', ''viewer'', ''SELECT * FROM newrows'')');
SELECT fails(format('SELECT easq_learn(''m'', ''asked'', features => %L)', q)) FROM unnest(ARRAY['', 'SELEC 1', 'SELECT 1; SELECT 2', 'DELETE FROM asked', 'DELETE FROM asked RETURNING *',
    'WITH d AS (DELETE FROM asked RETURNING *) SELECT * FROM d', 'CREATE TABLE x ()', 'SHOW work_mem', 'SELECT * FROM new_rows WHERE x = $1']) q;
SELECT fails(format('SELECT easq_learn(''m'', ''survey'', options => %L)', o)) FROM unnest(ARRAY['[]', '{"keys": "id"}', '{"key": 1}', '{"backlog": "some"}', '{"backlog": true}', '{"strict": "yes"}', '{"queue": 1}']) o;
CREATE TABLE taken (user_id int, x real, tag text, answer text);
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER easq_learn_insert AFTER INSERT ON taken FOR EACH STATEMENT EXECUTE FUNCTION other();
SELECT fails('SELECT easq_learn(''m'', ''taken'')');
SELECT fails('SELECT easq_stop_learning(''m'', ''stranger'')');
SELECT fails('SELECT easq_stop_learning(''parts'', ''parts'')');
SELECT fails('SELECT easq_stop_learning(''m'', ''v'')');
\t off
SELECT state() = :'before' AS unchanged, (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'stranger'::regclass) AS triggers;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER regress_wrapper CASCADE;
DROP SCHEMA regress CASCADE;
