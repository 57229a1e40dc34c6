\set ECHO none
\i test/tools.sql
\set ECHO all

-- What a row is encoded as shows in its score: it is that of the encoding, given as an array.
-- One model for each kind, with embedding tables and means that are known.
SELECT easq_create_model('numeric', '[{"name": "n", "kind": "numeric"}, {"name": "flat", "kind": "numeric"}]', '{"seed": 1, "factors": 0}'),
       easq_create_model('hash', '[{"name": "c", "kind": "categorical", "size": 1000, "dim": 2}]', '{"seed": 2, "factors": 0}'),
       easq_create_model('index', '[{"name": "c", "kind": "categorical", "size": 10, "dim": 2, "encoding": "index"}]', '{"seed": 3, "factors": 0}'),
       easq_create_model('vector', '[{"name": "v", "kind": "vector", "dim": 3}]', '{"seed": 4}') \g /dev/null
SELECT easq_import('numeric', with_header(f, jsonb_set(header(f), '{__metadata__}', '{"mean": "[10, 7]", "deviation": "[4, 0]"}')))
FROM easq_export('numeric') f \g /dev/null
-- row r of both tables is (r / 100, -r / 50)
SELECT easq_import(m, with_numbers(easq_export(m), 'embedding.c.weight',
                                   (SELECT array_agg(n ORDER BY r, n DESC) FROM generate_series(0, s - 1) r, unnest(ARRAY[r / 100.0, -r / 50.0]::real[]) n)))
FROM (VALUES ('hash', 1000), ('index', 10)) t (m, s) \g /dev/null
CREATE FUNCTION embedding(rows int[]) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$ SELECT ARRAY[avg(r) / 100.0, -avg(r) / 50.0]::real[] FROM unnest(CASE WHEN rows = '{}' THEN ARRAY[0] ELSE rows END) r $$;
SELECT min(next - score) > 1e-4 AS "rows can be told apart" FROM (
    SELECT score, lead(score) OVER (ORDER BY score) AS next FROM generate_series(0, 999) r, easq_score('hash', embedding(ARRAY[r])) score) s;

