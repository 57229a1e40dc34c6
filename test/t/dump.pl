# pg_dump carries models: weights, optimiser, what is remembered, and who teaches them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('dump', conf => 'autovacuum = off');
my $folder = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE ROLE curator; CREATE ROLE passer_by; CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE SCHEMA "sHop";
	CREATE EXTENSION easq;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO curator;
	GRANT ALL ON SCHEMA "sHop" TO curator;
	SET ROLE curator;
	SET search_path = "sHop", public;
	SELECT easq_create_model('m', '[{"name": "price", "kind": "numeric"}, {"name": "colour", "kind": "categorical", "size": 50, "dim": 3}]',
		'{"hidden": 8, "expert_hidden": 4, "seed": 7, "half_life": "1 hour"}');
	CREATE TABLE "Coat" (coat int PRIMARY KEY, price float8, colour text);
	INSERT INTO "Coat" SELECT i, i / 3.0, (ARRAY['red', 'green', NULL])[i % 3 + 1] FROM generate_series(1, 30) i;
	CREATE TABLE "Answer" (id int PRIMARY KEY, shopper text, coat int REFERENCES "Coat", answer text, at timestamptz, propensity real);
	CREATE TABLE gone (price float8, colour text, user_id int, answer text);
	SELECT easq_learn('m', '"Answer"', respondent => 'shopper', options => '{"key": "id", "asked_at": "at", "weight": "propensity", "answers_per_hour": 3}',
		features => 'SELECT n.id, n.shopper, n.answer, n.at, n.propensity, c.price, c.colour FROM new_rows n JOIN "Coat" c USING (coat)');
	SELECT easq_learn('m', 'gone');
	INSERT INTO gone VALUES (1, 'red', 1, 'satisfied'), (2, 'red', 1, 'dissatisfied');
	INSERT INTO "Answer" SELECT i, 'shopper ' || i % 4, i, CASE WHEN i % 3 = 0 THEN 'satisfied' WHEN i = 5 THEN 'uncertain' ELSE 'dissatisfied' END,
		timestamptz '2024-05-01 12:00+00' + i * interval '3 minutes', i FROM generate_series(1, 20) i;
	RESET ROLE;
	-- another model, another owner, in the queue
	SELECT easq_create_model('Zwei', '[{"name": "price", "kind": "numeric"}]', '{"owner": "passer_by"}');
	INSERT INTO easq.queued (model, id, respondent, key, keyed, forget, answer, weight, per_hour, example)
		SELECT 'Zwei', gen_random_uuid(), 'somebody', key, false, false, answer, 2.5, 7, example FROM easq.answer LIMIT 3;
	SELECT easq_checkpoint('m', 'kept');
});

