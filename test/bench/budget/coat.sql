-- Behaviour: chosen or not.  Questionnaire: the ratings of chosen coats.  Third sample: 4 chosen coats a shopper and 60 others,
-- which no training and no answer had.  Satisfaction: the ratings of randomly drawn coats, which appear nowhere else.
\ir ../data/coat.sql

CREATE TABLE split (user_id int, item_id int, chosen bool, part text, rating int);
CREATE VIEW example AS
SELECT s.user_id, s.chosen, s.part, s.rating, s.item_id AS coat, s.user_id AS shopper, c.looks, p.person
FROM split s JOIN coat c USING (item_id) JOIN shopper p USING (user_id);
CREATE VIEW rated AS
SELECT d.user_id, CASE WHEN d.rating >= 4 THEN true WHEN d.rating <= 2 THEN false END AS satisfied,
       d.item_id AS coat, d.user_id AS shopper, c.looks, p.person
FROM drawn d JOIN coat c USING (item_id) JOIN shopper p USING (user_id);

CREATE PROCEDURE make_split(seed int) LANGUAGE sql AS $$
    TRUNCATE split;
    INSERT INTO split
    SELECT user_id, item_id, true,
           CASE WHEN row_number() OVER (PARTITION BY user_id ORDER BY luck('split', seed, user_id, item_id)) <= 4 THEN 'third' ELSE 'train' END, rating
    FROM chosen;
    INSERT INTO split
    SELECT user_id, item_id, false,
           CASE WHEN row_number() OVER (PARTITION BY user_id ORDER BY luck('split', seed, user_id, item_id)) <= 60 THEN 'third' ELSE 'train' END, NULL
    FROM shopper CROSS JOIN coat
    WHERE NOT EXISTS (SELECT FROM chosen c WHERE (c.user_id, c.item_id) = (shopper.user_id, coat.item_id))
      AND NOT EXISTS (SELECT FROM drawn d WHERE (d.user_id, d.item_id) = (shopper.user_id, coat.item_id));
$$;

CREATE PROCEDURE measure(seed int, lambda2 float8, budget float8, phase text) LANGUAGE sql AS $$
    INSERT INTO result
    SELECT seed, lambda2, budget, phase,
           metric('coats', 'SELECT * FROM example WHERE part = ''third''', 'chosen', 'user_id', 'gauc'),
           metric('coats', 'SELECT * FROM rated', 'satisfied', 'user_id', 'gauc'),
           metric('coats', 'SELECT * FROM rated', 'satisfied', 'user_id', 'satisfaction/gauc');
$$;

CREATE TABLE questionnaire (user_id int, item_id int, rating int);

CREATE PROCEDURE run(seed int, lambda2 float8, budget float8) LANGUAGE plpgsql AS $$
DECLARE
    answer record;
BEGIN
    CALL make_split(seed);
    PERFORM easq_create_model('coats', coat_features(),
        jsonb_build_object('seed', seed, 'lambda2', lambda2, 'behaviour_budget', budget));
    PERFORM easq_train('coats', 'SELECT * FROM example WHERE part = ''train''', 'chosen', 'user_id');
    CALL measure(seed, lambda2, budget, 'before');
    PERFORM easq_learn('coats', 'questionnaire', answer => 'rating', features => '
        SELECT n.rating, n.user_id, n.item_id AS coat, n.user_id AS shopper, c.looks, p.person
        FROM new_rows n JOIN coat c USING (item_id) JOIN shopper p USING (user_id)');
    COMMIT;
    FOR answer IN SELECT * FROM split WHERE part = 'train' AND chosen AND rating <> 3 ORDER BY luck('asked', seed, user_id, item_id), user_id, item_id LOOP
        INSERT INTO questionnaire VALUES (answer.user_id, answer.item_id, answer.rating);
        COMMIT;
    END LOOP;
    CALL measure(seed, lambda2, budget, 'after');
    CALL keep_trace('coats', seed, lambda2, budget);
    PERFORM easq_stop_learning('coats', 'questionnaire');
    PERFORM easq_drop_model('coats');
    DELETE FROM easq.step;
    TRUNCATE questionnaire;
    COMMIT;
END $$;

SELECT format('CALL run(%s, %s, %s)', seed, lambda2, budget)
FROM generate_series(1, :seeds) seed, unnest(ARRAY[0.5, 2]) lambda2, unnest(ARRAY[0.05, 1]) budget
\gexec
\ir report.sql
CALL check_budget();
INSERT INTO check_ (what, held)
SELECT format('lambda2 %s: the ranking gains %s of the %s without a budget', b.lambda2, round(b.gain::numeric, 4), round(f.gain::numeric, 4)),
       b.gain >= 0.5 * f.gain AND f.gain > 0
FROM summary b JOIN summary f USING (lambda2) WHERE b.budget < 1 AND f.budget = 1 ORDER BY b.lambda2;
\ir finish.sql
