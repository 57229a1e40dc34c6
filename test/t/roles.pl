# Least privilege: who may score, who may teach, and as whom anything of the user's ever runs.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('roles');
my $create = "'$EasqTest::x', '$EasqTest::options'";

# curator owns models and questionnaires, app ranks, visitor answers, mallory has a table of his own.
$node->safe_psql('postgres', "
	CREATE ROLE curator; CREATE ROLE app; CREATE ROLE visitor; CREATE ROLE mallory; CREATE ROLE staff; CREATE ROLE member IN ROLE curator;
	CREATE SCHEMA shop AUTHORIZATION curator; CREATE SCHEMA evil AUTHORIZATION visitor; CREATE SCHEMA lair AUTHORIZATION mallory;
	GRANT USAGE ON SCHEMA shop TO visitor, mallory;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO curator, member, mallory;
	SET ROLE curator;
	SELECT easq_create_model('m', $create);
	RESET ROLE;
	SELECT easq_create_model('other', $create);");

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub steps { return sql("SELECT string_agg(concat_ws(' ', status, answers, reason, detail), E'\\n' ORDER BY id) FROM easq.steps WHERE model = 'm'"); }
# What the statements of a visitor, who has INSERT and nothing else, added to the log.
my $seen = 0;
sub visit
{
	my ($statements) = @_;
	my $refused = refused($node, 'postgres', "SET SESSION AUTHORIZATION visitor; $statements");
	my $log = sql("SELECT string_agg(concat_ws(' ', status, answers, reason, detail), ', ' ORDER BY id) FROM (SELECT * FROM easq.steps WHERE model = 'm' ORDER BY id OFFSET $seen) s");

	$seen = sql("SELECT count(*) FROM easq.steps WHERE model = 'm'");
	return $refused || $log;
}
my $row = '(SELECT 1.5 AS x) c';

note 'scoring';
{
	my %scoring = (
		'easq_score, record' => "SELECT easq_score('m', c) FROM $row",
		'easq_score, jsonb' => "SELECT easq_score('m', to_jsonb(c)) FROM $row",
		easq_explain => "SELECT contribution FROM $row, easq_explain('m', c)",
		'easq_score, array' => "SELECT easq_score('m', ARRAY[1.5])",
		'easq_satisfaction, record' => "SELECT easq_satisfaction('m', c) FROM $row",
		'easq_satisfaction, array' => "SELECT easq_satisfaction('m', ARRAY[1.5])",
		easq_batch_score => "SELECT easq_batch_score('m', c) OVER () FROM $row");
	my @calls = sort keys %scoring;
	my @of = @scoring{@calls};

	sub each_like
	{
		my ($session, $pattern, $who, @calls) = @_;
		my @refusals = refusals($node, 'postgres', @$session);

		splice @refusals, 0, @$session - @calls;
		like($refusals[$_], $pattern, "$who: $calls[$_]") for 0 .. $#calls;
	}
	each_like([ 'SET ROLE app', @of ], qr/^42501/, 'without a right', @calls);
	each_like([ 'SET ROLE curator', @of ], qr/^$/, 'the owner', @calls);
	each_like([ 'SET ROLE member', @of ], qr/^$/, 'a member of the owner', @calls);
	like(refused($node, 'postgres', "SET ROLE curator; SELECT easq_score('other', c) FROM $row"), qr/^42501/, 'the owner of one has no right to another');

	# the model is in the session's cache, the statement is planned, fn_extra is filled
	my @prepared = map { "PREPARE p$_ AS $of[$_]" } 0 .. $#of;
	my @execute = map { "EXECUTE p$_" } 0 .. $#of;
	each_like([ @prepared, @execute, @execute, 'SET ROLE app', @execute ], qr/^42501/, 'cached and prepared by a superuser', @calls);
	each_like([ @prepared, @execute, 'SET ROLE app', @execute, 'RESET ROLE', @execute ], qr/^$/, 'and back again', @calls);
	like(refused($node, 'postgres', "
		DO \$\$ DECLARE r record; s real; BEGIN
			SELECT 1.5 AS x INTO r;
			FOR i IN 1..3 LOOP
				s := easq_score('m', r);
				IF i = 2 THEN SET LOCAL ROLE app; END IF;
			END LOOP;
		END \$\$"), qr/^42501/, 'the role changes within a loop');

	is(sql("SET ROLE app; SELECT count(*) FROM easq.models; SELECT count(*) FROM easq.steps"), "0\n0", 'without a right the views are empty');
	sql('GRANT SELECT ON easq.model TO app');
	each_like([ 'SET ROLE app', @of ], qr/^$/, 'with SELECT on easq.model', @calls);
	is(sql("SET ROLE app; SELECT count(*) FROM easq.models"), '2', 'and the views are not');
	each_like([ @prepared, 'SET ROLE app', @execute, 'RESET ROLE; REVOKE SELECT ON easq.model FROM app; SET ROLE app', @execute ], qr/^42501/,
		'revoked within the session', @calls);

	sql("SET ROLE curator; CREATE FUNCTION shop.rank(float8) RETURNS real LANGUAGE sql SECURITY DEFINER SET search_path = public
		AS 'SELECT easq_score(''m'', c) FROM (SELECT \$1 AS x) c'; GRANT USAGE ON SCHEMA shop TO app");
	is(sql('SET ROLE app; SELECT shop.rank(1) > 0'), 't', 'a SECURITY DEFINER function of the owner lends its right');
}

note 'teaching';
{
	my %teaching = (
		easq_configure => q{SELECT easq_configure('m', '{"beta": 2}')},
		easq_drop_model => "SELECT easq_drop_model('m')",
		easq_align => q{SELECT easq_align('m', '{{1}}', '{{2}}')},
		easq_export => "SELECT easq_export('m')",
		easq_import => q{SELECT easq_import('m', '\x00')},
		easq_checkpoint => "SELECT easq_checkpoint('m', 'now')",
		easq_restore => "SELECT easq_restore('m', 'then')",
		easq_train => "SELECT easq_train('m', 'SELECT 1 AS x', 'x', 'x')",
		easq_learn => "SELECT easq_learn('m', 'lair.q')");
	my @calls = sort keys %teaching;

	sql('SET ROLE mallory; CREATE TABLE lair.q (user_id int, x float8, answer text)');
	each_like([ 'SET ROLE app', 'GRANT SELECT ON easq.model TO app', @teaching{@calls} ], qr/^42501/, 'without EXECUTE', @calls);
	sql('GRANT SELECT ON easq.model TO mallory');
	# A file is parsed before anything is known about the model.
	each_like([ 'SET ROLE mallory', @teaching{@calls} ], qr/^(42501 (must be owner of|permission denied for) model|22023 not a safetensors)/, 'with EXECUTE and SELECT, not the owner', @calls);
	sql('CREATE TABLE copies AS SELECT easq_export(\'m\') AS data; GRANT SELECT ON copies TO mallory');
	fails_with($node, 'postgres', "SET ROLE mallory; SELECT easq_import('m', data) FROM copies", '42501 must be owner', 'nor import');
	is(refused($node, 'postgres', "SET ROLE member; SELECT easq_align('m', '{{1}}', '{{2}}')"), '', 'a member of the owner teaches');
	each_like([ 'SET ROLE curator', map { "$_ easq.model" } 'DELETE FROM', 'SELECT count(*) FROM', 'TRUNCATE' ], qr/^42501/, 'the owner of a model', qw(DELETE SELECT TRUNCATE));
	each_like([ 'SET ROLE curator', 'UPDATE easq.tensor SET data = data', "INSERT INTO easq.questionnaire SELECT * FROM easq.questionnaire", 'SELECT count(*) FROM easq.answer' ],
		qr/^42501/, 'the owner of a model', 'UPDATE easq.tensor', 'INSERT INTO easq.questionnaire', 'SELECT easq.answer');

	fails_with($node, 'postgres', q{SET ROLE curator; SELECT easq_configure('m', '{"owner": "mallory"}')}, '42501', 'a model cannot be pushed on a stranger');
	sql('GRANT staff TO curator');
	sql(q{SET ROLE curator; SELECT easq_configure('m', '{"owner": "staff"}')});
	is(sql("SELECT owner FROM easq.models WHERE name = 'm'"), 'staff', 'option owner hands a model on');
	is(refused($node, 'postgres', "SET ROLE curator; SELECT easq_align('m', '{{1}}', '{{2}}')"), '', 'who is a member of the new owner still teaches');
	sql('REVOKE staff FROM curator');
	fails_with($node, 'postgres', "SET ROLE curator; SELECT easq_align('m', '{{1}}', '{{2}}')", '42501 permission denied for model "m": role "curator" has not the right "teach"', 'who is not does not');
	sql(q{SELECT easq_configure('m', '{"owner": "curator"}')});
	# a file may not decide whose model it becomes
	my $file = unhex(sql("SELECT easq_export('m')")) =~ s/"options":"\{/"options":"{\\"owner\\":\\"mallory\\",/r;
	substr($file, 0, 8) = pack 'Q<', unpack('Q<', $file) + length('\"owner\":\"mallory\",');
	like(refused($node, 'postgres', "SELECT easq_import('gift', " . hex_literal($file) . ')'), qr/^22023.*owner/, 'a file that names an owner is refused');
	is(sql("SELECT count(*) FROM easq.models WHERE name = 'gift'"), '0', 'and makes no model');
}

note "triggers of one's own";
{
	my $before = steps();
	my $trigger = 'CREATE TRIGGER t AFTER INSERT ON lair.q REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION easq_answered';
	my $insert = "INSERT INTO lair.q VALUES (1, 1, 'satisfied'), (1, 2, 'dissatisfied')";

	for my $arguments ('', "'m'", "'m', 'lair.q', 'curator', 'SELECT lair.spy()'")
	{
		is(refused($node, 'postgres', "SET ROLE mallory; $trigger($arguments); $insert; DROP TRIGGER t ON lair.q"), '', "a hand-made trigger ($arguments) is harmless");
	}
	fails_with($node, 'postgres', "SET ROLE mallory; CREATE TRIGGER t AFTER INSERT ON lair.q EXECUTE FUNCTION easq_answered(); $insert", '39P01', 'without transition table');
	sql('DROP TRIGGER t ON lair.q');
	fails_with($node, 'postgres', "SET ROLE mallory; CREATE TRIGGER t BEFORE INSERT ON lair.q FOR EACH ROW EXECUTE FUNCTION easq_answered(); $insert", '39P01', 'for each row');
	sql('DROP TRIGGER t ON lair.q');
	is(steps(), $before, 'nothing was learned');
	fails_with($node, 'postgres', "SET ROLE mallory; SELECT easq_answered()", qr/^(0A000|39P01)/, 'nor can it be called');
	sql('SET ROLE curator; CREATE TABLE shop.other (user_id int, x float8, answer text)');
	fails_with($node, 'postgres', "SET ROLE member; REVOKE ALL ON shop.other FROM mallory; RESET ROLE; SELECT easq_configure('other', '{\"owner\": \"mallory\"}'); SET ROLE mallory; SELECT easq_learn('other', 'shop.other')",
		'42501 must be owner of table', "somebody else's table cannot be attached");
}

note 'as the author, confined';
sql(q{
	SET ROLE curator;
	CREATE TABLE shop.seen (what text, whom text, session text, path text, security text);
	CREATE TABLE shop.video (video int PRIMARY KEY, x float8, visible_to text DEFAULT 'curator');
	INSERT INTO shop.video SELECT i, i % 7 - 3 FROM generate_series(1, 100) i;
	CREATE TABLE shop.q (user_id int, video int, answer text, attempt text);
	CREATE FUNCTION shop.spy(what text) RETURNS bool LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO shop.seen VALUES (what, current_user, session_user, current_setting('search_path'), current_setting('row_security'));
			IF what IS NOT NULL THEN
				BEGIN
					EXECUTE what;
					UPDATE shop.seen SET what = seen.what || ': done' WHERE seen.what = spy.what;
				EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR invalid_transaction_termination THEN
					UPDATE shop.seen SET what = seen.what || ': ' || SQLSTATE WHERE seen.what = spy.what;
				END;
			END IF;
			RETURN true;
		END $$;
	-- the default search_path: everything by its short name
	SET search_path = shop, public;
	SELECT easq_learn('m', 'q', features => 'SELECT n.user_id, n.answer, v.x FROM new_rows n JOIN video v ON v.video = n.video AND spy(n.attempt) AND n.answer <> ''\''');
	GRANT INSERT ON q TO visitor;
});
sub seen { my $seen = sql('SELECT DISTINCT ' . ($_[0] // 'whom, session, path, security') . ' FROM shop.seen ORDER BY 1'); sql('TRUNCATE shop.seen'); return $seen; }
my $pair = "INSERT INTO shop.q (user_id, video, answer) VALUES (1, 2, 'satisfied'), (1, 3, 'dissatisfied')";
my $as_author = 'curator|visitor|shop, public, pg_temp|on';
$seen = sql("SELECT count(*) FROM easq.steps WHERE model = 'm'");
{
	is(visit($pair), 'applied 2', 'INSERT is all that a visitor needs');
	is(seen(), $as_author, 'the features query ran as the author');
	fails_with($node, 'postgres', 'SET SESSION AUTHORIZATION visitor; SELECT * FROM shop.q', '42501', 'who may not read');
	fails_with($node, 'postgres', 'SET SESSION AUTHORIZATION visitor; SELECT * FROM shop.video', '42501', 'what the query reads');

	# things by which a visitor could get into the author's query
	my $evil = "
		SET search_path = evil, pg_temp, shop, public, pg_catalog;
		CREATE TEMP TABLE video (video int, x float8); GRANT ALL ON video TO PUBLIC; INSERT INTO video VALUES (2, 'nan'), (3, 'nan');
		CREATE TEMP TABLE new_rows (user_id int, video int, answer text, attempt text); GRANT ALL ON new_rows TO PUBLIC;
		CREATE FUNCTION pg_temp.spy(text) RETURNS bool LANGUAGE sql AS 'SELECT false';
		CREATE TABLE IF NOT EXISTS evil.video (video int, x float8); GRANT ALL ON evil.video TO PUBLIC; GRANT ALL ON SCHEMA evil TO PUBLIC;
		CREATE OR REPLACE FUNCTION evil.spy(text) RETURNS bool LANGUAGE sql AS 'SELECT false';
		CREATE OR REPLACE FUNCTION evil.never(int, int) RETURNS bool LANGUAGE sql AS 'SELECT false';
		CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.never);";
	is(visit("$evil $pair"), 'applied 2', "a visitor's tables, functions, operators and search_path are not used");
	is(seen(), $as_author, 'everything is found as the author had it');
	is(visit("SET search_path = ''; $pair"), 'applied 2', 'nor is an empty one');
	is(visit("CREATE TEMP TABLE easq (a int); SET search_path = pg_temp, evil; $pair"), 'applied 2', "nor anything that is called easq");
	seen();
	is(visit("SET row_security = off; SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = on; $pair"), 'applied 2', 'nor settings');
	is(seen(), $as_author, 'row_security is on');

	# what the author may not do either: the visitor is the one who is there
	my @attempts = ('SET ROLE visitor', 'SET SESSION AUTHORIZATION visitor', 'CREATE TEMP TABLE t (a int)', 'RESET ROLE',
		'DELETE FROM easq.model', 'UPDATE easq.questionnaire SET author = author', 'COMMIT', 'ALTER ROLE curator SUPERUSER',
		'DECLARE c CURSOR WITH HOLD FOR SELECT 1');
	my $values = join ', ', map { "(1, 2, 'satisfied', '$_'), (1, 3, 'dissatisfied', NULL)" } @attempts;
	like(visit("INSERT INTO shop.q VALUES $values"), qr/^(applied|skipped) \d+/, 'the rows are kept');
	my @tried = split /\n/, seen('what');
	is(scalar(grep { /: done$/ } @tried), 0, 'nothing that needs another role was done')
	  or diag(join "\n", @tried);
	is(scalar(grep { /: (42501|0A000|2D000)$/ } @tried), scalar(@attempts), 'each was refused')
	  or diag(join "\n", @tried);

	is(sql("SET SESSION AUTHORIZATION visitor; SET search_path = evil, shop; SET work_mem = '5MB'; $pair;
		INSERT INTO shop.q VALUES (1, 2, 'satisfied', 'SET work_mem = ''7MB''; SET search_path = lair');
		SELECT current_user, session_user, current_setting('search_path'), current_setting('work_mem'), current_setting('row_security')"),
		'visitor|visitor|evil, shop|5MB|on', 'afterwards the visitor is the visitor, with his settings');
	visit('');
	# an error in the query takes the same way back
	sql("SET ROLE curator; CREATE TABLE shop.late (a int); CREATE FUNCTION shop.late() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN INSERT INTO shop.seen VALUES (''late'', current_user); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shop.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.late();
		CREATE FUNCTION shop.raise(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN SET LOCAL work_mem = ''9MB''; RAISE EXCEPTION ''%'', \$1; END'");
	seen();
	is(sql("BEGIN; SET SESSION AUTHORIZATION visitor; SET search_path = evil, shop; INSERT INTO shop.q VALUES (1, 2, 'satisfied', 'SELECT shop.raise(''no'')');
		SELECT current_user, current_setting('search_path'), current_setting('work_mem'); COMMIT"), 'visitor|evil, shop|4MB', 'after an error too');
	is(visit(''), 'skipped 1 the features query failed (P0001) no', 'which skips the step');
	# a deferred trigger would fire when the author is gone and the visitor commits
	visit("INSERT INTO shop.q VALUES (1, 2, 'satisfied', 'INSERT INTO shop.late VALUES (1)')");
	unlike(seen('what, whom'), qr/late\|visitor|late\|postgres/, 'a deferred trigger of the query does not fire as the visitor');
}

note 'row level security';
{
	# The author reads somebody else's table, through a policy.
	sql("ALTER TABLE shop.video OWNER TO staff; GRANT SELECT ON shop.video TO curator, visitor;
		UPDATE shop.video SET visible_to = CASE WHEN video <= 10 THEN 'curator' WHEN video <= 20 THEN 'visitor' ELSE 'nobody' END;
		ALTER TABLE shop.video ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON shop.video USING (visible_to = current_user)");
	my $before = sql("SELECT answers FROM easq.models WHERE name = 'm'");
	is(visit("SET row_security = off; INSERT INTO shop.q SELECT 5, i, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(6, 25) i"), 'skipped 15 the features query returned no row for it, applied 5',
		"what the author's policy shows is learned");
	sql('ALTER TABLE shop.video DISABLE ROW LEVEL SECURITY');
	sql("REVOKE SELECT ON shop.video FROM curator");
	is(visit($pair), 'skipped 2 the features query failed (42501) permission denied for table video', 'a right that the author has lost: the rows are kept, the step is skipped');
	sql("GRANT SELECT ON shop.video TO curator");
	is(visit($pair), 'applied 2', 'and has got again');
	seen();
}

note 'casts';
{
	sql(q{
		SET ROLE curator; SET search_path = shop, public;
		CREATE TYPE embedding AS (a float8, b float8);
		CREATE FUNCTION as_floats(embedding) RETURNS real[] LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop.seen VALUES (''cast'', current_user); RETURN ARRAY[$1.a, $1.b]; END';
		RESET ROLE;
		CREATE CAST (shop.embedding AS real[]) WITH FUNCTION shop.as_floats(shop.embedding);
		SET ROLE curator;
		SELECT easq_create_model('cast', '[{"name": "v", "kind": "vector", "dim": 2}]', '{"hidden": 4, "warm_up": 0}');
		CREATE TABLE cast_q (user_id int, v embedding, answer bool);
		SELECT easq_learn('cast', 'cast_q');
		GRANT INSERT ON cast_q TO visitor;
	});
	sql("SET SESSION AUTHORIZATION visitor; INSERT INTO shop.cast_q VALUES (1, (1, 2), true), (1, (2, 1), false)");
	is(sql("SELECT string_agg(concat_ws(' ', status, answers, reason, detail), ', ') FROM easq.steps WHERE model = 'cast'"), 'applied 2', 'a cast by a function');
	is(seen('what, whom'), 'cast|curator', 'ran as the author');
	sql("SET ROLE member; SELECT easq_score('cast', q) FROM shop.cast_q q");
	is(seen('what, whom'), 'cast|member', 'and as whoever scores');
}

note 'a right to write is not enough';
SKIP:
{
	skip 'no pg_write_all_data before PostgreSQL 14', 10 if $node->pg_version < 14;

	# What a member could gain: a features query that runs as the author, a model, a role's rights.
	my %theft = (
		'UPDATE of a query' => "UPDATE easq.questionnaire SET features = 'SELECT lair.spy()'",
		'INSERT of an author' => "INSERT INTO easq.questionnaire (model, questionnaire, author, answer, respondent, settings, options) VALUES ('m', 'lair.q', 'postgres', 'answer', 'user_id', '{}', '{}')",
		'UPDATE of an owner' => "UPDATE easq.model SET owner = 'writer', may_export = '{public}'",
		'DELETE of a model' => 'DELETE FROM easq.model',
		'within a SELECT' => "WITH w AS (UPDATE easq.model SET owner = 'writer' RETURNING name) SELECT count(*) FROM w",
		'a function' => 'SELECT lair.take()');
	my $all = "SELECT (SELECT string_agg(m::text, ',' ORDER BY name) FROM easq.model m), (SELECT string_agg(q::text, ',' ORDER BY q::text) FROM easq.questionnaire q)";
	my $before = sql($all);

	sql("CREATE ROLE writer IN ROLE pg_write_all_data, pg_read_all_data; GRANT ALL ON SCHEMA lair TO writer; SET ROLE writer;
		CREATE FUNCTION lair.take() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'UPDATE easq.model SET owner = ''writer'''");
	for my $how (sort keys %theft)
	{
		fails_with($node, 'postgres', "SET ROLE writer; $theft{$how}", qr/^42501 must be owner of table easq\./, $how);
	}
	my @tables = split /\n/, sql("SELECT relname FROM pg_class WHERE relnamespace = 'easq'::regnamespace AND relkind = 'r'");
	my @refused = grep { /^42501 must be owner of table easq\./ } refusals($node, 'postgres', 'SET ROLE writer', map { "DELETE FROM easq.$_" } @tables);
	is(scalar @refused, scalar @tables, 'every table of ' . @tables);
	my ($out, $err);
	$node->psql('postgres', "SET ROLE writer;\n\\copy easq.queued FROM '/dev/null'", stdout => \$out, stderr => \$err);
	like($err, qr/must be owner of table easq\.queued/, 'COPY');
	is(sql($all), $before, 'everything is as it was');
	# sequences order the rows of a log, no more: at their end they begin again
	my $last = sql('SELECT last_value FROM easq.step_id_seq');
	is(refused($node, 'postgres', "BEGIN; SET ROLE writer; SELECT setval('easq.step_id_seq', 9223372036854775807); RESET ROLE; $pair; ROLLBACK"), '', 'a sequence that was set hinders no answer');
	sql("SELECT setval('easq.step_id_seq', $last)");
}

note 'changes that a subscription applies';
SKIP:
{
	skip 'before PostgreSQL 15 nobody but a superuser has a subscription', 3 if $node->pg_version < 15;

	my $publisher = start_server('publisher', init => { allows_streaming => 'logical' });
	my $connection = $publisher->connstr('postgres') =~ s/'/''/gr;

	$publisher->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE easq.questionnaire');
	sql("CREATE ROLE subscriber SUPERUSER LOGIN; GRANT pg_write_all_data, pg_read_all_data TO subscriber; SET ROLE subscriber;
		CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (copy_data = false)");
	sql('ALTER ROLE subscriber NOSUPERUSER');
	$publisher->safe_psql('postgres', "INSERT INTO easq.questionnaire (model, questionnaire, author, answer, respondent, settings, options)
		VALUES ('m', 'pg_class', '-', 'answer', 'user_id', '{}', '{}')");
	ok(poll($node, 'postgres', 'SELECT apply_error_count > 0 FROM pg_stat_subscription_stats'), 'statement triggers do not see them, row triggers do');
	like(slurp_file($node->logfile), qr/must be owner of table easq\.questionnaire to write it|cannot SET ROLE/, 'refused');
	is(sql("SELECT count(*) FROM easq.questionnaire WHERE questionnaire = 'pg_class'::regclass"), '0', 'and not there');
	sql('ALTER ROLE subscriber SUPERUSER; ALTER SUBSCRIPTION s DISABLE');
	$publisher->stop;
}

note 'authors who are gone';
{
	my $rows = sql('SELECT count(*) FROM shop.q');

	sql("ALTER TABLE shop.q OWNER TO staff; GRANT USAGE ON SCHEMA shop TO staff");
	is(visit($pair), q{skipped 2 the check of the questionnaire's author failed (42501) role "curator", who called easq_learn, does not own table q any more}, 'lost ownership');
	sql("ALTER TABLE shop.q OWNER TO curator");
	sql(q{SELECT easq_configure('m', '{"owner": "staff"}')});
	is(visit($pair), 'skipped 2 opening the model failed (42501) permission denied for model "m": role "curator" has not the right "teach"', 'lost the right to teach');
	sql(q{SELECT easq_configure('m', '{"owner": "curator"}')});
	is(visit($pair), 'applied 2', 'both again');
	sql("REASSIGN OWNED BY curator TO staff; DROP OWNED BY curator; DROP ROLE curator");
	sql(q{SELECT easq_configure('m', '{"owner": "staff"}'); GRANT INSERT ON shop.q TO visitor; GRANT USAGE ON SCHEMA shop TO visitor});
	like(visit($pair), qr/^skipped 2 the check of the questionnaire's author failed \(42704\) the author of the questionnaire .* does not exist any more$/, 'a dropped author');
	is(seen(), $as_author, 'whoever it was, nothing ran as anybody else');
	is(sql("SELECT count(*) - $rows FROM shop.q"), '8', 'and every row is kept');
}

$node->stop;
done_testing();
