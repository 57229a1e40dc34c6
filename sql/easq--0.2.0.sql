-- easq 0.2.0.  Functions go to the schema that CREATE EXTENSION chooses, tables and views to easq.
-- Everything is created plainly, so that nothing that was there before is adopted.
\echo Use "CREATE EXTENSION easq" to load this file. \quit

CREATE SCHEMA easq;
COMMENT ON SCHEMA easq IS 'models, remembered answers and learning steps of the easq extension';
GRANT USAGE ON SCHEMA easq TO PUBLIC;

---------------------------------------------------------------------- roles
-- Owners and authors.  A dump carries names; one that restores without a role loses what was that role's and nothing else.
CREATE TYPE easq.role;
CREATE FUNCTION @extschema@.easq_role_in(cstring) RETURNS easq.role LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_role_in(cstring) IS 'input function of the type easq.role';
CREATE FUNCTION @extschema@.easq_role_out(easq.role) RETURNS cstring LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_role_out(easq.role) IS 'output function of the type easq.role';
CREATE FUNCTION @extschema@.easq_role_recv(internal) RETURNS easq.role LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_role_recv(internal) IS 'binary input function of the type easq.role';
CREATE FUNCTION @extschema@.easq_role_send(easq.role) RETURNS bytea LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_role_send(easq.role) IS 'binary output function of the type easq.role';
CREATE TYPE easq.role (
    INPUT = @extschema@.easq_role_in, OUTPUT = @extschema@.easq_role_out,
    RECEIVE = @extschema@.easq_role_recv, SEND = @extschema@.easq_role_send, LIKE = pg_catalog.oid);
