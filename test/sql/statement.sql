\set ECHO none
\i test/tools.sql
\set ECHO all

-- What a statement changes, and nothing else, is learned; how it is written does not depend on who writes.
CREATE FUNCTION one_model(name text) RETURNS void LANGUAGE sql AS
$$ SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0}') $$;
-- an example of one numeric feature is its little-endian float8
CREATE FUNCTION number(example bytea) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN e = 0 THEN 0 ELSE (1 + (bits & x'000FFFFFFFFFFFFF')::bigint / 2.0 ^ 52) * 2.0 ^ (e - 1023) END::float8
    FROM (SELECT ('x' || encode(regress.flip(example), 'hex'))::bit(64) AS bits) b, LATERAL (SELECT bits::bit(12)::int & 2047 AS e) c $$;
CREATE FUNCTION remembered(name text) RETURNS TABLE (respondent text, answer float8, weight float8, asked_at timestamp, x float8) LANGUAGE sql AS $$
    SELECT respondent, answer, weight, asked_at AT TIME ZONE 'UTC', regress.number(example) FROM easq.answer WHERE model = name ORDER BY 1, 2 $$;
CREATE TABLE seen AS SELECT 0::bigint AS id;
CREATE FUNCTION steps() RETURNS TABLE (source text, status text, answers int, reason text) LANGUAGE sql AS $$
    WITH old AS (UPDATE regress.seen SET id = (SELECT coalesce(max(id), 0) FROM easq.steps) RETURNING id)
    SELECT source, status, answers, coalesce(detail, reason) FROM easq.steps WHERE id > (SELECT id FROM regress.seen) AND EXISTS (SELECT FROM old) ORDER BY easq.steps.id $$;
SELECT count(*) >= 0 AS steps FROM steps();

-- with a key: who answered, what about, how likely and when may change without the answer
SELECT one_model('keyed') \g /dev/null
CREATE TABLE keyed (id int PRIMARY KEY, user_id int, x float8, answer text, w float8, at timestamp, note text);
SELECT easq_learn('keyed', 'keyed', options => '{"key": "id", "weight": "w", "asked_at": "at"}') \g /dev/null
INSERT INTO keyed VALUES (1, 1, 0.25, 'satisfied'), (2, 1, 0.75, 'dissatisfied');
SELECT * FROM steps();
UPDATE keyed SET x = 0.5 WHERE id = 1;
UPDATE keyed SET user_id = 9 WHERE id = 2;
UPDATE keyed SET w = 2, at = '2026-01-01' WHERE id = 1;
SELECT * FROM steps();
SELECT * FROM remembered('keyed');
-- nothing of that: no step, no lock
SELECT adapter_version AS before FROM easq.models WHERE name = 'keyed' \gset
UPDATE keyed SET note = 'seen';
UPDATE keyed SET id = id, user_id = user_id, x = x, answer = answer, w = w, at = at;
SELECT * FROM steps();
SELECT adapter_version - :before AS versions FROM easq.models WHERE name = 'keyed';
-- a key that changes takes the answer along; two rows that change places are two answers
UPDATE keyed SET id = id + 10;
SELECT * FROM steps();
UPDATE keyed SET user_id = 10 - user_id, x = 1.25 - x, answer = CASE answer WHEN 'satisfied' THEN 'dissatisfied' ELSE 'satisfied' END, w = CASE WHEN w IS NULL THEN 2 END, at = CASE WHEN at IS NULL THEN timestamp '2026-01-01' END;
SELECT * FROM remembered('keyed');
-- through a query: a row that is the same in what the query makes of it is no news
SELECT easq_learn('keyed', 'keyed', features => 'SELECT id, user_id, x, answer, w, at FROM new_rows', options => '{"key": "id", "weight": "w", "asked_at": "at"}') \g /dev/null
SELECT count(*) > 0 AS steps FROM steps();
UPDATE keyed SET note = 'seen again';
SELECT * FROM steps();
UPDATE keyed SET x = 0.125 WHERE id = 11;
SELECT * FROM steps();
SELECT * FROM remembered('keyed');
-- an answer that comes and goes, and one that was forgotten meanwhile
UPDATE keyed SET answer = NULL WHERE id = 11;
SELECT * FROM remembered('keyed');
UPDATE keyed SET answer = 'satisfied' WHERE id = 11;
SELECT count(*) FROM remembered('keyed');
-- settings: those of easq_learn's caller for the query, fixed ones for texts; the inserter's count for nothing
SELECT one_model('settings') \g /dev/null
CREATE TABLE settings (day date, span interval, at timestamptz, bits bytea, number float8, money money, x float8, answer boolean);
SET datestyle = 'German';
SELECT easq_learn('settings', 'settings', respondent => 'who', options => '{"key": "what"}', features =>
$$ SELECT answer, number AS what,
          concat_ws(' ', day, span, at, bits, number, money, '3.4.2026'::date - day, quote_ident('plain'), array_to_string('{NULL,a}'::text[], ','), 'a\\b', to_char(number, 'D'), xml '<a>1</a>' IS DOCUMENT) AS who,
          extract(hour FROM at::timestamp) + CASE WHEN number = NULL THEN 100 ELSE 0 END + CASE WHEN '1 day ago'::interval < '-1 day' THEN 50 ELSE 0 END AS x
   FROM new_rows $$) \g /dev/null
