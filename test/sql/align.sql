\set ECHO none
\i test/tools.sql
\set ECHO all

-- What the PyTorch reference computed (test/golden): the scores of 64 rows before and after three steps, and their metrics.
\set golden `cd test/golden && printf '[' && s= && for d in */case.json; do d=${d%/case.json}; printf '%s{"name":"%s","before":"%s","case":' "$s" "$d" "$(base64 < $d/before.safetensors | tr -d '\n')"; cat $d/case.json; printf '}'; s=,; done; printf ']'`
CREATE TABLE golden AS SELECT g->>'name' AS name, decode(g->>'before', 'base64') AS before, g->'case' AS c FROM jsonb_array_elements(:'golden') g;
CREATE FUNCTION matrix(m jsonb) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg(ARRAY(SELECT v::real FROM jsonb_array_elements_text(r) WITH ORDINALITY e (v, j) ORDER BY j) ORDER BY i) FROM jsonb_array_elements(m) WITH ORDINALITY t (r, i) $$;
CREATE FUNCTION scores_agree(model text, c jsonb, suffix text) RETURNS bool LANGUAGE sql AS $$
    SELECT count(*) = 64 AND bool_and(same(easq_score(model, x), (c->('score' || suffix)->>i)::real) AND same(easq_satisfaction(model, x), (c->('satisfaction' || suffix)->>i)::real))
    FROM generate_series(0, 63) i, LATERAL (SELECT ARRAY(SELECT v::real FROM jsonb_array_elements_text(c->'rows'->i) v) AS x) r $$;
CREATE FUNCTION metrics_agree(ours jsonb, theirs jsonb) RETURNS bool LANGUAGE sql AS
$$ SELECT count(*) = 11 AND bool_and(abs(value::float8 - (theirs->>key)::float8) <= 1e-4 * abs((theirs->>key)::float8) + 1e-5) FROM jsonb_each_text(ours) $$;
CREATE FUNCTION as_reference(name text, before bytea, c jsonb) RETURNS TABLE (scores bool, metrics bool, scores_after bool) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM easq_create_model(name, format('[{"name": "x", "kind": "vector", "dim": %s}]', c#>>'{shape,k}')::jsonb,
        c->'hyper' || jsonb_build_object('hidden', c#>'{shape,d}', 'expert_hidden', c#>'{shape,m}', 'rank', c#>'{shape,r}',
                                         'experts', c#>'{shape,experts,0}', 'satisfaction_experts', c#>'{shape,experts,1}'));
    PERFORM easq_import(name, before);
    scores := scores_agree(name, c, '');
    metrics := true;
    FOR i IN 0 .. 2 LOOP
        metrics := metrics AND metrics_agree(to_jsonb(a), c->'steps'->i)
        FROM easq_align(name, matrix(c#>'{survey,0}'), matrix(c#>'{survey,1}'), matrix(c#>'{behaviour,0}'), matrix(c#>'{behaviour,1}')) a;
    END LOOP;
    scores_after := scores_agree(name, c, '_after');
    RETURN NEXT;
END $$;
SELECT name, r.* FROM golden, as_reference(name, before, c) r ORDER BY name;

-- the metrics come back and are kept
SELECT easq_create_model('m', '[{"name": "a", "kind": "numeric"}, {"name": "v", "kind": "vector", "dim": 2}]', '{"hidden": 8, "expert_hidden": 4, "seed": 3, "alignment": "dpo", "pairwise": "score", "lambda2": 1}') \g /dev/null
SELECT * FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}') LIMIT 0;
SELECT loss, loss_satisfaction AS satisfaction, "rewards/margins" AS margin, "grad_norm/main" AS main FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}') \gset
SELECT loss = :loss AND loss_satisfaction = :satisfaction AND "rewards/margins" = :margin AND "grad_norm/main" = :main AS "as returned" FROM easq.steps ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM easq_align('m', '{{1,2,3},{0,0,1}}', '{{3,2,1},{1,0,0}}', '{{1,1,1},{0,1,0},{2,2,2}}', '{{0,0,0},{0,0,0},{1,2,1}}');
SELECT source, status, reason, adapter_version, answers, pairs, behaviour_pairs, loss_main IS NULL AS "no rehearsal", loss > 0 AS loss FROM easq.steps WHERE model = 'm' ORDER BY id;
SELECT adapter_version, steps, answers FROM easq.models WHERE name = 'm';
-- numbers of another type are cast; the lower bounds of an array do not matter
SELECT loss > 0 AS loss FROM easq_align('m', ARRAY[[1, 2, 3]], ARRAY[[3.5, 2, 1]]);
SELECT loss > 0 AS loss FROM easq_align('m', '[5:5][0:2]={{1,2,3}}', '{{3,2,1}}');
-- only the adapter moves: backbone and embeddings stay
SELECT easq_export('m') AS before \gset
SELECT loss > 0 AS loss FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}', '{{1,1,1}}', '{{0,0,0}}');
SELECT string_agg(name, ', ' ORDER BY name) AS moved FROM jsonb_object_keys(header(:'before')) AS name
WHERE tensor(:'before', name) <> tensor(easq_export('m'), name);
-- learning brings the chosen above the rejected
DO $$ BEGIN FOR i IN 1 .. 200 LOOP PERFORM easq_align('m', '{{1,2,3}}', '{{3,2,1}}'); END LOOP; END $$;
SELECT easq_satisfaction('m', ARRAY[1, 2, 3]) > easq_satisfaction('m', ARRAY[3, 2, 1]) AS satisfaction, easq_score('m', ARRAY[1, 2, 3]) > easq_score('m', ARRAY[3, 2, 1]) AS score;
-- no rehearsal, distil: the alignment needs two behaviour pairs, and is 0 without
SELECT easq_configure('m', '{"alignment": "distil"}') \g /dev/null
SELECT loss_alignment, "grad_norm/main" FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}');
SELECT loss_alignment, "grad_norm/main" > 0 AS main FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}', '{{1,1,1}}', '{{0,0,0}}');
SELECT loss_alignment > 0 AS alignment FROM easq_align('m', '{{1,2,3}}', '{{3,2,1}}', '{{1,1,1},{0,1,0}}', '{{0,0,0},{3,2,1}}');