COMMENT ON TYPE easq.role IS 'a role, stored as its OID and always written as its name, in binary too; public is everybody, - nobody. A name that no role has is read as nobody, with a warning';
-- The first is implicit: comparing, sorting and pg_has_role are oid's.
CREATE CAST (easq.role AS pg_catalog.oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (easq.role AS pg_catalog.regrole) WITHOUT FUNCTION;
CREATE CAST (pg_catalog.oid AS easq.role) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (pg_catalog.regrole AS easq.role) WITHOUT FUNCTION AS ASSIGNMENT;

-------------------------------------------------------------------- storage
-- The C code reads and writes these tables directly; src/store/columns.h names their columns once more, and a backend
-- that opens a table compares the two.
-- Two tiers: the backbone (easq.model.backbone_id) changes by training, the adapter
-- (easq.adapter.id) with each learning step.  Every tensor row carries the id of its tier's last write.
-- What belongs to a model names it in a column "model" (easq_drop_model finds it by that), and what belongs to one of
-- its adapters names that in a column "adapter": '' is the model's own.

CREATE TABLE easq.model (
    name             text COLLATE "C" NOT NULL PRIMARY KEY,
    format           int NOT NULL,
    owner            easq.role NOT NULL,
    features         jsonb NOT NULL,
    inputs           int NOT NULL,
    options          jsonb NOT NULL,
    backbone_id      uuid NOT NULL,
    backbone_version bigint NOT NULL,
    backbone_step    bigint NOT NULL,
    mean             float8[] NOT NULL,
    deviation        float8[] NOT NULL,
    prior            float8[] NOT NULL,
    varies           float8[] NOT NULL,
    created_at       timestamptz NOT NULL,
    trained_at       timestamptz,
    may_score        easq.role[] NOT NULL DEFAULT '{}',
    may_teach        easq.role[] NOT NULL DEFAULT '{}',
    may_export       easq.role[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE easq.model IS 'one row for each model: its definition and the state of its backbone. SELECT on this table is the right to score with every model';
COMMENT ON COLUMN easq.model.owner IS 'nobody (-) where the role is gone: then superusers alone, until easq_configure names another owner';
COMMENT ON COLUMN easq.model.may_score IS 'whom easq_grant gave the right score, and so on';
COMMENT ON COLUMN easq.model.prior IS 'variance of beliefs about the values of each feature before any answer, as the first training found it; 0: none yet';
COMMENT ON COLUMN easq.model.varies IS 'share of the groups of several rows of the first training in which each feature varies; 1 before';
COMMENT ON COLUMN easq.model.inputs IS 'numbers of an encoded input';

-- The keys of what every step rewrites end in a version, so that a scan from the newest on meets the visible row
-- first, however many dead ones a long transaction keeps.  One row of each is alive.
CREATE TABLE easq.adapter (
    model       text COLLATE "C" NOT NULL,
    checkpoint  int NOT NULL,
    adapter     text COLLATE "C" NOT NULL,
    state       text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    id          uuid NOT NULL,
    backbone_id uuid NOT NULL,
    step        bigint NOT NULL,
    answers     bigint NOT NULL,
    uncertain   bigint NOT NULL,
    asked_at    timestamptz,
    updated_at  timestamptz NOT NULL,
    carried_cost       float8 NOT NULL,
    behaviour_cost     float8 NOT NULL,
    drift              float8 NOT NULL,
    drift_share        float8 NOT NULL,
    spread_share       float8 NOT NULL,
    judged_step        bigint NOT NULL,
    audited_step       bigint NOT NULL,
    pace               float8 NOT NULL,
    main_activity      float8 NOT NULL,
    main_spread        float8 NOT NULL,
    satisfaction_activity float8 NOT NULL,
    satisfaction_spread   float8 NOT NULL,
    calibration_slope  float8 NOT NULL,
    calibration_offset float8 NOT NULL,
    calibration_slope_slope   float8 NOT NULL,
    calibration_slope_offset  float8 NOT NULL,
    calibration_offset_offset float8 NOT NULL,
    beliefs       uuid NOT NULL,
    main_mean     float8 NOT NULL,
    main_deviation float8 NOT NULL,
    pathway_scale float8 NOT NULL,
    surprise      float8 NOT NULL,
    usual_surprise float8 NOT NULL,
    sharpness     float8 NOT NULL,
    sharpness_curvature float8 NOT NULL,
    answer_weight float8 NOT NULL,
    knob          float8 NOT NULL,
    knob_answers  float8 NOT NULL,
    ranking_cost  float8 NOT NULL,
    PRIMARY KEY (model, checkpoint, adapter, state, version)
);
COMMENT ON TABLE easq.adapter IS 'what learns from answers (LoRA and both pathways), a row for each state of it. Every step locks the current one';
COMMENT ON COLUMN easq.adapter.checkpoint IS '0: of the model as it is; else the number of the checkpoint that keeps it';
COMMENT ON COLUMN easq.adapter.adapter IS 'name of the adapter; empty: the model''s own';
COMMENT ON COLUMN easq.adapter.state IS 'current, trained (as training left it) or audited (at the last audit that it passed)';
COMMENT ON COLUMN easq.adapter.step IS 'Adam steps that the adapter has taken';
COMMENT ON COLUMN easq.adapter.answers IS 'answers remembered so far, those forgotten since included';
COMMENT ON COLUMN easq.adapter.uncertain IS 'answers so far that were uncertain';
COMMENT ON COLUMN easq.adapter.asked_at IS 'the latest time of an answer so far, where answers have one';
COMMENT ON COLUMN easq.adapter.carried_cost IS 'behaviour cost when the backbone was last trained';
COMMENT ON COLUMN easq.adapter.behaviour_cost IS 'behaviour cost of main alone, without the knob, when it was last judged on the whole gate sample';
COMMENT ON COLUMN easq.adapter.drift IS 'behaviour cost that the steps since then seem to have added';
COMMENT ON COLUMN easq.adapter.drift_share IS 'what of such drift has come true so far, 0 to 1';
COMMENT ON COLUMN easq.adapter.spread_share IS 'spread of the main logits when last judged, as a share of main_spread';
COMMENT ON COLUMN easq.adapter.judged_step IS 'step at the last judgement on the whole gate sample';
COMMENT ON COLUMN easq.adapter.audited_step IS 'step at the last audit';
COMMENT ON COLUMN easq.adapter.pace IS 'share of alignment''s strength that audits leave';
COMMENT ON COLUMN easq.adapter.main_activity IS 'activity and spread of the pathways'' logits after training; zeros: never taken';
COMMENT ON COLUMN easq.adapter.calibration_slope IS 'slope and offset of easq_probability, and the curvature of their fit';
COMMENT ON COLUMN easq.adapter.beliefs IS 'XOR of the ids of its rows of easq.tensor with part belief; zeros: there are none';
COMMENT ON COLUMN easq.adapter.main_mean IS 'mean and deviation of main''s logits after training, by which beliefs standardise them';
COMMENT ON COLUMN easq.adapter.pathway_scale IS 'running root mean square of the satisfaction pathway''s logits on answers';
COMMENT ON COLUMN easq.adapter.sharpness IS 'what the log-odds of easq_probability are multiplied by: how much surer answers have shown beliefs to be than they are';
COMMENT ON COLUMN easq.adapter.surprise IS 'how much the last few dozen answers surprised, and answers usually do: where the first is much more, a taste has turned';
COMMENT ON COLUMN easq.adapter.answer_weight IS 'running mean of the weights of answers, by which one counts relative to others; 0: none yet';
COMMENT ON COLUMN easq.adapter.knob IS 'easq_score ranks by main''s logit + knob times the log-odds that answers say';
COMMENT ON COLUMN easq.adapter.knob_answers IS 'answers when the knob was last turned';
COMMENT ON COLUMN easq.adapter.ranking_cost IS 'behaviour cost of that ranking, when it was last judged';

CREATE TABLE easq.tensor (
    model      text COLLATE "C" NOT NULL,
    checkpoint int NOT NULL,
    adapter    text COLLATE "C" NOT NULL,
    state      text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    part       text COLLATE "C" NOT NULL,
    chunk      int NOT NULL,
    version    bigint NOT NULL,
    id         uuid NOT NULL,
    data       bytea NOT NULL,
    PRIMARY KEY (model, checkpoint, adapter, state, name, part, chunk, version)
);
ALTER TABLE easq.tensor ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE easq.tensor IS 'weights: little-endian float32, row-major, large tensors in chunks of whole rows. Those of the backbone are of adapter '''' and state current';
COMMENT ON COLUMN easq.tensor.part IS 'weight, or moments: Adam''s first and second beside the same chunk of the weight, first all of the one, then all of the other, those of an adapter together (name adapter); scoring never reads them; or belief: pairs of mean and variance, 128 of them to a chunk, whose id is of its content';
COMMENT ON COLUMN easq.tensor.id IS 'of the row of easq.adapter that it belongs to; of the backbone: backbone_id of easq.model, or of easq.checkpoint';

CREATE TABLE easq.answer (
    model      text COLLATE "C" NOT NULL,
    adapter    text COLLATE "C" NOT NULL DEFAULT '',
    ordinal    bigint NOT NULL,
    respondent text COLLATE "C",
    key        bytea NOT NULL,
    named      bytea,
    answer     float8 NOT NULL,
    weight     float8 NOT NULL,
    asked_at   timestamptz,
    example    bytea NOT NULL,
    PRIMARY KEY (model, adapter, ordinal)
);
CREATE INDEX answer_value ON easq.answer (model, adapter, answer, ordinal);
CREATE INDEX answer_respondent ON easq.answer (model, adapter, respondent, ordinal);
CREATE INDEX answer_key ON easq.answer (model, adapter, key);
COMMENT ON TABLE easq.answer IS 'remembered answers, at most replay_answers of each model, as packed feature values';
COMMENT ON COLUMN easq.answer.key IS 'digest of what identifies the answer: of its questionnaire and key column, or of respondent and features';
COMMENT ON COLUMN easq.answer.named IS 'digest of the text of its key column alone, by which easq_forget finds it; NULL where no column named it';

CREATE TABLE easq.answer_count (
    model   text COLLATE "C" NOT NULL,
    adapter text COLLATE "C" NOT NULL,
    answer  float8 NOT NULL,
    version bigint NOT NULL,
    answers int NOT NULL,
    oldest  bigint NOT NULL,
    PRIMARY KEY (model, adapter, answer, version)
);
COMMENT ON TABLE easq.answer_count IS 'what easq.answer holds by value (answer NaN: all, of more than 64 values). Where answers are remembered and none are counted here, they are counted anew';
COMMENT ON COLUMN easq.answer_count.oldest IS 'an ordinal that none of these answers is below';

CREATE TABLE easq.queued (
    model      text COLLATE "C" NOT NULL,
    adapter    text COLLATE "C" NOT NULL DEFAULT '',
    id         uuid NOT NULL,
    respondent text COLLATE "C",
    key        bytea NOT NULL,
    named      bytea,
    keyed      bool NOT NULL,
    forget     bool NOT NULL,
    answer     float8 NOT NULL,
    weight     float8 NOT NULL,
    asked_at   timestamptz,
    per_hour   int NOT NULL,
    example    bytea NOT NULL,
    queued_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (model, adapter, id)
) WITH (autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE easq.queued IS 'answers that wait for a learner: easq_drain, the worker, or the next step (forget: they were changed or withdrawn; answer NaN: uncertain)';
COMMENT ON COLUMN easq.queued.id IS 'begins with the time and the place in the statement, so that it orders: 8 bytes of microseconds, 3 of the place, the rest is random';

CREATE TABLE easq.answer_rate (
    model      text COLLATE "C" NOT NULL,
    adapter    text COLLATE "C" NOT NULL DEFAULT '',
    hour       bigint NOT NULL,
    respondent text COLLATE "C" NOT NULL,
    learned    int NOT NULL,
    PRIMARY KEY (model, adapter, hour, respondent)
);
COMMENT ON TABLE easq.answer_rate IS 'answers learned of a respondent in an hour (counted from 2000-01-01 UTC), where easq_learn has a limit; rows older than a day go';

CREATE TABLE easq.behaviour (
    model    text COLLATE "C" NOT NULL,
    adapter  text COLLATE "C" NOT NULL DEFAULT '',
    slot     int NOT NULL,
    chosen   bytea NOT NULL,
    rejected bytea NOT NULL,
    kept_chosen   real NOT NULL,
    kept_rejected real NOT NULL,
    PRIMARY KEY (model, adapter, slot)
);
COMMENT ON TABLE easq.behaviour IS 'a sample of training''s behaviour pairs that learning steps rehearse, as packed feature values; slots 2 i and 2 i + 1 are of one group where it had two pairs';
COMMENT ON COLUMN easq.behaviour.kept_chosen IS 'the main pathway''s logit of the row as training left it';

CREATE TABLE easq.held (
    model    text COLLATE "C" NOT NULL,
    adapter  text COLLATE "C" NOT NULL DEFAULT '',
    sample   int NOT NULL,
    slot     int NOT NULL,
    group_number int NOT NULL,
    group_trained bool NOT NULL,
    trained  real NOT NULL,
    chosen   bytea NOT NULL,
    rejected bytea NOT NULL,
    PRIMARY KEY (model, adapter, sample, slot)
);
COMMENT ON TABLE easq.held IS 'behaviour pairs that no step trains on, by which the behaviour budget is judged: sample 0 is the gate, sample 1 the audit';
COMMENT ON COLUMN easq.held.group_trained IS 'other rows of the group were trained on; else the whole group is held back. Pairs of the latter come first';
COMMENT ON COLUMN easq.held.trained IS '1 where the model ordered the pair rightly when it was trained, 0.5 where it gave equal scores, else 0';

CREATE TABLE easq.questionnaire (
    model         text COLLATE "C" NOT NULL,
    adapter       text COLLATE "C" NOT NULL DEFAULT '',
    questionnaire regclass NOT NULL,
    author        easq.role NOT NULL,
    answer        text NOT NULL,
    respondent    text NOT NULL,
    features      text,
    settings      jsonb NOT NULL,
    options       jsonb NOT NULL,
    PRIMARY KEY (questionnaire, model, adapter)
);
COMMENT ON TABLE easq.questionnaire IS 'which tables teach which models, written by easq_learn alone: the features query runs as the author';
COMMENT ON COLUMN easq.questionnaire.settings IS 'what a query and its texts mean by: search_path and the author''s other settings when easq_learn was called';

-- Not unique: a --data-only restore sets the sequence after triggers have logged what the restore made them learn.
-- (Without a key, a publication of all tables needs the whole row.)
CREATE TABLE easq.step (
    id                bigserial,
    at                timestamptz NOT NULL,
    model             text COLLATE "C" NOT NULL,
    adapter           text COLLATE "C" NOT NULL DEFAULT '',
    source            text NOT NULL,
    status            text NOT NULL,
    reason            text,
    detail            text,
    author            easq.role NOT NULL,
    adapter_version   bigint,
    answers           int NOT NULL,
    uncertain         int NOT NULL,
    pairs             int NOT NULL,
    behaviour_pairs   int NOT NULL,
    loss              float8,
    loss_main         float8,
    loss_satisfaction float8,
    loss_alignment    float8,
    reward_chosen     float8,
    reward_rejected   float8,
    reward_margin     float8,
    reward_accuracy   float8,
    grad_norm         float8,
    grad_norm_main    float8,
    grad_norm_satisfaction float8,
    accuracy_main     float8,
    accuracy_satisfaction float8,
    alignment_strength float8,
    behaviour_cost    float8,
    knob              float8
);
CREATE INDEX step_model ON easq.step (model, id);
ALTER TABLE easq.step REPLICA IDENTITY FULL;
COMMENT ON TABLE easq.step IS 'one row for each learning step, applied or not; read it through easq.steps';
COMMENT ON COLUMN easq.step.reason IS 'what kind of thing was wrong: nothing that people wrote';
COMMENT ON COLUMN easq.step.detail IS 'the text of it, at most 500 bytes: may hold what people wrote, and is shown to the author alone';
COMMENT ON COLUMN easq.step.author IS 'who attached the questionnaire that the answers are from; nobody: several, or none';

CREATE TABLE easq.training (
    id                bigserial,
    model             text COLLATE "C" NOT NULL,
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz NOT NULL,
    backbone_version  bigint NOT NULL,
    epochs            int NOT NULL,
    rows              bigint NOT NULL,
    groups            bigint NOT NULL,
    pairs             bigint NOT NULL,
    answers           bigint NOT NULL,
    loss              float8,
    loss_main         float8,
    loss_satisfaction float8,
    loss_alignment    float8,
    epochs_run        int NOT NULL,
    accuracy          float8,
    popularity_feature text COLLATE "C",
    popularity_accuracy float8,
    single_feature    text COLLATE "C",
    single_feature_accuracy float8
);
CREATE INDEX training_model ON easq.training (model, id);
ALTER TABLE easq.training REPLICA IDENTITY FULL;
COMMENT ON TABLE easq.training IS 'one row for each finished easq_train: what it read (each row counted once), the mean losses of the epoch that the weights are of, and how it orders pairs that it held back';
COMMENT ON COLUMN easq.training.epochs IS 'the epoch that the weights are of: the last, or the one that early stopping chose';
COMMENT ON COLUMN easq.training.accuracy IS 'share of held pairs that the model orders rightly: mean over groups, then over whole groups and rows of trained groups';
COMMENT ON COLUMN easq.training.popularity_accuracy IS 'the same by how often each value of popularity_feature was chosen: the category that orders held pairs best';
COMMENT ON COLUMN easq.training.single_feature_accuracy IS 'the same by the best of the other features alone';

CREATE TABLE easq.checkpoint (
    model         text COLLATE "C" NOT NULL,
    label         text COLLATE "C" NOT NULL,
    number        int NOT NULL,
    format        int NOT NULL,
    options       jsonb NOT NULL,
    backbone_id   uuid NOT NULL,
    backbone_step bigint NOT NULL,
    mean          float8[] NOT NULL,
    deviation     float8[] NOT NULL,
    prior         float8[] NOT NULL,
    varies        float8[] NOT NULL,
    trained       bool NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (model, label)
);
CREATE UNIQUE INDEX checkpoint_number ON easq.checkpoint (model, number);
COMMENT ON TABLE easq.checkpoint IS 'named versions that easq_checkpoint kept: options and the backbone''s counters and statistics; their weights are the rows of easq.adapter and easq.tensor with this number';

-- A dump carries models.  A questionnaire that was dropped leaves a row that names no table any more; a temporary one is not restored.
SELECT pg_catalog.pg_extension_config_dump('easq.model', '');
SELECT pg_catalog.pg_extension_config_dump('easq.adapter', '');
SELECT pg_catalog.pg_extension_config_dump('easq.tensor', '');
SELECT pg_catalog.pg_extension_config_dump('easq.answer', '');
SELECT pg_catalog.pg_extension_config_dump('easq.answer_count', '');
SELECT pg_catalog.pg_extension_config_dump('easq.queued', '');
SELECT pg_catalog.pg_extension_config_dump('easq.answer_rate', '');
SELECT pg_catalog.pg_extension_config_dump('easq.checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('easq.behaviour', '');
SELECT pg_catalog.pg_extension_config_dump('easq.held', '');
SELECT pg_catalog.pg_extension_config_dump('easq.questionnaire',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) questionnaire AND c.relpersistence OPERATOR(pg_catalog.<>) ''t'')');
SELECT pg_catalog.pg_extension_config_dump('easq.step', '');
SELECT pg_catalog.pg_extension_config_dump('easq.step_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('easq.training', '');
SELECT pg_catalog.pg_extension_config_dump('easq.training_id_seq', '');

---------------------------------------------------------------------- guard
-- Whoever may set a sequence must not keep answers from being logged: at its end it begins again.
ALTER SEQUENCE easq.step_id_seq CYCLE;
ALTER SEQUENCE easq.training_id_seq CYCLE;

-- What these tables say decides what runs as whom: a right to write them that somebody was given (pg_write_all_data) is
-- not enough.  Row security would do, but then nobody but superusers could dump.  easq's own writes fire no triggers.
-- For each row too: changes that a subscription applies fire no triggers of statements.
CREATE FUNCTION @extschema@.easq_guard()
RETURNS trigger LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_guard() IS
'trigger on every table of the schema easq: refuses to write where the role has not the privileges of the table''s owner';
DO $$
DECLARE
    guarded regclass;
BEGIN
    FOR guarded IN SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) 'easq'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'r' LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s', guarded, '@extschema@.easq_guard()');
        EXECUTE pg_catalog.format('CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s', guarded, '@extschema@.easq_guard()');
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard, ENABLE ALWAYS TRIGGER guard_row', guarded);
    END LOOP;
END $$;

---------------------------------------------------------------------- views
-- Barriers: a function in the reader's WHERE sees no row that the view does not show.
CREATE FUNCTION @extschema@.easq_may_score(owner easq.role, may_score easq.role[])
RETURNS bool LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_may_score(easq.role, easq.role[]) IS
'whether the current role may score with a model of this owner and these grantees: what easq''s views show is what easq_score allows';

CREATE VIEW easq.models WITH (security_barrier) AS
SELECT m.name, (SELECT r.oid::pg_catalog.regrole FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) m.owner) AS owner, m.features, m.options, m.inputs,
       m.backbone_version, a.version AS adapter_version, a.step AS steps, a.answers, a.uncertain,
       CASE WHEN EXISTS (SELECT FROM easq.held h WHERE h.model OPERATOR(pg_catalog.=) m.name) THEN a.ranking_cost END AS behaviour_cost,
       a.knob,
       m.created_at, m.trained_at, a.updated_at
FROM easq.model m JOIN easq.adapter a
  ON a.model OPERATOR(pg_catalog.=) m.name AND a.checkpoint OPERATOR(pg_catalog.=) 0 AND a.adapter OPERATOR(pg_catalog.=) '' AND a.state OPERATOR(pg_catalog.=) 'current'
WHERE @extschema@.easq_may_score(m.owner, m.may_score);
COMMENT ON VIEW easq.models IS 'the models that the reader may score with: definition, owner (NULL: a role that is gone), numbers of an encoded input, versions, Adam steps, answers so far (those replaced or forgotten since included) and uncertain answers so far';

CREATE VIEW easq.steps WITH (security_barrier) AS
SELECT s.id, s.at, s.model, s.source, s.status, s.reason,
       CASE WHEN pg_catalog.pg_has_role(s.author, 'USAGE') THEN s.detail END AS detail, s.adapter_version,
       s.answers, s.uncertain, s.pairs, s.behaviour_pairs, s.loss, s.loss_main, s.loss_satisfaction, s.loss_alignment,
       s.reward_chosen AS "rewards/chosen", s.reward_rejected AS "rewards/rejected",
       s.reward_margin AS "rewards/margins", s.reward_accuracy AS "rewards/accuracies",
       s.grad_norm, s.grad_norm_main AS "grad_norm/main", s.grad_norm_satisfaction AS "grad_norm/satisfaction",
       s.accuracy_main AS "accuracy/main", s.accuracy_satisfaction AS "accuracy/satisfaction",
       s.alignment_strength, s.behaviour_cost, s.knob
FROM easq.step s
WHERE pg_catalog.has_table_privilege('easq.model', 'SELECT')
   OR EXISTS (SELECT FROM easq.model m
              WHERE m.name OPERATOR(pg_catalog.=) s.model AND @extschema@.easq_may_score(m.owner, m.may_score));
COMMENT ON VIEW easq.steps IS 'one row for each learning step: applied, skipped (and why; detail: for the author of the questionnaire) or queued, with the metric names of TRL''s DPO trainer';

CREATE VIEW easq.queues WITH (security_barrier) AS
SELECT m.name AS model, q.answers, q.changes, q.oldest, pg_catalog.now() OPERATOR(pg_catalog.-) q.oldest AS lag
FROM easq.model m
CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE NOT w.forget AND w.answer OPERATOR(pg_catalog.<>) 'NaN') AS answers,
                           pg_catalog.count(*) FILTER (WHERE w.forget) AS changes, pg_catalog.min(w.queued_at) AS oldest
                    FROM easq.queued w WHERE w.model OPERATOR(pg_catalog.=) m.name) q
WHERE @extschema@.easq_may_score(m.owner, m.may_score);
COMMENT ON VIEW easq.queues IS 'what waits for a learner: answers to learn, answers to forget, and since when the oldest waits, for each model that the reader may score with';

CREATE VIEW easq.progress WITH (security_barrier) AS
SELECT s.model, s.id, s.at,
       pg_catalog.sum(s.answers) OVER window_100 AS answers,
       pg_catalog.sum(s.pairs OPERATOR(pg_catalog.*) s."accuracy/main") OVER window_100
           OPERATOR(pg_catalog./) nullif(pg_catalog.sum(s.pairs) OVER window_100, 0) AS "accuracy/main",
       pg_catalog.sum(s.pairs OPERATOR(pg_catalog.*) s."accuracy/satisfaction") OVER window_100
           OPERATOR(pg_catalog./) nullif(pg_catalog.sum(s.pairs) OVER window_100, 0) AS "accuracy/satisfaction",
       pg_catalog.avg(s.alignment_strength) OVER window_100 AS alignment_strength,
       s.behaviour_cost
FROM easq.steps s
WHERE s.pairs OPERATOR(pg_catalog.>) 0 AND s.source OPERATOR(pg_catalog.<>) 'align'
WINDOW window_100 AS (PARTITION BY s.model ORDER BY s.id ROWS 99 PRECEDING);
COMMENT ON VIEW easq.progress IS 'moving averages over the last 100 learning steps: how the model ordered pairs of new answers before it learned from them (test-then-learn)';

CREATE VIEW easq.trainings WITH (security_barrier) AS
SELECT t.* FROM easq.training t
WHERE pg_catalog.has_table_privilege('easq.model', 'SELECT')
   OR EXISTS (SELECT FROM easq.model m
              WHERE m.name OPERATOR(pg_catalog.=) t.model AND @extschema@.easq_may_score(m.owner, m.may_score));
COMMENT ON VIEW easq.trainings IS 'one row for each finished easq_train: what it read, the mean losses of the epoch that the weights are of, and how it orders pairs that it held back beside popularity and the best single feature';

CREATE VIEW easq.questionnaires WITH (security_barrier) AS
SELECT q.model, q.questionnaire, (SELECT r.oid::pg_catalog.regrole FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) q.author) AS author, q.answer, q.respondent, q.features, q.options
FROM easq.questionnaire q JOIN easq.model m ON m.name OPERATOR(pg_catalog.=) q.model
WHERE pg_catalog.pg_has_role(m.owner, 'USAGE') OR pg_catalog.pg_has_role(q.author, 'USAGE');
COMMENT ON VIEW easq.questionnaires IS 'which tables teach which models, for the owners of either';

CREATE VIEW easq.checkpoints WITH (security_barrier) AS
SELECT c.model, c.label, c.options, a.step AS steps, c.created_at
FROM easq.checkpoint c JOIN easq.model m ON m.name OPERATOR(pg_catalog.=) c.model
     LEFT JOIN easq.adapter a ON a.model OPERATOR(pg_catalog.=) c.model AND a.checkpoint OPERATOR(pg_catalog.=) c.number
                             AND a.adapter OPERATOR(pg_catalog.=) '' AND a.state OPERATOR(pg_catalog.=) 'current'
WHERE pg_catalog.pg_has_role(m.owner, 'USAGE');
COMMENT ON VIEW easq.checkpoints IS 'the versions that easq_checkpoint kept, for the owner of the model';

CREATE VIEW easq.grants WITH (security_barrier) AS
SELECT m.name AS model, g."right", coalesce(r.rolname, 'public') AS grantee
FROM easq.model m
CROSS JOIN LATERAL (SELECT 'score'::text AS "right", pg_catalog.unnest(m.may_score) AS role
                    UNION ALL SELECT 'teach', pg_catalog.unnest(m.may_teach)
                    UNION ALL SELECT 'export', pg_catalog.unnest(m.may_export)) g
LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) g.role
WHERE (r.oid IS NOT NULL OR g.role::text OPERATOR(pg_catalog.=) 'public')
  AND (pg_catalog.pg_has_role(m.owner, 'USAGE') OR r.oid IS NULL OR pg_catalog.pg_has_role(r.oid, 'USAGE'));
COMMENT ON VIEW easq.grants IS 'the rights that easq_grant gave, for the owner of the model and whom they were given to; public is everybody';
GRANT SELECT ON easq.models, easq.steps, easq.queues, easq.progress, easq.trainings, easq.questionnaires, easq.checkpoints, easq.grants TO PUBLIC;

--------------------------------------------------------- defining models
CREATE FUNCTION @extschema@.easq_create_model(model text, features jsonb, options jsonb DEFAULT '{}')
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_create_model(text, jsonb, jsonb) IS
'defines a model over named feature columns and initialises its weights from option seed; the caller owns it';

CREATE FUNCTION @extschema@.easq_suggest_features(query text, label text DEFAULT NULL, group_by text DEFAULT NULL, answer text DEFAULT NULL)
RETURNS jsonb LANGUAGE c STABLE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_suggest_features(text, text, text, text) IS
'what of the columns of a query could be features, as easq_create_model takes it, each with a reason (why; kind none: left out); reads the query once. Names of its label, group and answer column, as for easq_train, make it better';

CREATE FUNCTION @extschema@.easq_configure(model text, options jsonb)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_configure(text, jsonb) IS
'changes options of a model (null: back to the default); those that set its shape are refused. Option owner hands the model to another role';

CREATE FUNCTION @extschema@.easq_drop_model(model text)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_drop_model(text) IS
'removes a model with all that it remembers, and detaches it from its questionnaires';

-- For everybody to call: they change a model of the caller's own, or nothing.
CREATE FUNCTION @extschema@.easq_grant(model text, "right" text, role name)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_grant(text, text, name) IS
'gives a role (public: everybody) a right to a model of yours: score, teach or export';

CREATE FUNCTION @extschema@.easq_revoke(model text, "right" text, role name)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_revoke(text, text, name) IS
'takes back a right that easq_grant gave';

------------------------------------------------------------------- training
CREATE FUNCTION @extschema@.easq_train(
    model text, query text, label text, group_by text, answer text DEFAULT NULL, options jsonb DEFAULT '{}',
    OUT epochs int, OUT rows bigint, OUT groups bigint, OUT pairs bigint, OUT answers bigint,
    OUT loss float8, OUT loss_main float8, OUT loss_satisfaction float8, OUT loss_alignment float8)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_train(text, text, text, text, text, jsonb) IS
'trains on the rows of a query: pairs of rows of one group whose label differs (more is better) and, where answer names a column, pairs of different answers; returns what it read and the mean losses of the last epoch';

-------------------------------------------------------------------- scoring
-- COST 100 is about what a row costs against an operator call (PostgreSQL's unit), and what makes parallel plans and late evaluation come out right.
CREATE FUNCTION @extschema@.easq_score(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_score_record';
COMMENT ON FUNCTION @extschema@.easq_score(text, record, text, text) IS
'ranking score (above 0, more is better) of one row, features found by column name';

CREATE FUNCTION @extschema@.easq_score(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_score_jsonb';
COMMENT ON FUNCTION @extschema@.easq_score(text, jsonb, text, text) IS
'ranking score of features given by key: {"viewer": 7, "minutes": 4.5}; to the bit that of a row whose columns hold the same';

CREATE FUNCTION @extschema@.easq_score(model text, features anyarray, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_score_array';
COMMENT ON FUNCTION @extschema@.easq_score(text, anyarray, text, text) IS
'ranking score of one input that is encoded already: as many numbers as the model has inputs; without what factors say, which values are needed for';

CREATE FUNCTION @extschema@.easq_satisfaction(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_satisfaction_record';
COMMENT ON FUNCTION @extschema@.easq_satisfaction(text, record, text, text) IS
'score of the satisfaction pathway (above 0, more is better) of one row';

CREATE FUNCTION @extschema@.easq_satisfaction(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_satisfaction_jsonb';
COMMENT ON FUNCTION @extschema@.easq_satisfaction(text, jsonb, text, text) IS
'score of the satisfaction pathway of features given by key';

CREATE FUNCTION @extschema@.easq_satisfaction(model text, features anyarray, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_satisfaction_array';
COMMENT ON FUNCTION @extschema@.easq_satisfaction(text, anyarray, text, text) IS
'score of the satisfaction pathway of one input that is encoded already';

CREATE FUNCTION @extschema@.easq_probability(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_probability_record';
COMMENT ON FUNCTION @extschema@.easq_probability(text, record, text, text) IS
'probability that an answer about one row is satisfied (at least the model''s option satisfied), by what answers say of its values; where the model has no beliefs, easq_satisfaction calibrated by a running Platt fit on answers, each taken before it was learned';

CREATE FUNCTION @extschema@.easq_probability(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_probability_jsonb';
COMMENT ON FUNCTION @extschema@.easq_probability(text, jsonb, text, text) IS
'probability that an answer about features given by key is satisfied';

CREATE FUNCTION @extschema@.easq_probability(model text, features anyarray, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_probability_array';
COMMENT ON FUNCTION @extschema@.easq_probability(text, anyarray, text, text) IS
'probability that an answer about one input that is encoded already is satisfied';

CREATE FUNCTION @extschema@.easq_uncertainty(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_uncertainty_record';
COMMENT ON FUNCTION @extschema@.easq_uncertainty(text, record, text, text) IS
'how unsure the model is of where one row belongs among others of its group: standard deviation, in log-odds, of what answers say of those of its values that vary within a group (not of who is asked, nor of what every answer tells about); of each person the row with most of it teaches most';

CREATE FUNCTION @extschema@.easq_uncertainty(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_uncertainty_jsonb';
COMMENT ON FUNCTION @extschema@.easq_uncertainty(text, jsonb, text, text) IS
'how unsure the model is whether features given by key satisfy';

CREATE FUNCTION @extschema@.easq_uncertainty(model text, features anyarray, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_uncertainty_array';
COMMENT ON FUNCTION @extschema@.easq_uncertainty(text, anyarray, text, text) IS
'the same for one input that is encoded already, whose values are not known: of bias, main and satisfaction pathway alone';

CREATE FUNCTION @extschema@.easq_batch_score(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c WINDOW STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_batch_score(text, record, text, text) IS
'easq_score as a window function: one matrix product for a block of rows; use with OVER ()';

CREATE FUNCTION @extschema@.easq_batch_score(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL)
RETURNS real LANGUAGE c WINDOW STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'easq_batch_score_jsonb';
COMMENT ON FUNCTION @extschema@.easq_batch_score(text, jsonb, text, text) IS
'the same of features given by key';

CREATE FUNCTION @extschema@.easq_explain(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL, reference jsonb DEFAULT NULL)
RETURNS TABLE (feature text, value text, contribution float8, main float8, learned float8, belief float8, satisfaction float8, error float8)
LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'easq_explain_record';
COMMENT ON FUNCTION @extschema@.easq_explain(text, record, text, text, jsonb) IS
'how each feature moved the ranking logit of one row away from that of a reference row (jsonb; a feature that it does not name is NULL: a number is at its mean): Shapley values that add up to the difference. main: by backbone, factors and adapter; learned: the part of main that steps on answers added since training (NULL: it never was trained); belief: by what answers say, as far as the ranking takes it; satisfaction: the same for easq_satisfaction; error: standard error of contribution, 0 where it is exact';

CREATE FUNCTION @extschema@.easq_explain(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL, reference jsonb DEFAULT NULL)
RETURNS TABLE (feature text, value text, contribution float8, main float8, learned float8, belief float8, satisfaction float8, error float8)
LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'easq_explain_jsonb';
COMMENT ON FUNCTION @extschema@.easq_explain(text, jsonb, text, text, jsonb) IS
'the same of features given by key';

CREATE FUNCTION @extschema@.easq_explain_answers(model text, features record, adapter text DEFAULT NULL, version text DEFAULT NULL, answers int DEFAULT 10)
RETURNS TABLE (respondent text, answer float8, weight float8, asked_at timestamptz, shares text[], contribution float8, satisfaction float8)
LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10 AS 'MODULE_PATHNAME', 'easq_explain_answers_record';
COMMENT ON FUNCTION @extschema@.easq_explain_answers(text, record, text, text, int) IS
'for the owner of a model: the remembered answers that moved easq_satisfaction of one row most, by learning all of them once more in memory and following each through those after it: what leaving the answer out would take away again. satisfaction: of its logit; contribution: of the ranking logit (knob times that); shares: the categorical features in which the answer was about the same';

CREATE FUNCTION @extschema@.easq_explain_answers(model text, features jsonb, adapter text DEFAULT NULL, version text DEFAULT NULL, answers int DEFAULT 10)
RETURNS TABLE (respondent text, answer float8, weight float8, asked_at timestamptz, shares text[], contribution float8, satisfaction float8)
LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10 AS 'MODULE_PATHNAME', 'easq_explain_answers_jsonb';
COMMENT ON FUNCTION @extschema@.easq_explain_answers(text, jsonb, text, text, int) IS
'the same of features given by key';

------------------------------------------------------------------- learning
CREATE FUNCTION @extschema@.easq_learn(
    model text, questionnaire regclass, answer text DEFAULT 'answer', respondent text DEFAULT 'user_id',
    features text DEFAULT NULL, options jsonb DEFAULT '{}')
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_learn(text, regclass, text, text, text, jsonb) IS
'attaches learning to a questionnaire table that the caller owns; features is a query over new_rows that returns feature columns, answer and respondent (NULL: the table has them)';

CREATE FUNCTION @extschema@.easq_stop_learning(model text, questionnaire regclass)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_stop_learning(text, regclass) IS
'detaches a model from a questionnaire table; what it learned and remembers stays';

CREATE FUNCTION @extschema@.easq_drain(model text DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_drain(text) IS
'learns the answers that are queued for a model (null: for all that the caller may teach, but those that others teach now), and returns how many were learned';

CREATE FUNCTION @extschema@.easq_start_worker()
RETURNS int LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_start_worker() IS
'starts the background worker that learns what is queued in this database, where none runs, and returns its process id';

CREATE FUNCTION @extschema@.easq_stop_worker()
RETURNS bool LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_stop_worker() IS
'ends the background worker of this database; false: none runs. Where setting easq.worker is on, the next queued answer starts another';

CREATE FUNCTION @extschema@.easq_answered()
RETURNS trigger LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_answered() IS
'trigger that easq_learn attaches; without a call of easq_learn it does nothing';

CREATE FUNCTION @extschema@.easq_align(
    model text, chosen real[], rejected real[],
    behaviour_chosen real[] DEFAULT NULL, behaviour_rejected real[] DEFAULT NULL,
    OUT loss float8, OUT loss_main float8, OUT loss_satisfaction float8, OUT loss_alignment float8,
    OUT "rewards/chosen" float8, OUT "rewards/rejected" float8, OUT "rewards/margins" float8, OUT "rewards/accuracies" float8,
    OUT grad_norm float8, OUT "grad_norm/main" float8, OUT "grad_norm/satisfaction" float8)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_align(text, real[], real[], real[], real[]) IS
'one learning step on encoded pairs (without what factors say), 2-D arrays with a pair a row; returns the metrics of the step, taken before it';

----------------------------------------------------------------- evaluating
CREATE FUNCTION @extschema@.easq_evaluate(model text, query text, label text, group_by text)
RETURNS TABLE (metric text, value float8) LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_evaluate(text, text, text, text) IS
'hr@k, ndcg@k, mrr and gauc (means over the groups that hold both labels) and auc of the rows of a query, of both pathways; label is boolean or 0 / 1';

-- The metrics of one group as aggregates, for GROUP BY and FILTER: NULL where a group does not hold both labels.
CREATE FUNCTION @extschema@.easq_rank(internal, float8, boolean)
RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'easq_rank_boolean';
COMMENT ON FUNCTION @extschema@.easq_rank(internal, float8, boolean) IS 'transition function of easq''s ranking aggregates';
CREATE FUNCTION @extschema@.easq_rank(internal, float8, boolean, int)
RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'easq_rank_boolean';
COMMENT ON FUNCTION @extschema@.easq_rank(internal, float8, boolean, int) IS 'transition function of easq''s ranking aggregates';
CREATE FUNCTION @extschema@.easq_rank(internal, float8, float8)
RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'easq_rank_number';
COMMENT ON FUNCTION @extschema@.easq_rank(internal, float8, float8) IS 'transition function of easq''s ranking aggregates';
CREATE FUNCTION @extschema@.easq_rank(internal, float8, float8, int)
RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'easq_rank_number';
COMMENT ON FUNCTION @extschema@.easq_rank(internal, float8, float8, int) IS 'transition function of easq''s ranking aggregates';
CREATE FUNCTION @extschema@.easq_rank_auc(internal)
RETURNS float8 LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_rank_auc(internal) IS 'final function of the aggregate easq_auc';
CREATE FUNCTION @extschema@.easq_rank_mrr(internal)
RETURNS float8 LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_rank_mrr(internal) IS 'final function of the aggregate easq_mrr';
CREATE FUNCTION @extschema@.easq_rank_hr(internal)
RETURNS float8 LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_rank_hr(internal) IS 'final function of the aggregate easq_hr';
CREATE FUNCTION @extschema@.easq_rank_ndcg(internal)
RETURNS float8 LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_rank_ndcg(internal) IS 'final function of the aggregate easq_ndcg';
CREATE AGGREGATE @extschema@.easq_auc(score float8, label boolean) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_auc, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_auc(float8, boolean) IS 'share of pairs (a row with label true, one with false) that the score orders rightly, equal scores half; over the rows of one group this is what gauc averages';
CREATE AGGREGATE @extschema@.easq_auc(score float8, label float8) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_auc, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_auc(float8, float8) IS 'share of pairs (a row with label true, one with false) that the score orders rightly, equal scores half; over the rows of one group this is what gauc averages';
CREATE AGGREGATE @extschema@.easq_mrr(score float8, label boolean) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_mrr, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_mrr(float8, boolean) IS '1 / rank of the first row whose label is true; among equal scores the worse order counts';
CREATE AGGREGATE @extschema@.easq_mrr(score float8, label float8) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_mrr, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_mrr(float8, float8) IS '1 / rank of the first row whose label is true; among equal scores the worse order counts';
CREATE AGGREGATE @extschema@.easq_hr(score float8, label boolean, k int) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_hr, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_hr(float8, boolean, int) IS '1 where one of the first k rows has label true, else 0; among equal scores the worse order counts';
CREATE AGGREGATE @extschema@.easq_hr(score float8, label float8, k int) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_hr, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_hr(float8, float8, int) IS '1 where one of the first k rows has label true, else 0; among equal scores the worse order counts';
CREATE AGGREGATE @extschema@.easq_ndcg(score float8, label boolean, k int) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_ndcg, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_ndcg(float8, boolean, int) IS 'normalised discounted cumulative gain of the first k rows; among equal scores the worse order counts';
CREATE AGGREGATE @extschema@.easq_ndcg(score float8, label float8, k int) (
    SFUNC = @extschema@.easq_rank, STYPE = internal, FINALFUNC = @extschema@.easq_rank_ndcg, PARALLEL = SAFE);
COMMENT ON AGGREGATE @extschema@.easq_ndcg(float8, float8, int) IS 'normalised discounted cumulative gain of the first k rows; among equal scores the worse order counts';

-------------------------------------------------------- versions, transfer
CREATE FUNCTION @extschema@.easq_checkpoint(model text, label text)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_checkpoint(text, text) IS
'keeps the model as it is now (weights, optimiser, statistics, options) under a label, in place of an earlier one; what it remembers is not part of it';

CREATE FUNCTION @extschema@.easq_restore(model text, label text)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_restore(text, text) IS
'brings back the model as easq_checkpoint kept it, to the bit';

CREATE FUNCTION @extschema@.easq_reset_alignment(model text)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_reset_alignment(text) IS
'brings back LoRA, both pathways and their optimiser as the last easq_train (or easq_import) left them, with the behaviour budget unspent; remembered answers stay';

CREATE FUNCTION @extschema@.easq_forget(model text, respondent text DEFAULT NULL, key text DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_forget(text, text, text) IS
'removes the answers of a respondent, or those that a key names, or (both given) those that match both, from what is remembered and queued, a respondent''s counts of answers_per_hour, and what the log may quote; returns how many answers that were. What the weights have learned stays; the pairs of views that training left (features, no names) stay until the next easq_train';

CREATE FUNCTION @extschema@.easq_export(model text)
RETURNS bytea LANGUAGE c STRICT STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_export(text) IS
'the model as a safetensors file: float32 tensors, and features, options and numeric means in __metadata__';

CREATE FUNCTION @extschema@.easq_import(model text, data bytea)
RETURNS void LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_import(text, bytea) IS
'replaces the weights of a model by those of a safetensors file, or creates the model from its __metadata__; the optimiser starts afresh';

CREATE FUNCTION @extschema@.easq_shared_cache(OUT database oid, OUT model text, OUT backbone_id uuid, OUT bytes bigint, OUT connections int, OUT state text)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.easq_shared_cache() IS
'the models in shared memory, of all databases: how large, how many connections have them mapped, and whether each is current, superseded or loading; no rows where easq is not in shared_preload_libraries';
GRANT EXECUTE ON FUNCTION @extschema@.easq_shared_cache() TO pg_monitor;

-- Scoring is for whom easq_grant, or SELECT on easq.model, gave the right; what writes weights or shows them needs EXECUTE as well.
REVOKE EXECUTE ON FUNCTION
    @extschema@.easq_create_model(text, jsonb, jsonb),
    @extschema@.easq_configure(text, jsonb),
    @extschema@.easq_drop_model(text),
    @extschema@.easq_train(text, text, text, text, text, jsonb),
    @extschema@.easq_learn(text, regclass, text, text, text, jsonb),
    @extschema@.easq_stop_learning(text, regclass),
    @extschema@.easq_drain(text),
    @extschema@.easq_start_worker(),
    @extschema@.easq_stop_worker(),
    @extschema@.easq_align(text, real[], real[], real[], real[]),
    @extschema@.easq_checkpoint(text, text),
    @extschema@.easq_restore(text, text),
    @extschema@.easq_reset_alignment(text),
    @extschema@.easq_forget(text, text, text),
    @extschema@.easq_explain_answers(text, record, text, text, int),
    @extschema@.easq_explain_answers(text, jsonb, text, text, int),
    @extschema@.easq_export(text),
    @extschema@.easq_import(text, bytea),
    @extschema@.easq_shared_cache()
FROM PUBLIC;

-- pg_dump locks and reads what is registered above: the owner of a database may dump it without being superuser.  (The role is there since 14.)
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'pg_database_owner') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA easq TO pg_database_owner;
        GRANT SELECT ON ALL SEQUENCES IN SCHEMA easq TO pg_database_owner;
    END IF;
END $$;
