-- 2,000 viewers with 100 views each, 20,000 videos of 100 channels.  The columns that the model reads come first and
-- alone, so that a scan of the table is a scan of what is scored.
SET client_min_messages = warning;
CREATE EXTENSION easq;

CREATE FUNCTION luck(what text, a int, b int) RETURNS float8 IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashtextextended(what || a || '/' || b, 0) & 1048575) / 1048576.0 $$;

CREATE TABLE candidate AS
SELECT viewer, video, video % 100 AS channel, luck('length', video, 0) * 10 AS length, luck('age', viewer, video) AS age
FROM generate_series(1, 2000) viewer, generate_series(1, 100) place,
     LATERAL (SELECT 1 + (viewer * 131 + place * 17 + viewer * place) % 20000 AS video) v;

CREATE TABLE view AS
SELECT c.*, luck('click', viewer, video) < luck('loud', channel, 0) AS clicked,
       CASE WHEN luck('asked', viewer, video) < 0.02
            THEN CASE WHEN luck('good', channel, 0) > 0.5 THEN 'satisfied' ELSE 'dissatisfied' END END AS answer
FROM candidate c;

-- 400 requests: a viewer and 500 candidates each.
CREATE TABLE shortlist AS
SELECT request, request * 5 AS viewer, video, video % 100 AS channel, luck('length', video, 0) * 10 AS length,
       luck('age', request, video) AS age
FROM generate_series(1, 400) request, generate_series(1, 500) place,
     LATERAL (SELECT 1 + (request * 977 + place * 31) % 20000 AS video) v;
CREATE INDEX ON shortlist (request);

CREATE TABLE questionnaire (user_id int, viewer int, video int, channel int, length float8, age float8, answer text);
CREATE TABLE another_questionnaire (LIKE questionnaire);
VACUUM ANALYZE;

-- Encoding "index", so that no peer has to hash text in Python.  "bench" is what the peers compute, too; "whole" has
-- what a model has by default, factors and beliefs, beside the same pathways.
SELECT easq_create_model(name, '[
  {"name": "viewer",  "kind": "categorical", "size": 4000,  "dim": 16, "encoding": "index"},
  {"name": "video",   "kind": "categorical", "size": 30000, "dim": 16, "encoding": "index"},
  {"name": "channel", "kind": "categorical", "size": 128,   "dim": 8,  "encoding": "index"},
  {"name": "length",  "kind": "numeric"},
  {"name": "age",     "kind": "numeric"}]', options ||
  '{"hidden": 128, "expert_hidden": 64, "experts": 4, "satisfaction_experts": 2, "rank": 8, "alignment": "distil"}')
FROM (VALUES ('bench', '{"factors": 0, "beliefs": false}'::jsonb), ('whole', '{}')) m(name, options);
SELECT easq_train(name, 'SELECT * FROM view WHERE viewer <= 300', label => 'clicked', group_by => 'viewer',
                  answer => 'answer', options => '{"epochs": 1}') FROM (VALUES ('bench'), ('whole')) m(name);