SELECT state() AS before \gset
\t on
SELECT fails(format('SELECT easq_align(''m'', %s)', a)) FROM unnest(ARRAY[
    '''{1,2,3}'', ''{3,2,1}''', '''{{1,2}}'', ''{{2,1}}''', '''{{1,2,3,4}}'', ''{{2,1,3,4}}''', '''{{{1,2,3}}}'', ''{{3,2,1}}''',
    '''{{1,2,3}}'', ''{{3,2}}''', '''{{1,2,3}}'', ''{{3,2,1},{1,1,1}}''', '''{}'', ''{}''', '''{{1,2,3}}'', ''{}''',
    'NULL, NULL', '''{{1,2,3}}'', NULL', 'NULL, ''{{1,2,3}}''',
    '''{{1,2,NULL}}'', ''{{3,2,1}}''', '''{{1,2,3}}'', ''{{3,NaN,1}}''', '''{{1,2,3}}'', ''{{3,2,-Infinity}}''', '''{{1,2,3}}'', ''{{3,2,1e39}}''',
    '''{{1,2,3}}'', ''{{3,2,1}}'', ''{{1,1,1}}''', '''{{1,2,3}}'', ''{{3,2,1}}'', NULL, ''{{1,1,1}}''', '''{{1,2,3}}'', ''{{3,2,1}}'', ''{}'', ''{}''',
    '''{{1,2,3}}'', ''{{3,2,1}}'', ''{{1,1,1}}'', ''{{1,1,1},{2,2,2}}''', '''{{1,2,3}}'', ''{{3,2,1}}'', ''{{1,1}}'', ''{{2,2}}''',
    'array_fill(0::real, ARRAY[65537, 3]), array_fill(0::real, ARRAY[65537, 3])', '''{{a,b,c}}'', ''{{3,2,1}}''']) a;
SELECT fails('SELECT easq_align(NULL, ''{{1}}'', ''{{2}}'')');
\t off
SELECT state() = :'before' AS unchanged;

-- a step whose result is not finite is refused, and leaves the model as it was
SELECT fails('SELECT easq_align(''m'', ''{{1e38,1e38,1e38}}'', ''{{-1e38,-1e38,-1e38}}'')');
SELECT state() = :'before' AS unchanged;
SELECT easq_configure('m', '{"learning_rate": 10, "max_grad_norm": 1e9, "lambda2": 1e6, "beta": 1e6, "alignment": "dpo"}') \g /dev/null
CREATE FUNCTION wild(steps int) RETURNS TABLE (taken int, refused int, "a refused step changed something" int) LANGUAGE plpgsql AS $$
DECLARE
    before text;
BEGIN
    SELECT 0, 0, 0 INTO taken, refused, "a refused step changed something";
    FOR i IN 1 .. steps LOOP
        before := state();
        BEGIN
            PERFORM easq_align('m', ARRAY[[i, 2, 3e6], [1, 1, 1]], ARRAY[[3e6, -2, i % 7], [0, 0, 0]]);
            taken := taken + 1;
        EXCEPTION WHEN numeric_value_out_of_range THEN
            refused := refused + 1;
            "a refused step changed something" := "a refused step changed something" + (before <> state())::int;
        END;
    END LOOP;
    RETURN NEXT;
END $$;
SELECT taken + refused AS steps, "a refused step changed something" FROM wild(60);
SELECT count(*) AS finite FROM generate_series(1, 9) i WHERE easq_score('m', ARRAY[i, 2, 3]) < 'Infinity' AND easq_satisfaction('m', ARRAY[i, 2, 3]) < 'Infinity';

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA regress CASCADE;
