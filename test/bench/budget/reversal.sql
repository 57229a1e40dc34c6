-- A taste that reverses half-way: 1,500 answers are happy with makers of quality, all that follow with the others.
-- How far back is the order of satisfaction, on people who were never trained on or asked, after 500 answers of the new taste?
-- Recovered: the new taste is ordered as well (9/10) as the first 500 answers had the old one.  The old taste had 1,500 answers in all, one in ten of them
-- wrong, and the order these taught is more than 500 can teach; how much of it is back stands beside it.
CREATE TABLE seen (u int, maker int, loud float8, clicked bool, good bool, bad bool);
CREATE TABLE survey (user_id int, maker int, loud float8, asked_at timestamptz, answer bool);
CREATE TABLE curve (seed int, options jsonb, answers int, old_pathway float8, pathway float8, ranking float8, behaviour float8);

CREATE PROCEDURE make_world(seed int) LANGUAGE sql AS $$
    TRUNCATE seen;
    TRUNCATE survey;
    INSERT INTO seen
    SELECT u, maker, loud, luck('click', seed, u, t) < 0.2 + 0.6 * loud, luck('quality', seed, maker, 0) > 0.5, luck('quality', seed, maker, 0) <= 0.5
    FROM (SELECT u, t, t % 40 AS maker, luck('loud', seed, t % 40, 0) AS loud
          FROM generate_series(1, 1200) u, generate_series(1, 20) place, LATERAL (SELECT 1 + (7 * u + 13 * place) % 200 AS t) thing) s;
$$;

-- answers: since the reversal; the old taste is judged at 0 only.
CREATE PROCEDURE measure(seed int, options jsonb, answers int) LANGUAGE sql AS $$
    INSERT INTO curve
    SELECT seed, options, answers,
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'good', 'u', 'satisfaction/gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'bad', 'u', 'satisfaction/gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'bad', 'u', 'gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 800', 'clicked', 'u', 'gauc');
$$;

CREATE PROCEDURE run(seed int, options jsonb) LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    CALL make_world(seed);
    PERFORM easq_create_model('m', '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 8}, {"name": "loud", "kind": "numeric"}]',
                              jsonb_build_object('hidden', 32, 'expert_hidden', 16, 'seed', seed) || options);
    PERFORM easq_train('m', 'SELECT * FROM seen WHERE u <= 800', 'clicked', 'u', options => '{"epochs": 8}');
    CALL measure(seed, options, -1500);
    PERFORM easq_learn('m', 'survey', options => '{"asked_at": "asked_at"}');
    COMMIT;
    FOR s IN SELECT *, row_number() OVER (ORDER BY luck('asked', seed, u, maker), u, maker) AS i FROM seen WHERE u <= 800 LIMIT 2000 LOOP
        -- One answer in ten says something else.  One answer a minute.
        INSERT INTO survey VALUES (s.u, s.maker, s.loud, timestamptz '2026-01-01' + s.i * interval '1 minute',
                                   (s.good = (s.i <= 1500)) = (luck('noise', seed, s.u, s.maker) > 0.1));
        COMMIT;
        IF s.i IN (500, 1500, 1600, 1750, 2000) THEN
            CALL measure(seed, options, s.i::int - 1500);
        END IF;
    END LOOP;
    PERFORM easq_drop_model('m');
    DELETE FROM easq.step;
    COMMIT;
END $$;

SELECT format('CALL run(%s, %L)', seed, options)
FROM unnest(coalesce(nullif(:'variants', '')::jsonb[], ARRAY['{}']::jsonb[])) options, generate_series(1, :seeds) seed
\gexec
SELECT options, answers AS "answers since", round(avg(old_pathway)::numeric, 3) AS "pathway, old taste", round(avg(pathway)::numeric, 3) AS "pathway, new taste",
       round(min(pathway)::numeric, 3) AS "worst seed", round(avg(ranking)::numeric, 3) AS "ranking, new taste", round(avg(behaviour)::numeric, 3) AS behaviour
FROM curve GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO check_ (what, held)
SELECT format('options %s: after 500 answers of the new taste %s of the order that the first 500 of the old one had taught (%s of that of all 1,500)',
              options, round((new / first)::numeric, 3), round((new / old)::numeric, 3)), new >= 0.9 * first
FROM (SELECT options, avg(pathway) FILTER (WHERE answers = 500) - 0.5 AS new, avg(old_pathway) FILTER (WHERE answers = -1000) - 0.5 AS first,
             avg(old_pathway) FILTER (WHERE answers = 0) - 0.5 AS old
      FROM curve GROUP BY options) c ORDER BY options;
\ir finish.sql