-- the hash: FNV-1a, 64 bits, written once more
CREATE FUNCTION fnv1a(string text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    bytes bytea := convert_to(string, 'UTF8');
    hash numeric := 14695981039346656037;
    low int;
BEGIN
    FOR i IN 0 .. length(bytes) - 1 LOOP
        low := hash % 256;
        hash := (hash - low + (low # get_byte(bytes, i))) * 1099511628211 % 18446744073709551616;
    END LOOP;
    RETURN hash;
END $$;
SELECT fnv1a('') = 14695981039346656037 AS empty, fnv1a('a') = 12638187200555641996 AS a, fnv1a('foobar') = 9625390261332436968 AS foobar;
CREATE FUNCTION hashed(texts text[]) RETURNS int[] LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(array_agg((1 + regress.fnv1a(t) % 999)::int), '{}') FROM unnest(texts) t $$;

-- the score of a row whose column (or columns) are these expressions
CREATE FUNCTION score_of(model text, columns text) RETURNS real LANGUAGE plpgsql AS $$
DECLARE
    score real;
BEGIN
    EXECUTE format('SELECT easq_score(%L, r) FROM (SELECT %s) r', model, columns) INTO score;
    RETURN score;
END $$;

CREATE TYPE colour AS ENUM ('red', 'green', 'blå');
CREATE DOMAIN whole AS int CHECK (value >= 0);
CREATE DOMAIN word AS text;
CREATE DOMAIN reals AS real[];
CREATE DOMAIN words AS text[];

-- numeric: (value - mean) / deviation; NULL is the mean, a deviation of 0 counts as 1
SELECT expression, same(score_of('numeric', expression || ' AS n, 9 AS flat'), easq_score('numeric', ARRAY[x, 2])) AS same
FROM (VALUES ('18::smallint', 2), ('18', 2), ('18::bigint', 2), ('18.0', 2), ('18::real', 2), ('18::double precision', 2), ('18::whole', 2),
             ('-2', -3), ('10', 0), ('NULL::int', 0), ('true', -2.25), ('false', -2.5), ('4e9::real', 1e9)) t (expression, x);
SELECT same(score_of('numeric', 'NULL::real AS n, NULL::numeric AS flat'), easq_score('numeric', ARRAY[0, 0])) AS "NULL";

-- categorical, hash: row 1 + hash of the text mod (size - 1)
SELECT expression, texts, hashed(texts) AS rows, same(score_of('hash', expression || ' AS c'), easq_score('hash', embedding(hashed(texts)))) AS same
FROM (VALUES
    ('42::smallint', ARRAY['42']), ('42', ARRAY['42']), ('42::bigint', ARRAY['42']), ('-9223372036854775808', ARRAY['-9223372036854775808']),
    ('0', ARRAY['0']), ('42::whole', ARRAY['42']),
    ('''42''', ARRAY['42']), ('''''', ARRAY['']), ('''a''::varchar(3)', ARRAY['a']), ('''a''::char(3)', ARRAY['a']), ('''a  ''::text', ARRAY['a  ']),
    ('''Grüße 你好''', ARRAY['Grüße 你好']), ('''a''::word', ARRAY['a']),
    ('true', ARRAY['true']), ('false', ARRAY['false']), ('''blå''::colour', ARRAY['blå']),
    ('''A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11''::uuid', ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']),
    ('NULL::text', '{}'), ('NULL::int', '{}'), ('NULL::colour', '{}'),
    -- sets: the mean of the members, NULL members left out, empty like NULL
    ('ARRAY[''a'', ''b'']', ARRAY['a', 'b']), ('ARRAY[''b'', NULL, ''a'']', ARRAY['a', 'b']), ('ARRAY[''a'', ''a'', ''b'']', ARRAY['a', 'a', 'b']),
    ('ARRAY[NULL, NULL]::text[]', '{}'), ('''{}''::text[]', '{}'), ('NULL::text[]', '{}'),
    ('ARRAY[7, 8]', ARRAY['7', '8']), ('ARRAY[7]::smallint[]', ARRAY['7']), ('ARRAY[7, 8]::bigint[]', ARRAY['7', '8']),
    ('ARRAY[true, NULL, false]', ARRAY['true', 'false']), ('ARRAY[''red'', ''green'']::colour[]', ARRAY['red', 'green']),
    ('ARRAY[''a'', ''bc'']::char(4)[]', ARRAY['a', 'bc']), ('ARRAY[''a'', ''b'']::words', ARRAY['a', 'b']), ('ARRAY[''a'', ''b'']::word[]', ARRAY['a', 'b']),
    ('ARRAY[''A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'']::uuid[]', ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']),
    ('ARRAY[ARRAY[1, 2], ARRAY[3, 4]]', ARRAY['1', '2', '3', '4'])) t (expression, texts);
-- NULL is row 0, which no text can reach; an empty text is a text
SELECT easq_score('hash', r) = easq_score('hash', embedding('{0}')) AS "NULL" FROM (SELECT NULL::text AS c) r;

-- categorical, index: the value is the row; NULL is row 0, a 0 in a set is a member
SELECT expression, rows, same(score_of('index', expression || ' AS c'), easq_score('index', embedding(rows))) AS same
FROM (VALUES ('0', '{0}'::int[]), ('9', '{9}'), ('3::smallint', '{3}'), ('3::bigint', '{3}'), ('3::whole', '{3}'), ('NULL::int', '{0}'),
             ('ARRAY[1, 3]', '{1,3}'), ('ARRAY[1, NULL, 3]', '{1,3}'), ('ARRAY[0, 4]', '{0,4}'), ('ARRAY[4, 4]::smallint[]', '{4}'), ('ARRAY[5]::whole[]', '{5}'),
             ('''{}''::int[]', '{0}'), ('ARRAY[NULL]::int[]', '{0}')) t (expression, rows);

-- vector: as it is; NULL is zeros; whatever casts to real[]
CREATE TYPE point3 AS (x real, y real, z real);
CREATE FUNCTION reals(point3) RETURNS real[] LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN $1.x <> 0 THEN ARRAY[$1.x, $1.y, $1.z] END';
CREATE CAST (point3 AS real[]) WITH FUNCTION reals(point3);
SELECT expression, x, same(score_of('vector', expression || ' AS v'), easq_score('vector', x)) AS same
FROM (VALUES ('ARRAY[1, 2.5, -3]::real[]', '{1,2.5,-3}'::real[]), ('ARRAY[1, 2.5, -3]', '{1,2.5,-3}'), ('ARRAY[1, 2.5, -3]::double precision[]', '{1,2.5,-3}'),
             ('ARRAY[1, 2, -3]', '{1,2,-3}'), ('ARRAY[1, 2, -3]::smallint[]', '{1,2,-3}'), ('ARRAY[1, 2, -3]::bigint[]', '{1,2,-3}'),
             ('ARRAY[1, 2, -3]::reals', '{1,2,-3}'), ('ARRAY[1, 2, 3]::whole[]', '{1,2,3}'), ('''[5:7]={1,2,3}''::int[]', '{1,2,3}'),
             ('''{1,2.5,-3}''::text', '{1,2.5,-3}'), ('ARRAY[''1'', ''2.5'', ''-3'']', '{1,2.5,-3}'),
             ('NULL::real[]', '{0,0,0}'), ('NULL::int[]', '{0,0,0}'), ('NULL::point3', '{0,0,0}'),
             ('ROW(1, 2.5, -3)::point3', '{1,2.5,-3}'), ('ROW(0, 1, 2)::point3', '{0,0,0}'), ('ARRAY[1e-45, 1e9, 0]', '{1e-45,1e9,0}')) t (expression, x);

-- stored out of line and compressed
CREATE TABLE large (c text, v text, tags text[]);
ALTER TABLE large ALTER c SET STORAGE EXTERNAL;
INSERT INTO large SELECT string_agg(md5(i::text), ''), '{1,2,' || repeat(' ', 100000) || '3}', array_agg('t' || i) FROM generate_series(1, 3000) i;
SELECT easq_score('hash', r) = easq_score('hash', embedding(hashed(ARRAY[c]))) AS external, easq_score('vector', r) = easq_score('vector', ARRAY[1, 2, 3]) AS compressed FROM large r;
SELECT same(easq_score('hash', r), easq_score('hash', embedding(hashed(tags)))) AS set FROM (SELECT tags AS c, tags FROM large) r;

-- columns are found by name, whatever the row comes from
SELECT easq_create_model('named', '[{"name": "Age", "kind": "numeric"}, {"name": "tag", "kind": "categorical", "size": 1000, "dim": 2}]') \g /dev/null
SELECT easq_score('named', r) AS score FROM (SELECT 1 AS "Age", 'x' AS tag) r \gset
CREATE TABLE t (dropped1 text, tag text, "Age" numeric, dropped2 int, note text, CONSTRAINT k PRIMARY KEY (tag));
INSERT INTO t VALUES ('', 'x', 1, 0, repeat('n', 10000));
ALTER TABLE t DROP dropped1, DROP dropped2, ADD later int DEFAULT 7;
CREATE VIEW v AS SELECT note, tag, "Age" FROM t;
CREATE FUNCTION one() RETURNS t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION several() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION columns(OUT tag text, OUT "Age" int) LANGUAGE sql AS 'SELECT ''x'', 1';
CREATE FUNCTION any_record() RETURNS SETOF record LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE TYPE composite AS (tag varchar, "Age" int);
CREATE DOMAIN composite_domain AS composite CHECK ((value)."Age" > 0);
CREATE TABLE nested (c composite, d composite_domain, t t);
INSERT INTO nested SELECT ROW('x', 1)::composite, ROW('x', 1)::composite_domain, t FROM t;
CREATE TABLE parent (tag text, "Age" int);
CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO child VALUES ('x', 1, 5);
CREATE TABLE parted (tag text, "Age" int) PARTITION BY LIST (tag);
CREATE TABLE part ("Age" int, other int, tag text);
ALTER TABLE part DROP other;
ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN ('x');
INSERT INTO parted VALUES ('x', 1);
SELECT source, score = :score::real AS same FROM (
    SELECT 'other order', easq_score('named', r) FROM (SELECT 'x' AS tag, 1 AS "Age") r
    UNION ALL SELECT 'more columns', easq_score('named', r) FROM (SELECT now() AS "now", 'x' AS tag, 2 AS age, 1 AS "Age", 'y' AS "Tag") r
    UNION ALL SELECT 'table', easq_score('named', t) FROM t
    UNION ALL SELECT 'alias', easq_score('named', a.*) FROM t a
    UNION ALL SELECT 'view', easq_score('named', v) FROM v
    UNION ALL SELECT * FROM (WITH w AS MATERIALIZED (SELECT tag, "Age" FROM t) SELECT 'CTE', easq_score('named', w) FROM w) q
    UNION ALL SELECT 'VALUES', easq_score('named', r) FROM (VALUES (1, 'x')) r ("Age", tag)
    UNION ALL SELECT 'join', easq_score('named', j) FROM (t JOIN (SELECT 2 AS b) b ON true) j
    UNION ALL SELECT 'LATERAL', easq_score('named', r) FROM t a, LATERAL (SELECT a.tag, a."Age") r
    UNION ALL SELECT 'cast', easq_score('named', ROW('x', 1)::composite)
    UNION ALL SELECT 'function', easq_score('named', one())
    UNION ALL SELECT 'set', easq_score('named', s) FROM several() s
    UNION ALL SELECT 'OUT', easq_score('named', columns())
    UNION ALL SELECT 'record', easq_score('named', r) FROM any_record() AS r ("Age" int, tag text)
    UNION ALL SELECT 'jsonb', easq_score('named', jsonb_populate_record(NULL::composite, '{"tag": "x", "Age": 1}'))
    UNION ALL SELECT 'composite', easq_score('named', c) FROM nested
    UNION ALL SELECT 'domain', easq_score('named', d) FROM nested
    UNION ALL SELECT 'row in a row', easq_score('named', (n.t)) FROM nested n
    UNION ALL SELECT 'parent', easq_score('named', p) FROM parent p
    UNION ALL SELECT 'partition', easq_score('named', p) FROM parted p
    UNION ALL SELECT 'batch', easq_batch_score('named', t) OVER () FROM t
    UNION ALL SELECT 'array member', easq_score('named', r) FROM unnest(ARRAY[ROW('x', 1)::composite]) r) s (source, score);

-- rows older than a column of their table have its default, in a row trigger too
CREATE TABLE young ("Age" int);
INSERT INTO young VALUES (1);
ALTER TABLE young ADD tag text DEFAULT 'x';
CREATE TABLE expected AS SELECT :score::real AS score;
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'old % new %', easq_score('named', old) = (SELECT score FROM expected), easq_score('named', new) = (SELECT score FROM expected);
    RETURN NULL;
END $$;
CREATE TRIGGER watch AFTER UPDATE ON young FOR EACH ROW EXECUTE FUNCTION watch();
UPDATE young SET "Age" = 1;

-- a loop goes on after its row type has changed
CREATE TABLE changing (tag int, "Age" int);
INSERT INTO changing VALUES (8, 1);
DO $$
DECLARE
    r changing;
    score real;
    expected real;
BEGIN
    FOR change IN 1 .. 4 LOOP
        SELECT * INTO r FROM changing;
        score := easq_score('named', r);
        EXECUTE 'SELECT easq_score(''named'', c) FROM changing c' INTO expected;
        RAISE NOTICE '%: % %', change, r, score = expected;
        EXECUTE (ARRAY['ALTER TABLE changing ALTER tag TYPE text USING ''long, long, long''', 'ALTER TABLE changing ADD "new" int DEFAULT 3, ALTER "Age" TYPE numeric',
                       'ALTER TABLE changing DROP "Age", ADD "Age" real DEFAULT 5', 'ALTER TABLE changing RENAME tag TO label'])[change];
    END LOOP;
    score := easq_score('named', r);
EXCEPTION WHEN undefined_column THEN
    RAISE NOTICE '%', sqlerrm;
END $$;
-- one call site, many row types
DO $$
DECLARE
    r record;
    scores real[];
BEGIN
    FOR i IN 1 .. 3 LOOP
        CASE i WHEN 1 THEN SELECT 1 AS "Age", 'x' AS tag INTO r;
               WHEN 2 THEN SELECT NULL::date AS d, 'x'::varchar AS tag, 1.0 AS "Age" INTO r;
               ELSE SELECT * INTO r FROM t; END CASE;
        scores := scores || easq_score('named', r);
    END LOOP;
    RAISE NOTICE '%', scores[1] = scores[2] AND scores[2] = scores[3];
END $$;

SELECT state() AS before \gset
\t on
-- which columns: missing, twice, without names
SELECT fails($$SELECT easq_score('named', r) FROM (SELECT 1 AS age, 'x' AS tag) r$$);
SELECT fails($$SELECT easq_score('named', r) FROM (SELECT 1 AS "Age", 2 AS "Age", 'x' AS tag) r$$);
SELECT fails($$SELECT easq_score('named', ROW(1, 'x'))$$);
SELECT fails($$SELECT easq_score('named', ("Age", tag)) FROM t$$);
SELECT fails($$SELECT easq_score('named', ROW())$$);
SELECT fails($$SELECT easq_satisfaction('named', r) FROM (SELECT) r$$);
SELECT fails($$SELECT easq_batch_score('named', ROW(1, 'x')) OVER ()$$);
SELECT fails(format('SELECT easq_score(''named'', r) FROM (SELECT %s) r', string_agg('0 AS c' || i, ', ' ORDER BY i))) FROM generate_series(1, 30) i;
ALTER TABLE t RENAME tag TO label;
SELECT fails($$SELECT easq_score('named', t) FROM t$$);
-- types: the hint says what to cast to
SELECT fails(format('SELECT score_of(''numeric'', %L)', e || ' AS n, 0 AS flat'))
FROM unnest(ARRAY['''1''::text', 'NULL', 'now()', 'ARRAY[1]', '''{}''::jsonb', '''red''::colour', 'ROW(1, 2, 3)::point3', '''1''::money']) e;
SELECT fails(format('SELECT score_of(''hash'', %L)', e || ' AS c'))
FROM unnest(ARRAY['1.5', '1::real', '''2024-01-01''::date', '''{}''::jsonb', '''a''::name', '1::oid', '''\x00''::bytea', 'ROW(1, 2, 3)::point3', 'ARRAY[1.5]', '''(1,2)''::point']) e;
SELECT fails(format('SELECT score_of(''index'', %L)', e || ' AS c'))
FROM unnest(ARRAY['''1''::text', 'true', '1.0', 'ARRAY[''1'']', '''red''::colour']) e;
SELECT fails(format('SELECT score_of(''vector'', %L)', e || ' AS v'))
FROM unnest(ARRAY['1', 'true', 'now()', '''{}''::jsonb', 'ARRAY[now()]', 'ARRAY[true]']) e;
-- values
SELECT fails(format('SELECT score_of(''numeric'', %L)', e || ' AS n, 0 AS flat'))
FROM unnest(ARRAY['''NaN''::real', '''NaN''::numeric', '''Infinity''::double precision', '''-Infinity''::real', '1e400', '1e300']) e;
SELECT fails(format('SELECT score_of(''index'', %L)', e || ' AS c'))
FROM unnest(ARRAY['10', '-1', '9223372036854775807', 'ARRAY[3, 10]', 'ARRAY[NULL, -1]']) e;
SELECT fails(format('SELECT score_of(''vector'', %L)', e || ' AS v'))
FROM unnest(ARRAY['ARRAY[1, 2]', 'ARRAY[1, 2, 3, 4]', '''{}''::int[]', 'ARRAY[1, NULL, 3]', 'ARRAY[[1, 2, 3]]', 'ARRAY[1, 2, ''NaN'']::real[]',
                  'ARRAY[1, ''Infinity'', 3]::float8[]', 'ARRAY[1, 2, 1e39]', '''{1,2}''::text', '''1 2 3''::text', 'ROW(1, ''NaN'', 3)::point3']) e;
-- an encoded input
SELECT fails(format('SELECT easq_score(''vector'', %s)', e))
FROM unnest(ARRAY['ARRAY[1, 2]', 'ARRAY[1, 2, 3, 4]', '''{}''::int[]', 'ARRAY[1, NULL, 3]', 'ARRAY[[1, 2, 3]]', 'ARRAY[1, 2, ''NaN'']::real[]', 'ARRAY[1, 2, 1e39]',
                  'ARRAY[''1'', ''2'', ''3'']', 'ARRAY[true, false, true]', '7', '''{1,2,3}''']) e;
\t off
SELECT state() = :'before' AS unchanged;

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
