-- The same query for suggestion and training; evaluated on ratings of randomly drawn coats, and on the last fifth of a log.
SET client_min_messages = warning;
\pset footer off
CREATE EXTENSION easq;
\set dir :data '/coat'
\ir ../data/coat.sql
\set dir :data '/kuairand'
\ir ../data/kuairand.sql
CREATE VIEW shown AS
SELECT user_id, item_id, user_id AS shopper, item_id AS coat, rating, rating IS NOT NULL AS picked, looks, person
FROM shopper CROSS JOIN coat LEFT JOIN chosen USING (user_id, item_id);
CREATE VIEW drawn_shown AS
SELECT user_id, item_id, user_id AS shopper, item_id AS coat, rating >= 4 AS good, looks, person
FROM drawn JOIN coat USING (item_id) JOIN shopper USING (user_id);
SELECT percentile_disc(0.8) WITHIN GROUP (ORDER BY shown_at) AS split FROM features \gset

CREATE TABLE job (data text, query text, label text, answer text, written jsonb, test text, test_label text);
INSERT INTO job VALUES
    ('coat', 'SELECT * FROM shown', 'picked', 'rating', coat_features(), 'SELECT * FROM drawn_shown', 'good'),
    ('kuairand', format('SELECT * FROM features WHERE shown_at < %L', :'split'), 'long_view', 'answer', feed_features(),
     format('SELECT * FROM features WHERE shown_at >= %L', :'split'), 'long_view');

SELECT data, s->>'name' AS name, s->>'kind' AS kind, s->>'size' AS size, s->>'dim' AS dim, s->>'why' AS why
FROM job, jsonb_array_elements(easq_suggest_features(query, label, 'user_id', answer)) s ORDER BY data;
SELECT easq_create_model(data || ' written', written), easq_create_model(data || ' suggested', easq_suggest_features(query, label, 'user_id', answer)) FROM job \g /dev/null
CREATE VIEW candidate AS SELECT job.*, kind, data || ' ' || kind AS model FROM job, unnest(ARRAY['written', 'suggested']) kind;
SELECT model, t.* FROM candidate, LATERAL (SELECT rows, groups, pairs, answers FROM easq_train(model, query, label, 'user_id', answer)) t ORDER BY model;
SELECT data, metric, round(max(value) FILTER (WHERE kind = 'written')::numeric, 3) AS written, round(max(value) FILTER (WHERE kind = 'suggested')::numeric, 3) AS suggested
FROM candidate, easq_evaluate(model, test, test_label, 'user_id')
WHERE metric IN ('gauc', 'satisfaction/gauc', 'ndcg@5') GROUP BY 1, 2 ORDER BY 1, 2;
