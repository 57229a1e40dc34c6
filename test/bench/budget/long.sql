-- 100,000 answers: does anything wear out?  Satisfaction follows the maker's quality, clicks follow its loudness, and the two are opposed.
-- Answers come 100 a statement (INSERT ... SELECT fires the same trigger as COPY), a step each: 1,000 steps, each of 400 answers new and old.
CREATE TABLE seen (u int, maker int, loud float8, clicked bool, good bool);
CREATE TABLE survey (user_id int, maker int, loud float8, answer bool);
CREATE TABLE mark (answers int, behaviour float8, ranking float8, pathway float8, judged float8, level float8, spread float8, norm float8, largest float8);

INSERT INTO seen
SELECT u, maker, loud, luck('click', 0, u, t) < 0.2 + 0.6 * loud, 0.7 * (1 - loud) + 0.3 * luck('quality', 0, maker, 0) > 0.5
FROM (SELECT u, t, t % 40 AS maker, luck('loud', 0, t % 40, 0) AS loud
      FROM generate_series(1, 6000) u, generate_series(1, 20) place, LATERAL (SELECT 1 + (7 * u + 13 * place) % 200 AS t) thing) s;

-- A float32 from its four bytes, little-endian.
CREATE FUNCTION float32(bytes bytea, i int) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN e = 255 THEN 'NaN'::float8 WHEN e = 0 THEN 0 ELSE CASE WHEN b3 > 127 THEN -1 ELSE 1 END * (1 + m / 8388608.0::float8) * 2.0::float8 ^ (e - 127) END
    FROM (SELECT b3, (b3 & 127) * 2 + (b2 >> 7) AS e, (b2 & 127) * 65536 + b1 * 256 + b0 AS m
          FROM (SELECT get_byte(bytes, 4 * i) AS b0, get_byte(bytes, 4 * i + 1) AS b1, get_byte(bytes, 4 * i + 2) AS b2, get_byte(bytes, 4 * i + 3) AS b3) b) e $$;
CREATE VIEW adapter_weight AS
SELECT t.name, float32(t.data, i) AS w
FROM easq.tensor t, generate_series(0, length(t.data) / 4 - 1) i WHERE t.name !~ '^(backbone|embedding)' AND t.checkpoint = 0 AND t.state = 'current' AND t.part = 'weight';

CREATE PROCEDURE measure(answers int) LANGUAGE sql AS $$
    INSERT INTO mark
    SELECT answers,
           metric('m', 'SELECT * FROM seen WHERE u > 5600', 'clicked', 'u', 'gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 5600', 'good', 'u', 'gauc'),
           metric('m', 'SELECT * FROM seen WHERE u > 5600', 'good', 'u', 'satisfaction/gauc'),
           (SELECT behaviour_cost FROM easq.models WHERE name = 'm'), level, spread, norm, largest
    FROM (SELECT avg(v) AS level, stddev_pop(v) AS spread
          FROM (SELECT ln(exp(easq_score('m', c)::float8) - 1) AS v FROM (SELECT maker, loud FROM seen WHERE u > 5900) c) s) logit,
         (SELECT sqrt(sum(w * w)) AS norm, max(abs(w)) AS largest FROM adapter_weight) weight
$$;

CREATE PROCEDURE run() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM easq_create_model('m', '[{"name": "maker", "kind": "categorical", "size": 100, "dim": 8}, {"name": "loud", "kind": "numeric"}]',
                              '{"hidden": 32, "expert_hidden": 16, "lambda2": 1}');
    PERFORM easq_train('m', 'SELECT * FROM seen WHERE u <= 1000', 'clicked', 'u', options => '{"epochs": 8}');
    CALL measure(0);
    PERFORM easq_learn('m', 'survey');
    COMMIT;
    FOR batch IN 1 .. 1000 LOOP
        -- 5 people a statement; one answer in ten says something else.
        INSERT INTO survey
        SELECT u, maker, loud, good = (luck('noise', 0, u, maker) > 0.1) FROM seen WHERE u > 600 + 5 * (batch - 1) AND u <= 600 + 5 * batch;
        COMMIT;
        IF batch % 100 = 0 THEN
            CALL measure(100 * batch);
            COMMIT;
        END IF;
    END LOOP;
