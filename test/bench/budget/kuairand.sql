-- Real behaviour and answers in the order of time.  Behaviour: long_view (watched long, which happens after the ranking).
-- Each seed leaves a third of the viewers out of everything, training and answers; their rows of all days are the third sample.
-- Four answers a statement.  Without a budget for the first two seeds only.
-- No video_id among the features, and no claim about satisfaction: likes were kept on popular videos only (see the data's README).
\ir ../data/kuairand.sql

CREATE TABLE example AS
SELECT user_id, video_id, shown_at, long_view, answer, answer = 'satisfied' AS satisfied, viewer, duration, no_duration, hour, activity, follows, fans,
       registered, feat2, feat7, 0.0::float8 AS part
FROM features;
CREATE TABLE questionnaire (LIKE example);

-- Viewers with part below 1 / 3 are the third sample.
CREATE PROCEDURE make_split(seed int) LANGUAGE sql AS $$ UPDATE example SET part = luck('viewer', seed, user_id, 0) $$;

CREATE PROCEDURE measure(seed int, lambda2 float8, budget float8, phase text) LANGUAGE sql AS $$
    INSERT INTO result
    SELECT seed, lambda2, budget, phase,
           metric('feed', 'SELECT * FROM example WHERE part < 1.0 / 3', 'long_view', 'user_id', 'gauc'),
           metric('feed', 'SELECT * FROM example WHERE part < 1.0 / 3', 'satisfied', 'user_id', 'gauc'),
           metric('feed', 'SELECT * FROM example WHERE part < 1.0 / 3', 'satisfied', 'user_id', 'satisfaction/gauc');
$$;

CREATE PROCEDURE run(seed int, lambda2 float8, budget float8, split timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM easq_create_model('feed', feed_features(), jsonb_build_object('seed', seed, 'lambda2', lambda2, 'behaviour_budget', budget));
    PERFORM easq_train('feed', format('SELECT * FROM example WHERE part >= 1.0 / 3 AND shown_at < %L', split), 'long_view', 'user_id');
    CALL measure(seed, lambda2, budget, 'before');
    PERFORM easq_learn('feed', 'questionnaire');
    COMMIT;
    CREATE TEMP TABLE asked AS
    SELECT e.*, (row_number() OVER (ORDER BY shown_at, user_id, video_id) - 1) / 4 AS statement FROM example e WHERE part >= 1.0 / 3 AND shown_at >= split;
    CREATE INDEX ON asked (statement);
    FOR i IN 0 .. (SELECT max(statement) FROM asked) LOOP
        INSERT INTO questionnaire
        SELECT user_id, video_id, shown_at, long_view, answer, satisfied, viewer, duration, no_duration, hour, activity, follows, fans, registered, feat2, feat7, part
        FROM asked WHERE statement = i;
        COMMIT;
    END LOOP;
    DROP TABLE asked;
    CALL measure(seed, lambda2, budget, 'after');
    CALL keep_trace('feed', seed, lambda2, budget);
    PERFORM easq_stop_learning('feed', 'questionnaire');
    PERFORM easq_drop_model('feed');
    DELETE FROM easq.step;
    TRUNCATE questionnaire;
    COMMIT;
END $$;

SELECT percentile_disc(0.8) WITHIN GROUP (ORDER BY shown_at) AS split FROM example \gset
SELECT format('CALL make_split(%s)', seed), format('CALL run(%s, 0.5, 0.05, %L)', seed, :'split'),
       CASE WHEN seed <= 2 THEN format('CALL run(%s, 0.5, 1, %L)', seed, :'split') END
FROM generate_series(1, :seeds) seed
\gexec
\ir report.sql
CALL check_budget();
\ir finish.sql
