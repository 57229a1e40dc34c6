# An answer is learned when its transaction is: rolled back, it never was; crash, replay and standby agree to the bit.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('primary', init => { allows_streaming => 1 },
	conf => "autovacuum = off\nmax_prepared_transactions = 2");
one_feature($node, 'postgres', 'm', 'q');

# All that a model is, to the bit: weights, scores of both pathways in all forms, counters, what is remembered.
my $state = q{
	SELECT md5(concat(
		easq_export('m'),
		(SELECT string_agg(concat(float4send(easq_score('m', c)), float4send(easq_satisfaction('m', c)), float4send(easq_score('m', ARRAY[i]))), ',')
		 FROM (SELECT i, i::float8 / 4 AS x FROM generate_series(-8, 8) i) c),
		(SELECT string_agg(float4send(b)::text, ',') FROM (SELECT easq_batch_score('m', c) OVER () b
		 FROM (SELECT i::float8 / 4 AS x FROM generate_series(-8, 8) i) c) b),
		(SELECT concat(version, step, answers, uncertain, asked_at) FROM easq.adapter),
		(SELECT string_agg(concat_ws(' ', answer, answers, oldest), ',' ORDER BY answer) FROM easq.answer_count),
		(SELECT string_agg(a::text, ',' ORDER BY ordinal) FROM easq.answer a),
		(SELECT string_agg(md5(o.data) || o.id, ',' ORDER BY name, chunk) FROM easq.tensor o WHERE part = 'moments')));};
my $count = 0;
sub answers { my ($rows) = @_; $count++; return "INSERT INTO q (user_id, x, answer) SELECT i % 3, (i + $count) % 7 - 3, CASE WHEN i % 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END FROM generate_series(1, $rows) i;"; }

