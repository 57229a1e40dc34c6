-- Viewers, log and questionnaire in ordinary tables; train on the first 80 % by time, then one INSERT for each later answer.
SET client_min_messages = warning;
CREATE EXTENSION easq;

\ir ../data/kuairand.sql
CREATE TABLE questionnaire (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL, video_id int NOT NULL,
    shown_at timestamptz NOT NULL, duration_ms int, answer text);

SELECT percentile_disc(0.8) WITHIN GROUP (ORDER BY shown_at) AS split FROM features \gset

\o /dev/null
SELECT easq_create_model('feed', feed_features());
\o
\echo
\echo training on the first 80 % by time
SET client_min_messages = notice;
SELECT rows, groups, pairs, answers, round(loss_main::numeric, 3) AS loss_main,
       round(loss_satisfaction::numeric, 3) AS loss_satisfaction
FROM easq_train('feed', format('SELECT * FROM features WHERE shown_at < %L', :'split'),
                label => 'long_view', group_by => 'user_id', answer => 'answer');
SET client_min_messages = warning;

\o /dev/null
SELECT easq_learn('feed', 'questionnaire', features => $$
    SELECT n.answer, n.user_id, n.user_id AS viewer, ln(1 + nullif(n.duration_ms, 0)) AS duration, n.duration_ms = 0 AS no_duration,
           date_part('hour', n.shown_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
           v.user_active_degree AS activity, ln(1 + v.follow_user_num) AS follows, ln(1 + v.fans_user_num) AS fans,
           v.register_days_range AS registered, v.onehot_feat2 AS feat2, v.onehot_feat7 AS feat7
    FROM new_rows n JOIN viewer v USING (user_id) $$);
\o

\echo
\echo one INSERT for each later answer, in the order of time
CREATE TEMP TABLE start AS SELECT clock_timestamp() AS at, pg_current_wal_insert_lsn() AS lsn,
    (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = 'easq'::regnamespace AND c.relkind = 'r') AS bytes;
\o /dev/null
SELECT format('INSERT INTO questionnaire (user_id, video_id, shown_at, duration_ms, answer) VALUES (%s, %s, %L, %s, %L)',
              user_id, video_id, shown_at, duration_ms, answer)
FROM features
WHERE shown_at >= :'split' ORDER BY shown_at, user_id, video_id
\gexec
\o
SELECT round(extract(epoch FROM clock_timestamp() - at)::numeric, 1) AS seconds,
       (SELECT count(*) FROM questionnaire) AS answers_kept,
       pg_current_wal_insert_lsn() - lsn AS wal_bytes, bytes
FROM start \gset
SELECT sum(answers) FILTER (WHERE status IN ('applied', 'shortened')) AS answers_learned,
       count(*) FILTER (WHERE status IN ('applied', 'shortened')) AS steps,
       coalesce(sum(answers) FILTER (WHERE reason LIKE 'no remembered answer differs%'), 0) AS without_opposite
FROM easq.steps WHERE source = 'insert' \gset
SELECT (SELECT count(*) FROM features WHERE shown_at >= :'split') AS answers_given, :answers_kept AS kept, :answers_learned AS learned,
       round(100.0 * :answers_learned / (:answers_kept - :without_opposite), 2) AS "learned, % of those with an opposite",
       :seconds AS seconds, round(:steps / :seconds, 1) AS "steps a second",
       pg_size_pretty(:wal_bytes::bigint) AS wal, pg_size_pretty(:wal_bytes::bigint / :steps) AS "wal a step";
SELECT status, split_part(reason, ':', 1) AS reason, count(*) AS steps, sum(answers) AS answers, round(avg("rewards/accuracies")::numeric, 3) AS "rewards/accuracies",
       round(avg(loss_main)::numeric, 4) AS loss_main, round(avg(loss_satisfaction)::numeric, 4) AS loss_satisfaction
FROM easq.steps WHERE source = 'insert' GROUP BY 1, 2 ORDER BY 1, 2;
VACUUM (ANALYZE);
SELECT c.relname AS "table", pg_size_pretty(pg_total_relation_size(c.oid)) AS "size after VACUUM"
FROM pg_class c WHERE c.relnamespace = 'easq'::regnamespace AND c.relkind = 'r' AND pg_total_relation_size(c.oid) > 65536
ORDER BY pg_total_relation_size(c.oid) DESC;

-- A test that can fail: every answer kept, at least 95 % of those with an opposite learned.
SELECT :answers_kept = (SELECT count(*) FROM features WHERE shown_at >= :'split')
   AND :answers_learned >= 0.95 * (:answers_kept - :without_opposite) AS held \gset
\if :held
\echo held: every answer was kept, and at least 95 % of those with an opposite were learned
\else
\echo NOT HELD
DO $$ BEGIN RAISE EXCEPTION 'the KuaiRand run does not hold what it should'; END $$;
\endif
