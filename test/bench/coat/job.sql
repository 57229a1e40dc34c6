-- Behaviour: chosen or not.  Questionnaire: the ratings of chosen coats.  Test: the ratings of randomly drawn coats.
SET client_min_messages = warning;
CREATE EXTENSION easq;

\ir ../data/coat.sql

-- A reproducible order: the same seed, the same split.
CREATE FUNCTION place(seed int, user_id int, item_id int) RETURNS bigint IMMUTABLE LANGUAGE sql AS
$$ SELECT hashtextextended(user_id || ':' || item_id, seed) $$;

CREATE TABLE step AS SELECT status, split_part(reason, ':', 1) AS reason, answers, "rewards/accuracies" FROM easq.steps;
CREATE TABLE result (seed int, phase text, metric text, value float8);
CREATE TABLE split (user_id int, item_id int, chosen bool, part text, rating int);
CREATE VIEW example AS
SELECT s.user_id, s.chosen, s.part, s.rating, s.item_id AS coat, s.user_id AS shopper, c.looks, p.person
FROM split s JOIN coat c USING (item_id) JOIN shopper p USING (user_id);

-- 4 chosen coats a shopper are held out with their answers, and so are unchosen coats for them; the test's coats appear nowhere.
CREATE PROCEDURE make_split(seed int) LANGUAGE sql AS $$
    TRUNCATE split;
    INSERT INTO split
    SELECT user_id, item_id, true,
           CASE WHEN row_number() OVER (PARTITION BY user_id ORDER BY place(seed, user_id, item_id)) <= 4 THEN 'held out' ELSE 'train' END, rating
    FROM chosen;
    INSERT INTO split
    SELECT user_id, item_id, false,
           CASE WHEN row_number() OVER (PARTITION BY user_id ORDER BY place(seed, user_id, item_id)) <= 60 THEN 'held out' ELSE 'train' END, NULL
    FROM shopper CROSS JOIN coat
    WHERE NOT EXISTS (SELECT FROM chosen c WHERE (c.user_id, c.item_id) = (shopper.user_id, coat.item_id))
      AND NOT EXISTS (SELECT FROM drawn d WHERE (d.user_id, d.item_id) = (shopper.user_id, coat.item_id));
$$;

CREATE PROCEDURE measure(seed int, phase text) LANGUAGE sql AS $$
    INSERT INTO result
    SELECT seed, phase, 'satisfaction ' || metric, value FROM easq_evaluate('coats',
        'SELECT d.user_id, CASE WHEN d.rating >= 4 THEN true WHEN d.rating <= 2 THEN false END AS satisfied,
                d.item_id AS coat, d.user_id AS shopper, c.looks, p.person
         FROM drawn d JOIN coat c USING (item_id) JOIN shopper p USING (user_id)', 'satisfied', 'user_id')
    WHERE metric IN ('gauc', 'satisfaction/gauc', 'ndcg@5');
    INSERT INTO result
    SELECT seed, phase, 'behaviour ' || metric, value FROM easq_evaluate('coats',
        'SELECT * FROM example WHERE part = ''held out''', 'chosen', 'user_id')
    WHERE metric IN ('gauc', 'auc');
$$;

CREATE TABLE questionnaire (user_id int, item_id int, rating int);

CREATE PROCEDURE run(seed int, options jsonb, train jsonb) LANGUAGE plpgsql AS $$
DECLARE answer record;
BEGIN
    CALL make_split(seed);
    PERFORM easq_create_model('coats', coat_features(), options || jsonb_build_object('seed', seed));
    PERFORM easq_train('coats', 'SELECT * FROM example WHERE part = ''train''', 'chosen', 'user_id', options => train);
    CALL measure(seed, 'before');
    PERFORM easq_learn('coats', 'questionnaire', answer => 'rating', features => '
        SELECT n.rating, n.user_id, n.item_id AS coat, n.user_id AS shopper, c.looks, p.person
        FROM new_rows n JOIN coat c USING (item_id) JOIN shopper p USING (user_id)');
    FOR answer IN SELECT user_id, item_id, nullif(rating, 3) AS rating FROM split
                  WHERE part = 'train' AND chosen ORDER BY place(seed + 1000, user_id, item_id)
    LOOP
        INSERT INTO questionnaire VALUES (answer.user_id, answer.item_id, answer.rating);
        COMMIT;
    END LOOP;
    CALL measure(seed, 'after');
    INSERT INTO step SELECT status, split_part(reason, ':', 1) AS reason, answers, "rewards/accuracies" FROM easq.steps;
    PERFORM easq_stop_learning('coats', 'questionnaire');
    PERFORM easq_drop_model('coats');
    TRUNCATE questionnaire;
END $$;

SELECT format('CALL run(%s, %L, %L)', seed, :'options', :'train') FROM generate_series(1, :seeds) seed
\gexec
SELECT metric, round(avg(value) FILTER (WHERE phase = 'before')::numeric, 3) AS before,
       round(avg(value) FILTER (WHERE phase = 'after')::numeric, 3) AS after,
       round((avg(value) FILTER (WHERE phase = 'after') - avg(value) FILTER (WHERE phase = 'before'))::numeric, 3) AS change
FROM result GROUP BY metric ORDER BY metric DESC;
SELECT status, reason, count(*) AS steps, sum(answers) AS answers, round(avg("rewards/accuracies")::numeric, 3) AS "rewards/accuracies"
FROM step GROUP BY status, reason ORDER BY status, reason;
SELECT avg(value) FILTER (WHERE phase = 'after') - avg(value) FILTER (WHERE phase = 'before') >= 0.03 AS held
FROM result WHERE metric = 'satisfaction gauc' \gset
\if :held
\echo held: satisfaction GAUC rose by 0.03 or more
\else
\echo NOT HELD
DO $$ BEGIN RAISE EXCEPTION 'satisfaction GAUC rose by less than 0.03'; END $$;
\endif