sub state { my ($server) = @_; return ($server // $node)->safe_psql('postgres', $state); }
sub lines { my ($sql) = @_; return split /\n/, $node->safe_psql('postgres', $sql); }

$node->safe_psql('postgres', answers(5));

note 'rollback';
{
	my ($before, $inside, $again, $after) = lines($state . "BEGIN;" . answers(4) . $state . $state . "ROLLBACK;" . $state);

	isnt($inside, $before, 'an answer counts in the next statement of its transaction');
	is($again, $inside, 'and only once');
	is($after, $before, 'ROLLBACK: weights, scores, memory and optimiser as before');

	my ($s0, $s1, $s2, $s3, $s4, $s5) = lines($state . 'BEGIN;' . answers(2) . $state . 'SAVEPOINT a;' . answers(2) . $state
		  . 'SAVEPOINT b;' . answers(2) . 'RELEASE b; ROLLBACK TO a;' . $state . answers(3) . $state . 'ROLLBACK TO a; COMMIT;' . $state);
	isnt($s2, $s1, 'a savepoint learns');
	is($s3, $s1, 'ROLLBACK TO SAVEPOINT: as at the savepoint');
	isnt($s4, $s1, 'after it learning goes on');
	is($s5, $s1, 'COMMIT keeps what was not rolled back');
	isnt($s5, $s0, 'which is something');

	my $same = "BEGIN; INSERT INTO q (user_id, x, answer) VALUES (1, 7, 'satisfied');";
	my $visible = q{SELECT md5(string_agg(float4send(easq_score('m', c))::text, ',')) FROM (SELECT i AS x FROM generate_series(-8, 8) i) c;};
	my ($first, $second) = lines($same . $visible . "ROLLBACK;" . $same . $visible . "ROLLBACK;");
	is($second, $first, 'what was rolled back leaves no trace: the same statement does the same');

	fails_with($node, 'postgres', 'BEGIN;' . answers(2) . 'SELECT 1 / 0;', '22012', 'an error aborts the transaction');
	is(state(), $s5, 'and un-learns');
}

note 'ids';
{
	my $id = 'SELECT id FROM easq.adapter;';
	my (@gone, @kept);

	for (1 .. 5)
	{
		my @ids = lines('BEGIN;' . answers(2) . $id . answers(1) . $id . 'ROLLBACK;' . answers(2) . $id);
		push @gone, @ids[ 0, 1 ];
		push @kept, $ids[2];
	}
	my %seen;
	$seen{$_}++ for @gone, @kept;
	is(scalar(grep { $_ > 1 } values %seen), 0, 'ids of steps that were rolled back never come again');
	is($node->safe_psql('postgres', "SELECT count(DISTINCT t.id) || ' ' || bool_and(t.id IN (a.id, a.backbone_id)) FROM easq.tensor t, easq.adapter a WHERE t.part <> 'belief'"),
		'2 true', 'every tensor has the id of its tier');
}

note 'subtransactions and one expression';
for my $isolation ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	my $result = $node->safe_psql('postgres', "
		CREATE OR REPLACE FUNCTION loops(OUT result text) LANGUAGE plpgsql AS \$\$
		DECLARE
			row record;
			score real[];
		BEGIN
			result := '';
			SELECT 0.5 AS x INTO row;
			FOR i IN 0..5 LOOP
				BEGIN
					-- the same expression each time: before, within and after the subtransaction
					FOR j IN 1..2 LOOP
						score[i * 2 + j] := easq_score('m', row);
						IF j = 1 THEN
							INSERT INTO q (user_id, x, answer) VALUES (i, i, 'satisfied'), (i, -i - 1, 'dissatisfied');
						END IF;
					END LOOP;
					IF i % 2 = 0 THEN
						RAISE EXCEPTION 'undo' USING ERRCODE = 'UE001';
					END IF;
				EXCEPTION WHEN SQLSTATE 'UE001' THEN NULL;
				END;
				result := result
					|| CASE WHEN i = 0 THEN '' WHEN score[i * 2 + 1] = score[i * 2 - 1] THEN 'back ' WHEN score[i * 2 + 1] = score[i * 2] THEN 'on ' ELSE 'wrong ' END
					|| CASE WHEN score[i * 2 + 2] = score[i * 2 + 1] THEN 'stays ' ELSE 'moves ' END;
			END LOOP;
		END \$\$;
		BEGIN ISOLATION LEVEL $isolation; SELECT loops(); COMMIT;");
	# an assignment to a variable is not undone, so score[] tells what was seen
	is($result, 'moves back moves on moves back moves on moves back moves ', "$isolation: each statement sees what is there when it begins");
}

note 'scoring only reads';
{
	my $score = "SELECT count(easq_score('m', c)) + count(easq_satisfaction('m', c)) FROM (SELECT i AS x FROM generate_series(1, 100) i) c;";

	$node->safe_psql('postgres', 'VACUUM easq.tensor, easq.adapter, easq.model');
	is(join(' ', lines("BEGIN; $score SELECT count(b) FROM (SELECT easq_batch_score('m', c) OVER () b FROM (SELECT 1 AS x) c) b;
		SELECT length(easq_export('m')) > 0; SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT;")),
		'200 1 t t', 'scoring and exporting assign no transaction id');
	unlike($node->safe_psql('postgres', "$score EXPLAIN (ANALYZE, WAL, COSTS off, TIMING off) $score"), qr/WAL/, 'scoring writes no WAL');
	is(join(' ', lines("BEGIN READ ONLY; $score COMMIT;")), '200', 'scoring in a READ ONLY transaction');
}

my %writing = (
	easq_create_model => "easq_create_model('new', '[{\"name\": \"x\", \"kind\": \"numeric\"}]')",
	easq_configure => q{easq_configure('m', '{"beta": 2}')},
	easq_drop_model => "easq_drop_model('m')",
	easq_align => q{easq_align('m', '{{1}}', '{{2}}')},
	easq_import => "easq_import('m', easq_export('m'))",
	'easq_import, new' => "easq_import('new', easq_export('m'))",
	easq_checkpoint => "easq_checkpoint('m', 'now')",
	easq_restore => "easq_restore('m', 'then')",
	easq_learn => "easq_learn('m', 'q')",
	easq_stop_learning => "easq_stop_learning('m', 'q')",
	easq_train => "easq_train('m', 'SELECT i AS x, i % 2 AS label, 1 AS g FROM generate_series(1, 9) i', 'label', 'g')");
{
	my $before = state();

	my @calls = sort keys %writing;
	my @refusals = refusals($node, 'postgres', map { "ROLLBACK; BEGIN READ ONLY; SELECT $writing{$_}" } @calls);
	like($refusals[$_], qr/^25006/, "READ ONLY: $calls[$_]") for 0 .. $#calls;
	is(state(), $before, 'and nothing has changed');
	# temporary tables may be written all the same
	is(join(' ', lines("SET client_min_messages = warning; CREATE TEMP TABLE t (user_id int, x float8, answer text); SELECT easq_learn('m', 't');
		BEGIN READ ONLY; INSERT INTO t VALUES (1, 1, 'satisfied'), (1, 2, 'dissatisfied'); COMMIT; SELECT count(*) FROM t; SELECT easq_stop_learning('m', 't')")),
		' 2', 'READ ONLY: an answer to a temporary table is kept');
	is(state(), $before, 'and not learned');
}

note 'prepared transactions';
{
	my ($before, $inside, $prepared) = lines($state . 'BEGIN;' . answers(3) . $state . "PREPARE TRANSACTION 'p';" . $state);
	is($prepared, $before, 'PREPARE TRANSACTION: not visible yet');
	$node->restart;
	is(state(), $before, 'nor after a restart');
	fails_with($node, 'postgres', "SET lock_timeout = '50ms';" . answers(1), '55P03', 'its lock holds');
	is($node->safe_psql('postgres', "COMMIT PREPARED 'p';" . $state), $inside, 'COMMIT PREPARED: as it was inside');
}

note 'crash';
{
	$node->safe_psql('postgres', 'CHECKPOINT;' . answers(6));
	my $committed = state();
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query('BEGIN;' . answers(4));
	my $open = $session->query($state);
	isnt($open, $committed, 'a transaction is open and has learned');
	# its records are in the log; only the commit is missing
	$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
	$node->stop('immediate');
	eval { $session->quit };
	$node->start;
	is(state(), $committed, 'after a crash: what was committed, to the bit');
	$node->safe_psql('postgres', answers(4));
	isnt(state(), $committed, 'and learning goes on');
}

note 'standby';
{
	$node->backup('backup');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($node, 'backup', has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby);
	is(state($standby), state(), 'a standby scores and exports as the primary does');

	my $session = $standby->background_psql('postgres', on_error_stop => 0);
	my $snapshot = $standby->background_psql('postgres', on_error_stop => 0);
	my $old = $session->query($state);
	$snapshot->query('BEGIN ISOLATION LEVEL REPEATABLE READ;');
	is($snapshot->query($state), $old, 'a snapshot of the standby');
	$node->safe_psql('postgres', answers(7));
	$node->wait_for_catchup($standby);
	is($session->query($state), state(), 'a session that scored before sees what was replayed');
	is($snapshot->query($state), $old, 'a snapshot keeps its version');
	$snapshot->query('COMMIT;');
	is($snapshot->query($state), state(), 'until its transaction ends');

	my @calls = sort keys %writing;
	my @refusals = refusals($standby, 'postgres', answers(1), map { "SELECT $writing{$_}" } @calls);
	like($refusals[0], qr/^25006/, 'standby: INSERT');
	like($refusals[ $_ + 1 ], qr/^25006/, "standby: $calls[$_]") for 0 .. $#calls;
	$session->quit;
	$snapshot->quit;

	my $last = state();
	$node->stop;
	$standby->promote;
	is(state($standby), $last, 'promoted: as the primary was');
	$standby->safe_psql('postgres', answers(3));
	isnt(state($standby), $last, 'promoted: learns');
	$standby->stop;
}

done_testing();
