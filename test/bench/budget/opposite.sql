-- Satisfaction is the exact opposite of clicks: whatever follows the answers is lost to behaviour.
-- 1,200 people in groups of their own: 800 train and answer, 400 are the third sample.
CREATE TABLE seen (u int, maker int, loud float8, clicked bool, answer bool);
CREATE TABLE survey (user_id int, maker int, loud float8, answer bool);

CREATE PROCEDURE make_world(seed int) LANGUAGE sql AS $$
    TRUNCATE seen;
    TRUNCATE survey;
    INSERT INTO seen
    SELECT u, maker, loud, clicked, NOT clicked
    FROM (SELECT u, t % 40 AS maker, luck('loud', seed, t % 40, 0) AS loud,
                 luck('click', seed, u, t) < 0.2 + 0.6 * luck('loud', seed, t % 40, 0) AS clicked
          FROM generate_series(1, 1200) u, generate_series(1, 20) place, LATERAL (SELECT 1 + (7 * u + 13 * place) % 200 AS t) thing) s;
$$;

CREATE PROCEDURE measure(seed int, lambda2 float8, budget float8, phase text) LANGUAGE sql AS $$
    INSERT INTO result
    SELECT seed, lambda2, budget, phase,
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'clicked', 'u', 'gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'answer', 'u', 'gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'answer', 'u', 'satisfaction/gauc');
$$;

CREATE PROCEDURE run(seed int, lambda2 float8, budget float8) LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    CALL make_world(seed);
    PERFORM easq_create_model('m', '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 4}, {"name": "loud", "kind": "numeric"}]',
                              jsonb_build_object('hidden', 16, 'expert_hidden', 8, 'lambda2', lambda2, 'behaviour_budget', budget, 'seed', seed));
    PERFORM easq_train('m', 'SELECT * FROM seen WHERE u <= 800', 'clicked', 'u', options => '{"epochs": 8}');
    CALL measure(seed, lambda2, budget, 'before');
    PERFORM easq_learn('m', 'survey');
    COMMIT;
    FOR s IN SELECT * FROM seen WHERE u <= 800 ORDER BY luck('asked', seed, u, maker), u, maker LIMIT 1500 LOOP
        INSERT INTO survey VALUES (s.u, s.maker, s.loud, s.answer);
        COMMIT;
    END LOOP;
    CALL measure(seed, lambda2, budget, 'after');
    CALL keep_trace('m', seed, lambda2, budget);
    PERFORM easq_drop_model('m');
    DELETE FROM easq.step;
    COMMIT;
END $$;

SELECT format('CALL run(%s, 0.5, 0.05)', seed), format('CALL run(%s, 3, 0.05)', seed), format('CALL run(%s, 3, 1)', seed)
FROM generate_series(1, :seeds) seed
\gexec
\ir report.sql
CALL check_budget();
-- It is the budget that holds it: without one a large lambda2 loses behaviour.  The pathway learns all the same.
INSERT INTO check_ (what, held)
SELECT format('lambda2 %s, no budget: behaviour is lost, G %s', lambda2, round(g::numeric, 3)), g > 0.5 FROM summary WHERE budget = 1 AND lambda2 = 3;
INSERT INTO check_ (what, held)
SELECT format('lambda2 %s: the satisfaction pathway gains %s of the %s without a budget', b.lambda2, round(b.learned::numeric, 3), round(f.learned::numeric, 3)),
       b.learned >= 0.9 * f.learned
FROM summary b, summary f WHERE b.budget < 1 AND f.budget = 1 ORDER BY b.lambda2;
\ir finish.sql