my $state = q{
	SET search_path = "sHop", public;
	SELECT concat_ws(' ', 'weights', md5(easq_export('m')), md5(easq_export('Zwei')));
	SELECT concat_ws(' ', 'scores', md5(string_agg(concat(float4send(easq_score('m', c)), float4send(easq_satisfaction('m', c))), ',' ORDER BY coat))) FROM "Coat" c;
	SELECT concat_ws(' ', 'models', string_agg((name, owner, features, options, backbone_version, adapter_version, steps, answers, uncertain)::text, ' ' ORDER BY name)) FROM easq.models;
	SELECT concat_ws(' ', 'ids', string_agg((model, checkpoint, state, id, backbone_id, beliefs)::text, ' ' ORDER BY model, checkpoint, state)) FROM easq.adapter;
	SELECT concat_ws(' ', 'adapters', string_agg((to_jsonb(a) - ARRAY['id', 'backbone_id', 'beliefs', 'updated_at'])::text, ' ' ORDER BY model, checkpoint, state)) FROM easq.adapter a;
	SELECT concat_ws(' ', 'counts', string_agg(c::text, ' ' ORDER BY model, answer)) FROM easq.answer_count c;
	SELECT concat_ws(' ', 'tensors', count(*), md5(string_agg((model, checkpoint, state, name, part, chunk, data)::text, ' ' ORDER BY model, checkpoint, state, name, part, chunk))) FROM easq.tensor;
	SELECT concat_ws(' ', 'answers', count(*), md5(string_agg(a::text, ' ' ORDER BY model, ordinal))) FROM easq.answer a;
	SELECT concat_ws(' ', 'checkpoints', count(*), md5(string_agg(c::text, ' ' ORDER BY model, label))) FROM easq.checkpoint c;
	SELECT concat_ws(' ', 'rate', count(*), md5(string_agg(h::text, ' ' ORDER BY h::text))) FROM easq.answer_rate h;
	SELECT concat_ws(' ', 'queued', count(*), md5(string_agg(q::text, ' ' ORDER BY model, id))) FROM easq.queued q;
	SELECT concat_ws(' ', 'questionnaires', string_agg(q::text, ' ' ORDER BY model, questionnaire::text)) FROM easq.questionnaire q WHERE EXISTS (SELECT FROM pg_class WHERE oid = questionnaire);
	SELECT concat_ws(' ', 'triggers', string_agg(concat(tgrelid::regclass, '.', tgname), ' ' ORDER BY tgrelid::regclass::text, tgname)) FROM pg_trigger WHERE NOT tgisinternal;
	SELECT concat_ws(' ', 'steps', count(*), md5(string_agg(concat_ws(' ', s.id, s.model, s.source, s.status, s.reason, s.answers, s.pairs, s.loss), ' ' ORDER BY s.id))) FROM easq.steps s;
};
# Weights move with every answer; the same answers move them the same way.
my $more = q{INSERT INTO "sHop"."Answer" SELECT i, 'shopper ' || i % 5, i, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END,
		timestamptz '2024-05-01 12:00+00' + i * interval '2 minutes', i FROM generate_series(21, 26) i;
	UPDATE "sHop"."Answer" SET answer = 'satisfied' WHERE id = 2;};

sub state { return [ split /\n/, $node->safe_psql($_[0], $state) ]; }
sub dump_to { my ($file, $database, @options) = @_; $node->command_ok([ 'pg_dump', '-f', "$folder/$file", @options, $database ], "pg_dump @options"); }
sub restore { my ($file, $database) = @_; $node->command_ok([ 'psql', '-X', '-q', '-o', "$folder/out", '-v', 'ON_ERROR_STOP=1', '-f', "$folder/$file", $database ], "restore into $database"); }

dump_to('whole.sql', 'source');
my $before = state('source');
note join "\n", @$before;

$node->safe_psql('postgres', 'CREATE DATABASE restored');
restore('whole.sql', 'restored');
is_deeply(state('restored'), $before, 'a restored database has the same models, questionnaires, triggers and scores, to the bit');
$node->safe_psql($_, $more) for qw(source restored);
# (ids are random, and never the same twice)
sub learned { return [ grep { !/^ids/ } @{ state($_[0]) } ]; }
is_deeply(learned('restored'), learned('source'), 'and learns on as the original does');
isnt(learned('restored')->[0], $before->[0], 'which is something');
$node->safe_psql($_, "SELECT easq_restore('m', 'kept')") for qw(source restored);
is_deeply(learned('restored'), learned('source'), 'a checkpoint comes back in both');
is($node->safe_psql('restored', "SET ROLE curator; SELECT easq_stop_learning('m', '\"sHop\".\"Answer\"')"), '', 'the author can detach what was restored');

note 'a questionnaire or an author that is gone';
{
	$node->safe_psql('source', 'DROP TABLE "sHop".gone');
	is($node->safe_psql('source', 'SELECT count(*) FROM easq.questionnaire'), '2', 'DROP TABLE does not know of the row');
	dump_to('custom', 'source', '-Fc');
	$node->safe_psql('postgres', 'CREATE DATABASE without');
	$node->command_ok([ 'pg_restore', '-j', '2', '--exit-on-error', '-d', 'without', "$folder/custom" ], 'pg_restore -j 2');
	is_deeply(state('without'), state('source'), 'the same again');
	is($node->safe_psql('without', 'SELECT count(*) FROM easq.questionnaire'), '1', 'but the dump leaves it out');
}