SELECT jsonb_object_keys(settings) FROM easq.questionnaire WHERE model = 'settings';
RESET datestyle;
INSERT INTO settings VALUES ('2026-01-02', '1 day 02:03:04', '2026-01-02 03:04:05+00', '\x00ff', 1.0 / 3, 12.5, 0, true);
SET datestyle = 'SQL, MDY'; SET intervalstyle = 'sql_standard'; SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET extra_float_digits = -10; SET lc_monetary = 'C'; SET lc_numeric = 'C'; SET lc_time = 'C';
SET transform_null_equals = on; SET quote_all_identifiers = on; SET array_nulls = off; SET standard_conforming_strings = off; SET backslash_quote = off; SET escape_string_warning = off;
SET xmloption = document; SET xmlbinary = hex; SET default_text_search_config = 'simple'; SET timezone_abbreviations = 'Australia'; SET gin_fuzzy_search_limit = 1; SET row_security = off; SET search_path = pg_catalog;
INSERT INTO regress.settings SELECT * FROM regress.settings;
SELECT current_setting('datestyle') || current_setting('quote_all_identifiers') || current_setting('search_path') AS "as before";
RESET ALL;
SET search_path = regress, public;
-- as one answer: the second superseded the first
SELECT respondent, answer, number(example) AS x FROM easq.answer WHERE model = 'settings';
SELECT status, reason FROM easq.steps WHERE model = 'settings';
-- a setting that this server does not know (yet, or any more) is passed over; one that easq_learn would not record is not set
UPDATE easq.questionnaire SET settings = settings || '{"no_such_setting": "1", "work_mem": "64kB", "session_replication_role": "replica"}' WHERE model = 'settings';
INSERT INTO settings SELECT * FROM settings LIMIT 1;
SELECT count(*) FROM easq.answer WHERE model = 'settings';

-- a trigger made by hand without the rows as they were would learn each as a new one
CREATE TABLE byhand (user_id int, x float8, answer boolean);
CREATE TRIGGER byhand AFTER UPDATE ON byhand REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION easq_answered();
CREATE TRIGGER removed AFTER DELETE ON byhand REFERENCING OLD TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION easq_answered();
CREATE TRIGGER emptied AFTER TRUNCATE ON byhand FOR EACH STATEMENT EXECUTE FUNCTION easq_answered();
\t on
SELECT fails(q) FROM unnest(ARRAY['UPDATE byhand SET x = 1', 'DELETE FROM byhand', 'TRUNCATE byhand']) q;
\t off

-- what learning cannot write is skipped, also in a session that has taught the model: with somebody else's
-- constraint every step can be undone by itself
SELECT one_model('checked') \g /dev/null
CREATE TABLE checked (user_id int, x float8, answer boolean);
SELECT easq_learn('checked', 'checked') \g /dev/null
INSERT INTO checked VALUES (1, 1, true), (2, 2, false);
SELECT count(*) > 0 AS steps FROM steps();
CREATE UNIQUE INDEX one_of_each ON easq.answer (model, respondent) WHERE respondent = '3';
INSERT INTO checked VALUES (3, 1, true);
INSERT INTO checked VALUES (3, 2, true);
DROP INDEX easq.one_of_each;
INSERT INTO checked VALUES (3, 3, true);
SELECT source, status, answers, reason ~ 'duplicate key' AS duplicate FROM steps();
SELECT count(*) FROM checked;
-- so it is with a column that must not be NULL any more, and with an index of what does not always fit into one
ALTER TABLE easq.answer ALTER respondent SET NOT NULL;
INSERT INTO checked VALUES (4, 1, true);
INSERT INTO checked VALUES (NULL, 1, true);
ALTER TABLE easq.answer ALTER respondent DROP NOT NULL;
SELECT source, status, answers, reason ~ 'null value' AS "null" FROM steps();
SELECT easq_create_model('wide', '[{"name": "v", "kind": "vector", "dim": 2000}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0}') \g /dev/null
CREATE TABLE wide (user_id int, v float4[], answer boolean);
SELECT easq_learn('wide', 'wide') \g /dev/null
CREATE INDEX covering ON easq.answer (model, ordinal) INCLUDE (example);
INSERT INTO wide VALUES (1, NULL, true);
INSERT INTO wide SELECT 1, array_agg(sin(i)), false FROM generate_series(1, 2000) i;
DROP INDEX easq.covering;
SELECT source, status, answers, reason ~ 'index row' AS "too large" FROM steps();
SELECT (SELECT count(*) FROM checked) AS checked, (SELECT count(*) FROM wide) AS wide;

SET client_min_messages = warning;
SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