END $$;
CREATE INDEX ON seen (u);
ANALYZE;
CALL run();

SELECT answers, round(behaviour::numeric, 4) AS "A", round(((a0 - behaviour) / (a0 - 0.5))::numeric, 4) AS "G", round(judged::numeric, 4) AS judged,
       round(ranking::numeric, 3) AS "satisfaction, ranking", round(pathway::numeric, 3) AS "satisfaction, pathway", round(level::numeric, 3) AS "mean logit",
       round(spread::numeric, 3) AS "spread of logits", round(norm::numeric, 2) AS "norm of the adapter", round(largest::numeric, 2) AS "largest weight"
FROM mark, (SELECT behaviour AS a0 FROM mark WHERE answers = 0) trained ORDER BY answers;
SELECT status, split_part(reason, ':', 1) AS reason, count(*) AS steps, sum(answers) AS answers, round(avg(alignment_strength)::numeric, 2) AS strength
FROM easq.steps GROUP BY 1, 2 ORDER BY 1, 2;

INSERT INTO check_ (what, held)
SELECT 'every answer was learned, no gate died: ' || coalesce(sum(answers) FILTER (WHERE status IN ('applied', 'shortened')), 0) || ' answers', sum(answers) FILTER (WHERE status IN ('applied', 'shortened')) >= 99900
       AND count(*) FILTER (WHERE reason ~ 'gate|dying|finite') = 0 FROM easq.steps;
INSERT INTO check_ (what, held)
SELECT format('G at every 10,000 answers, at most %s', round(max((a0 - behaviour) / (a0 - 0.5))::numeric, 4)), max((a0 - behaviour) / (a0 - 0.5)) <= 0.05
FROM mark, (SELECT behaviour AS a0 FROM mark WHERE answers = 0) trained WHERE answers > 0;
INSERT INTO check_ (what, held)
SELECT format('satisfaction is ordered as well at the end as at 20,000: pathway %s and %s', round(e.pathway::numeric, 3), round(s.pathway::numeric, 3)), e.pathway >= s.pathway - 0.02
FROM mark s, mark e WHERE s.answers = 20000 AND e.answers = 100000;
INSERT INTO check_ (what, held)
SELECT format('from the first half to the second the mean logit moves %s of the spread after training, the spread goes from %s of it to %s, never under %s',
              round(level::numeric, 2), round(first::numeric, 2), round(second::numeric, 2), round(least::numeric, 2)),
       level < 0.5 AND second BETWEEN first / 2 AND first * 2 AND least > 0.1
FROM (SELECT abs(avg(m.level) FILTER (WHERE m.answers > 50000) - avg(m.level) FILTER (WHERE m.answers <= 50000)) / max(t.spread) AS level,
             avg(m.spread / t.spread) FILTER (WHERE m.answers <= 50000) AS first, avg(m.spread / t.spread) FILTER (WHERE m.answers > 50000) AS second,
             min(m.spread / t.spread) AS least
      FROM mark m, mark t WHERE t.answers = 0 AND m.answers > 0) drift;
INSERT INTO check_ (what, held)
SELECT format('norm of the adapter: %s after training, %s at 50,000, %s at 100,000', round(t.norm::numeric, 1), round(h.norm::numeric, 1), round(e.norm::numeric, 1)),
       e.norm < 3 * t.norm AND e.norm - h.norm < h.norm - t.norm
FROM mark t, mark h, mark e WHERE t.answers = 0 AND h.answers = 50000 AND e.answers = 100000;
\ir finish.sql