note 'schema and data apart';
{
	my $answers = $node->safe_psql('source', "SELECT answers FROM easq.models WHERE name = 'm'");
	my $rows = $node->safe_psql('source', q{SELECT count(*) FROM "sHop"."Answer" WHERE answer <> 'uncertain'});
	my $not_learned = "SELECT count(*) FROM easq.steps WHERE status = 'skipped' AND reason !~ 'uncertain|an hour'";

	dump_to('schema.sql', 'source', '--schema-only');
	dump_to('data.sql', 'source', '--data-only');
	dump_to('quiet.sql', 'source', '--data-only', '--disable-triggers');
	$node->safe_psql('postgres', 'CREATE DATABASE apart; CREATE DATABASE quiet');
	restore('schema.sql', $_) for qw(apart quiet);
	is($node->safe_psql('apart', 'SELECT count(*) FROM easq.model'), '0', '--schema-only: no models');
	restore('quiet.sql', 'quiet');
	is_deeply(state('quiet'), state('source'), '--data-only --disable-triggers: as a whole dump');

	# Statement triggers fire while data is restored, and what they find was restored before: learned twice.
	restore('data.sql', 'apart');
	is($node->safe_psql('apart', q{SELECT count(*) FROM "sHop"."Answer" WHERE answer <> 'uncertain'}), $rows, '--data-only: the rows are there');
	is($node->safe_psql('apart', "SELECT answers FROM easq.models WHERE name = 'm'"), $answers + $rows,
		'--data-only with triggers on: the answers are learned once more');
	is($node->safe_psql('apart', $not_learned), '0', 'none is skipped but for a reason');
}

note 'the extension goes and comes back';
{
	my $session = $node->background_psql('source', on_error_stop => 0);
	my $score = q{SELECT float4send(easq_score('m', c)) FROM (SELECT 1.5 AS price, 'red' AS colour) c;};
	my $old = $session->query($score);

	# (-n easq would leave out what belongs to an extension)
	dump_to('models.sql', 'source', '--data-only', '-t', 'easq.*');
	my $expected = state('source');
	like(refused($node, 'source', 'DROP EXTENSION easq'), qr/^2BP01/, 'DROP EXTENSION: the triggers need it');
	$node->safe_psql('source', q{
		SET client_min_messages = warning;
		DROP EXTENSION easq CASCADE;
		INSERT INTO "sHop"."Answer" VALUES (27, 'shopper 1', 27, 'satisfied');
		DELETE FROM "sHop"."Answer" WHERE id = 27;
		CREATE EXTENSION easq;
		SELECT easq_create_model('m', '[{"name": "price", "kind": "numeric"}, {"name": "colour", "kind": "categorical", "size": 50, "dim": 3}]', '{"hidden": 8, "expert_hidden": 4, "seed": 8}')});
	my $new = $session->query($score);
	isnt($new, $old, 'a session that knew the old model of this name sees the new one');
	is($new, $node->safe_psql('source', $score), 'as everybody does');

	$node->safe_psql('source', q{SELECT easq_drop_model('m')});
	restore('models.sql', 'source');
	is($session->query($score), $old, 'and after the restore the old one');
	$session->quit;
	my @without = grep { !/^triggers/ } @$expected;
	is_deeply([ grep { !/^triggers/ } @{ state('source') } ], \@without, 'models restored into a new extension');
	# A restored easq.questionnaire row without triggers: easq_learn attaches them again.
	$node->safe_psql('source', q{GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO curator;
		SET ROLE curator; SET search_path = "sHop", public;
		SELECT easq_learn('m', '"Answer"', respondent => 'shopper', options => '{"key": "id", "asked_at": "at", "weight": "propensity", "answers_per_hour": 3}',
			features => 'SELECT n.id, n.shopper, n.answer, n.at, n.propensity, c.price, c.colour FROM new_rows n JOIN "Coat" c USING (coat)')});
	is_deeply(state('source'), $expected, 'easq_learn attaches it again');
}

