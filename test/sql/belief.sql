\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- Counts inside: what answers say of each value, and how much of it the ranking takes.
-- Clicks follow x, satisfaction a quality of the item that no feature tells: only answers about the item can.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE seen AS
SELECT u, 'v' || u AS viewer, i AS item, luck('x', i, 0) AS x, luck('q', i, 0) AS q, luck('click', u, i) < luck('x', i, 0) AS clicked,
       luck('answer', u, i) < luck('q', i, 0) AS satisfied
FROM generate_series(1, 300) u, generate_series(1, 40) i;
CREATE FUNCTION features(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_array(
    '{"name": "viewer", "kind": "categorical", "size": 1000, "dim": 4}'::jsonb,
    '{"name": "item", "kind": "categorical", "size": 200, "dim": 4}'::jsonb || more, '{"name": "x", "kind": "numeric"}'::jsonb) $$;
CREATE FUNCTION gauc(model text, metric text) RETURNS float8 LANGUAGE sql AS
$$ SELECT value FROM easq_evaluate(model, 'SELECT *, q > 0.5 AS good FROM seen WHERE u > 200', 'good', 'u') WHERE metric = $2 $$;
CREATE FUNCTION sums(model text) RETURNS float8[] LANGUAGE sql AS
$$ SELECT ARRAY[sum(easq_score(model, s)), sum(easq_satisfaction(model, s)), sum(easq_uncertainty(model, s))] FROM (SELECT viewer, item, x FROM seen WHERE u > 280) s $$;
CREATE TABLE survey (user_id int, viewer text, item int, x float8, answer bool);
CREATE FUNCTION answer(first int, last int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s record;
BEGIN
    FOR s IN SELECT * FROM (SELECT *, row_number() OVER (ORDER BY luck('asked', u, item)) AS n FROM seen WHERE u <= 200) n WHERE n BETWEEN first AND last ORDER BY n LOOP
        INSERT INTO survey VALUES (s.u, s.viewer, s.item, s.x, s.satisfied);
    END LOOP;
END $$;

-- what the first training finds: who is asked, what about, the rest; a specification may say it itself
SELECT easq_create_model('m', features(), '{"seed": 1, "hidden": 16, "expert_hidden": 8}') \g /dev/null
SELECT prior FROM easq.model WHERE name = 'm';
SELECT rows FROM easq_train('m', 'SELECT * FROM seen', 'clicked', 'u');
SELECT prior FROM easq.model WHERE name = 'm';
SELECT easq_create_model('other', features('{"prior": 0.5}'), '{"beliefs": false, "seed": 1, "hidden": 16, "expert_hidden": 8}') \g /dev/null
SELECT features -> 1 -> 'prior' AS prior FROM easq.models WHERE name = 'other';
SELECT fails($$SELECT easq_create_model('x', features('{"prior": 0}'))$$);
SELECT fails($$SELECT easq_create_model('x', '[{"name": "v", "kind": "vector", "dim": 2, "prior": 1}]')$$);
SELECT fails($$SELECT easq_configure('m', '{"beliefs": false}')$$);

-- without answers the order is the pathways'; during warm-up the ranking takes nothing
SELECT rows FROM easq_train('other', 'SELECT * FROM seen', 'clicked', 'u') \g /dev/null
SELECT corr(m, other) > 0.9999 AS "order of the pathway" FROM (
    SELECT rank() OVER (ORDER BY easq_satisfaction('m', s)) AS m, rank() OVER (ORDER BY easq_satisfaction('other', s)) AS other
    FROM (SELECT viewer, item, x FROM seen WHERE u > 280) s) r;
SELECT easq_learn('m', 'survey') \g /dev/null
SELECT answer(1, 15);
SELECT knob, (SELECT count(*) FROM easq.tensor WHERE model = 'm' AND part = 'belief' AND name = 'belief.') AS chunks FROM easq.models WHERE name = 'm';

-- an item's rate is learned and ranks, and costs no more than the budget
SELECT gauc('m', 'gauc') AS before, gauc('m', 'satisfaction/gauc') AS guess \gset
SELECT answer(16, 500);
SELECT gauc('m', 'satisfaction/gauc') > 0.85 AS learned, gauc('m', 'gauc') > :before + 0.04 AS ranks;
SELECT knob > 0 AS turned, behaviour_cost <= 0.05 AS within FROM easq.models WHERE name = 'm';
SELECT bool_and(knob = 0) FILTER (WHERE reason LIKE 'warm-up%') AS "nothing in warm-up", max(behaviour_cost) <= 0.05 AS "never above" FROM easq.steps WHERE model = 'm';
SELECT name, count(*) FROM easq.tensor WHERE model = 'm' AND part = 'belief' AND checkpoint = 0 AND state = 'current' GROUP BY name ORDER BY name;

-- all forms say the same
SELECT bool_and(same(a, b)) AS batch FROM (SELECT easq_score('m', s) AS a, easq_batch_score('m', s) OVER () AS b FROM (SELECT viewer, item, x FROM seen WHERE u > 290) s) r;
SELECT abs(avg(easq_probability('m', s)) - avg(satisfied::int)) < 0.05 AS calibrated, easq_auc(easq_probability('m', s), satisfied) > 0.75 AS tells FROM seen s;
SELECT easq_uncertainty('m', new) > easq_uncertainty('m', known) AS "unsure of what is new", easq_uncertainty('m', NULL::seen) IS NULL AS null
FROM (SELECT 'nobody' AS viewer, 199 AS item, 0.5 AS x) new, (SELECT viewer, item, x FROM survey LIMIT 1) known;
-- who is asked orders nothing within what they are shown
SELECT max(easq_uncertainty('m', nobody)) < 0.8 AS "less than of a stranger" FROM (SELECT item, x FROM survey LIMIT 50) someone, LATERAL (SELECT 'nobody' AS viewer, item, x) nobody;
SELECT array_agg(v <= 0.05) AS constant FROM easq.model, unnest(varies) v WHERE name = 'm';
SELECT easq_uncertainty('m', array_fill(0.1::real, ARRAY[9])) BETWEEN 0.01 AND 1 AS "of pathways alone";
SELECT fails($$SELECT easq_uncertainty('other', s) FROM seen s LIMIT 1$$);

-- they come and go with the transaction, the checkpoint and the file
SELECT sums('m') AS sums, state() AS state \gset
BEGIN;
SELECT answer(501, 520);
SELECT sums('m') <> :'sums' AS moved;
ROLLBACK;
SELECT sums('m') = :'sums' AS "un-learned", state() = :'state' AS "without a trace";
SELECT easq_checkpoint('m', 'then') \g /dev/null
SELECT answer(501, 520);
SELECT sums('m') <> :'sums' AS learned;
SELECT easq_restore('m', 'then') \g /dev/null
SELECT sums('m') = :'sums' AS restored;
SELECT easq_import('copy', easq_export('m')) \g /dev/null
SELECT sums('copy') = :'sums' AS "the same elsewhere", easq_export('copy') = easq_export('m') AS file;
SELECT key, value -> 'shape' AS shape FROM jsonb_each(header(easq_export('m'))) WHERE key LIKE 'belief%' ORDER BY key;
SELECT fails($$SELECT easq_import('other', easq_export('m'))$$);
SELECT fails(format('SELECT easq_import(%L, %L)', 'copy', file)) FROM (VALUES
    (with_header(easq_export('m'), replace(header(easq_export('m'))::text, 'belief.item', 'belief.thing')::jsonb)),
    (with_header(easq_export('m'), jsonb_set(header(easq_export('m')), '{belief.,shape}', '[2, 4]'))),
    (with_header(easq_export('m'), jsonb_set(header(easq_export('m')), '{__metadata__,beliefs}', '"[0,0,1,0,1]"'))),
    (with_numbers(easq_export('m'), 'belief.item', '{0, -1}'))) f (file);
SELECT sums('copy') = :'sums' AS "as it was";
SELECT easq_reset_alignment('m') \g /dev/null
SELECT count(*) AS left, (SELECT knob FROM easq.models WHERE name = 'm') AS knob FROM easq.tensor WHERE model = 'm' AND part = 'belief' AND checkpoint = 0;
SELECT easq_restore('m', 'then') \g /dev/null

-- a training without answers keeps them; one with answers stands on those alone
SELECT rows FROM easq_train('m', 'SELECT * FROM seen', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT gauc('m', 'satisfaction/gauc') > 0.85 AS kept, knob > 0 AS turned FROM easq.models WHERE name = 'm';
SELECT rows FROM easq_train('m', 'SELECT *, CASE WHEN u <= 20 THEN NOT satisfied END AS answer FROM seen', 'clicked', 'u', 'answer', '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT gauc('m', 'satisfaction/gauc') < 0.3 AS "what the training said";
SELECT count(*) AS chunks FROM easq.tensor WHERE model = 'm' AND part = 'belief' AND checkpoint = 0 AND state = 'trained' AND name = 'belief.item';
SELECT answer(521, 522);
SELECT easq_reset_alignment('m') \g /dev/null
SELECT gauc('m', 'satisfaction/gauc') < 0.3 AS "what the training said";

-- how answers arrive hardly matters
SELECT easq_create_model(m, features(), '{"seed": 1, "hidden": 16, "expert_hidden": 8}') FROM unnest(ARRAY['one', 'many']) m \g /dev/null
SELECT rows FROM unnest(ARRAY['one', 'many']) m, easq_train(m, 'SELECT * FROM seen', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 2}') \g /dev/null
SELECT easq_stop_learning('m', 'survey'), easq_learn('one', 'survey') \g /dev/null
TRUNCATE survey;
SELECT answer(1, 600);
SELECT easq_stop_learning('one', 'survey') \g /dev/null
CREATE TABLE again AS SELECT * FROM survey;
TRUNCATE survey;
SELECT easq_learn('many', 'survey') \g /dev/null
INSERT INTO survey SELECT * FROM again ORDER BY luck('again', user_id, item);
SELECT corr(easq_probability('one', s), easq_probability('many', s)) > 0.9 AS alike FROM (SELECT viewer, item, x FROM seen WHERE u > 200) s;
SELECT abs(gauc('one', 'satisfaction/gauc') - gauc('many', 'satisfaction/gauc')) < 0.02 AS close;

-- without a budget: as much of it as of main; without beliefs: as the reference
SELECT easq_create_model('free', features(), '{"seed": 1, "hidden": 16, "expert_hidden": 8, "behaviour_budget": 1}') \g /dev/null
SELECT rows FROM easq_train('free', 'SELECT * FROM seen', 'clicked', 'u', options => '{"held_share": 0.1, "epochs": 2}') \g /dev/null
SELECT easq_learn('free', 'survey'), easq_learn('other', 'survey') \g /dev/null
INSERT INTO survey SELECT * FROM again WHERE user_id % 4 = 0;
SELECT name, knob > 0 AS turned FROM easq.models WHERE name IN ('free', 'other') ORDER BY name;
SELECT count(*) AS none FROM easq.tensor WHERE model = 'other' AND part = 'belief';

-- a mixture is refused
UPDATE easq.tensor SET id = gen_random_uuid() WHERE model = 'free' AND name = 'belief.item' AND chunk = 0;
SELECT fails($$SELECT easq_checkpoint('free', 'mixed')$$);

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
