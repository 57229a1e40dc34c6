\set ECHO none
\i test/tools.sql
SET client_min_messages = warning;
\set ECHO all

-- What training holds back, the epoch that it chooses by that, and what it is put beside.
-- Some items are liked by most, and each person by chance: what can be learned is soon learned, the rest only by heart.
CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;
CREATE TABLE seen AS
SELECT u, i AS item, i % 5 AS shelf, luck('noise', u, i) AS noise, luck('like', u, i) < luck('item', i, 0) AS liked
FROM generate_series(1, 700) u, generate_series(1, 20) i;
CREATE VIEW rows_ AS SELECT u, 'u' || u AS viewer, item, shelf, noise, liked FROM seen;
\set features '''[{"name": "viewer", "kind": "categorical", "size": 2000, "dim": 8}, {"name": "shelf", "kind": "categorical", "size": 100, "dim": 2}, {"name": "item", "kind": "categorical", "size": 200, "dim": 4}, {"name": "noise", "kind": "numeric"}]'''
\set options '''{"seed": 2, "hidden": 16, "expert_hidden": 8}'''

-- rows of trained groups, as many of either label, and some whole groups: in no pair that anything learned from
SELECT easq_create_model(name, :features, :options) FROM unnest(ARRAY['stopped', 'again', 'fixed']) AS name \g /dev/null
SELECT rows FROM easq_train('stopped', 'SELECT * FROM rows_', 'liked', 'u', options => '{"held_share": 0.1, "learning_rate": 0.01, "patience": 2}');
SELECT sample, group_trained, count(*) > 500 AS pairs, count(DISTINCT group_number) >= 8 AS groups FROM easq.held WHERE model = 'stopped' GROUP BY 1, 2 ORDER BY 1, 2;
CREATE TABLE held_row AS SELECT DISTINCT group_trained, sample, row FROM easq.held, unnest(ARRAY[chosen, rejected]) AS row WHERE model = 'stopped';
SELECT count(*) AS "rehearsed, too" FROM held_row WHERE row IN (SELECT unnest(ARRAY[chosen, rejected]) FROM easq.behaviour WHERE model = 'stopped');
SELECT count(*) AS "held twice" FROM (SELECT FROM held_row GROUP BY row HAVING count(*) > 1) twice;
SELECT count(*) FILTER (WHERE group_trained) BETWEEN 0.05 * 14000 AND 0.2 * 14000 AS share FROM held_row;

-- early stopping ends after as many epochs without a better one, with the best: weights and optimiser are those of a training of so many
SELECT epochs < epochs_run AS earlier, epochs_run < 40 AS stopped, accuracy > 0.6 AS learned FROM easq.trainings WHERE model = 'stopped';
SELECT epochs AS best FROM easq.trainings WHERE model = 'stopped' \gset
SELECT epochs = :best AS "as often" FROM easq_train('again', 'SELECT * FROM rows_ ORDER BY noise', 'liked', 'u', options => '{"held_share": 0.1, "learning_rate": 0.01, "patience": 2}');
SELECT epochs = :best AS fixed FROM easq_train('fixed', 'SELECT * FROM rows_', 'liked', 'u', options => jsonb_build_object('held_share', 0.1, 'learning_rate', 0.01, 'early_stopping', false, 'epochs', :best));
SELECT count(DISTINCT data(easq_export(name))) AS weights FROM easq.models;
SELECT count(DISTINCT digest) AS optimisers FROM (SELECT md5(string_agg(md5(data), '' ORDER BY name, chunk)) AS digest FROM easq.tensor WHERE state = 'current' AND part = 'moments' GROUP BY model) o;
SELECT count(DISTINCT digest) AS rehearsed FROM (SELECT md5(string_agg(md5(chosen || rejected), '' ORDER BY slot)) AS digest FROM easq.behaviour GROUP BY model) o;
SELECT model, epochs_run - epochs AS more FROM easq.trainings WHERE model = 'fixed';

-- beside popularity and the best other feature; the item is the category that tells most
SELECT popularity_feature, popularity_accuracy > 0.6 AS popular, single_feature, single_feature_accuracy BETWEEN 0.5 AND popularity_accuracy AS less FROM easq.trainings WHERE model = 'stopped';
-- a model that has hardly learned is below what it could have counted
SELECT easq_create_model('lazy', '[{"name": "item", "kind": "categorical", "size": 200, "dim": 4}]', '{"seed": 1}') \g /dev/null
SELECT rows FROM easq_train('lazy', 'SELECT * FROM rows_', 'liked', 'u', options => '{"held_share": 0.1, "epochs": 1, "learning_rate": 1e-9, "factor_rate": 1e-9}') \g /dev/null
SELECT accuracy < popularity_accuracy AS below, single_feature, single_feature_accuracy FROM easq.trainings WHERE model = 'lazy';

-- numbers count up or down; who asks orders nothing
SELECT easq_create_model('number', '[{"name": "viewer", "kind": "categorical", "size": 2000, "dim": 2}, {"name": "cost", "kind": "numeric"}]', :options) \g /dev/null
SELECT rows FROM easq_train('number', 'SELECT u, viewer, -luck(''item'', item, 0) AS cost, liked FROM rows_', 'liked', 'u', options => '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT popularity_feature, popularity_accuracy, single_feature, single_feature_accuracy > 0.6 AS orders FROM easq.trainings WHERE model = 'number';

-- groups of few rows are held whole, as before; few groups with many rows have a budget, too
SELECT easq_create_model(name, :features, :options) FROM unnest(ARRAY['short', 'few', 'free']) AS name \g /dev/null
SELECT rows FROM easq_train('short', 'SELECT u * 10 + item / 2 AS session, viewer, item, shelf, noise, liked FROM rows_', 'liked', 'session', options => '{"held_share": 0.1, "epochs": 1}') \g /dev/null
SELECT sample, group_trained, count(DISTINCT group_number) > 200 AS groups FROM easq.held WHERE model = 'short' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT rows FROM easq_train('few', 'SELECT * FROM rows_ WHERE u <= 60', 'liked', 'u', options => '{"held_share": 0.1, "learning_rate": 0.01}') \g /dev/null
SELECT sample, group_trained, count(DISTINCT group_number) AS groups FROM easq.held WHERE model = 'few' GROUP BY 1, 2 ORDER BY 1, 2;
-- without a budget held pairs choose the epoch and are gone
SELECT easq_configure('free', '{"behaviour_budget": 1}') \g /dev/null
SELECT rows FROM easq_train('free', 'SELECT * FROM rows_', 'liked', 'u', options => '{"held_share": 0.1, "patience": 1}') \g /dev/null
SELECT epochs < epochs_run AS stopped, (SELECT count(*) FROM easq.held WHERE model = 'free') AS held FROM easq.trainings WHERE model = 'free';
-- nothing to choose by: as many epochs as ever
SELECT epochs, pairs > 10000 AS "all rows" FROM easq_train('free', 'SELECT * FROM rows_', 'liked', 'u', options => '{"held_share": 0}');
SELECT accuracy, popularity_feature, popularity_accuracy FROM easq.trainings WHERE model = 'free' ORDER BY id DESC LIMIT 1;
SELECT fails($$SELECT easq_train('free', 'SELECT * FROM rows_', 'liked', 'u', options => '{"patience": 0}')$$);

SELECT easq_drop_model(name) FROM easq.models \g /dev/null
DROP SCHEMA regress CASCADE;