note 'owners and grantees by name, into a cluster that has not all of them';
{
	my $other = start_server('elsewhere');

	# The roles of the other cluster have the OIDs of others here.
	$other->safe_psql('postgres', join ';', map { "CREATE ROLE stranger$_" } 1 .. 40);
	$other->safe_psql('postgres', $_) for 'CREATE ROLE curator', 'CREATE ROLE "Odd, ""role"""', 'CREATE DATABASE moved', 'CREATE DATABASE apart';
	$node->safe_psql('postgres', $_) for 'CREATE ROLE leaver', 'CREATE ROLE dropped', 'CREATE ROLE "Odd, ""role"""', 'CREATE DATABASE rights';
	$node->safe_psql('rights', q{
		CREATE EXTENSION easq;
		SELECT easq_create_model(name, '[{"name": "x", "kind": "numeric"}]', json_build_object('owner', owner, 'hidden', 4, 'warm_up', 0)::jsonb)
		FROM (VALUES ('kept', 'curator'), ('odd', 'Odd, "role"'), ('left', 'leaver'), ('orphan', 'dropped')) m (name, owner);
		SELECT easq_grant('kept', 'score', role::name) FROM unnest(ARRAY['leaver', 'Odd, "role"', 'public', 'dropped']) role;
		SELECT easq_grant('left', 'teach', 'curator');
		CREATE TABLE q (user_id int, x int, answer bool);
		ALTER TABLE q OWNER TO leaver;
		GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO leaver;
		SET ROLE leaver;
		SELECT easq_learn('left', 'q');
		RESET ROLE;
		INSERT INTO q VALUES (1, 1, true), (1, 2, false)});
	$node->safe_psql('postgres', 'DROP ROLE dropped');
	$node->command_ok([ 'pg_dump', '-O', '-x', '-f', "$folder/rights.sql", 'rights' ], 'pg_dump');
	$node->command_ok([ 'pg_dump', '-O', '-x', '-f', "$folder/inserts.sql", '--inserts', '--quote-all-identifiers', 'rights' ], 'pg_dump --inserts');

	my $owners = q{SELECT string_agg(name || ' ' || owner || ' ' || may_score::text || may_teach::text, '; ' ORDER BY name) FROM easq.model};
	my $weights = q{SELECT md5(string_agg(easq_export(name)::text, '' ORDER BY name)) FROM easq.models};

	is($node->safe_psql('rights', $owners),
		q(kept curator {leaver,"\"Odd, \"\"role\"\"\"",public,-}{}; left leaver {}{curator}; odd "Odd, ""role""" {}{}; orphan - {}{}), 'as they are here');
	for ([ moved => 'rights.sql' ], [ apart => 'inserts.sql' ])
	{
		my ($database, $file) = @$_;

		$other->command_ok([ 'psql', '-X', '-q', '-o', "$folder/out", '-v', 'ON_ERROR_STOP=1', '-f', "$folder/$file", $database ], "$file restores where a role is missing");
		is($other->safe_psql($database, $owners), q(kept curator {-,"\"Odd, \"\"role\"\"\"",public,-}{}; left - {}{curator}; odd "Odd, ""role""" {}{}; orphan - {}{}),
			q{which costs what was that role's, and nothing else});
		is($other->safe_psql($database, $weights), $node->safe_psql('rights', $weights), 'all models are there');
	}
	is($other->safe_psql('moved', q{SELECT string_agg(concat_ws(' ', model, "right", grantee), '; ' ORDER BY model, grantee) FROM easq.grants}),
		'kept score Odd, "role"; kept score public; left teach curator', 'grants');
	is($other->safe_psql('moved', join ';', map { "SET ROLE stranger$_; SELECT count(*) FROM easq.models WHERE name <> 'kept'" } 1 .. 40), join("\n", (0) x 40), 'no stranger has got a model');
	$other->safe_psql('moved', 'INSERT INTO q VALUES (2, 1, true)');
	is($other->safe_psql('moved', 'SELECT reason FROM easq.steps ORDER BY id DESC LIMIT 1'), q{the check of the questionnaire's author failed (42704)}, 'a questionnaire without author skips');
	is($other->safe_psql('moved', 'SELECT count(*) FROM easq.questionnaires WHERE author IS NULL'), '1', 'and is shown');
	$other->safe_psql('moved', q{SELECT easq_configure(name, '{"owner": "curator"}') FROM easq.models WHERE owner IS NULL});
	is($other->safe_psql('moved', q{SET ROLE curator; SELECT count(*) FROM easq.models WHERE owner = 'curator'::regrole}), '3', q{a superuser adopts what is nobody's});

	# binary COPY writes names too
	my ($out, $err);
	$node->safe_psql('rights', "COPY (SELECT name, owner, may_score FROM easq.model) TO '$folder/binary' (FORMAT binary)");
	$other->psql('moved', "CREATE TABLE copied (name text, owner easq.role, may_score easq.role[]); COPY copied FROM '$folder/binary' (FORMAT binary);
		SELECT string_agg(name || ' ' || owner || ' ' || may_score::text, '; ' ORDER BY name) FROM copied", stdout => \$out, stderr => \$err);
	is($out, q(kept curator {-,"\"Odd, \"\"role\"\"\"",public,-}; left - {}; odd "Odd, ""role""" {}; orphan - {}), 'in binary');
	like($err, qr/WARNING:  role "leaver" does not exist/, 'with a warning');
	$other->stop;
}

note 'the owner of a database who is no superuser';
SKIP:
{
	skip 'there is no pg_database_owner', 1 if !$node->safe_psql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname = 'pg_database_owner'");
	$node->safe_psql('postgres', 'CREATE ROLE dbo LOGIN');
	$node->safe_psql('postgres', "CREATE DATABASE $_" . ($_ eq 'owned' ? ' OWNER dbo' : '')) for qw(owned owned_copy);
	$node->safe_psql('owned', q{
		CREATE EXTENSION easq;
		SELECT easq_create_model('m', '[{"name": "x", "kind": "numeric"}]', '{"hidden": 8, "expert_hidden": 4, "warm_up": 0, "owner": "dbo"}');
		GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO dbo;
		GRANT CREATE ON SCHEMA public TO dbo;
		SET ROLE dbo;
		CREATE TABLE survey (user_id int, x int, answer bool);
		SELECT easq_learn('m', 'survey', options => '{"answers_per_hour": 9}');
		INSERT INTO survey SELECT i, i, i % 2 = 0 FROM generate_series(1, 20) i;
		SET client_min_messages = warning;
		SELECT epochs FROM easq_train('m', 'SELECT i / 10 AS g, i % 7 AS x, i % 3 = 0 AS clicked FROM generate_series(1, 200) i', 'clicked', 'g');
		SELECT easq_checkpoint('m', 'kept')});
	dump_to('owned.sql', 'owned', '-U', 'dbo');
	restore('owned.sql', 'owned_copy');
	my $all = q{SELECT md5(string_agg(float4send(easq_score('m', c))::text, ',')) FROM (SELECT i AS x FROM generate_series(1, 9) i) c;
		SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM easq.tensor t;
		SELECT string_agg(concat_ws(' ', id, status), ',' ORDER BY id) FROM easq.steps;
		SELECT last_value FROM easq.step_id_seq};
	is($node->safe_psql('owned_copy', $all), $node->safe_psql('owned', $all), 'dumps it with its models');
	fails_with($node, 'owned', "SET ROLE dbo; $_", '42501', "and may not $_") for 'DELETE FROM easq.step', 'UPDATE easq.tensor SET data = data', "SELECT setval('easq.step_id_seq', 1)";
	$node->safe_psql('owned', qq{SELECT easq_create_model('another', '$EasqTest::x')});
	is($node->safe_psql('owned', q{SET ROLE dbo; SELECT easq_score('another', ARRAY[1]) > 0}), 't', 'and scores with every model');
	for my $kind (qw(sequence table))
	{
		$node->safe_psql('owned', "REVOKE SELECT ON ALL ${kind}s IN SCHEMA easq FROM pg_database_owner");
		$node->command_fails_like([ 'pg_dump', '-U', 'dbo', 'owned' ], qr/permission denied for $kind/, "each grant is needed: ${kind}s");
		$node->safe_psql('owned', "GRANT SELECT ON ALL ${kind}s IN SCHEMA easq TO pg_database_owner");
	}
}

$node->stop;
done_testing();
